/** A transport stream in hls.js: whether a cue is shown while the picture is lit, and none while it is dark. */

import { finish, given, person } from "./chromium.mjs";
import { build, open } from "./stage.mjs";

const PATIENCE_MS = 60_000;

const context = await person();
await build(context);
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE_MS);
await open(page, "hls.js TS", JSON.parse(given.film));
await page.evaluate(() => document.querySelector("video").play());
await page.waitForFunction((count) => {
  const [track] = [...document.querySelector("video").textTracks].filter((one) => one.mode === "showing");
  return track?.cues?.length === count;
}, given.cues);
const seen = [];
for (const seconds of given.times) seen.push(await page.evaluate(look, seconds));
await finish({ seen, errors: await page.evaluate(() => window.heard.errors) });

/** In the page: [a cue is shown, the picture is lit] there. @param {number} seconds */
async function look(seconds) {
  const video = document.querySelector("video");
  video.pause();
  const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
  video.currentTime = seconds;
  await there;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const drawing = new OffscreenCanvas(1, 1).getContext("2d");
  drawing.drawImage(video, 0, 0, 1, 1);
  const [track] = [...video.textTracks].filter((one) => one.mode === "showing");
  return [track.activeCues.length > 0, drawing.getImageData(0, 0, 1, 1).data[0] > 128];
}
