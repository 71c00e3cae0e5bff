/**
 * Every film in the players of other people's pages: Shaka (HLS and DASH), video.js, Chromium's own HLS, and hls.js as
 * a transport stream. Shaka
 * buffers as it is told: it takes the whole film, plays its beginning and plays to its end; the others play it through.
 */

import { finish, given, person } from "./chromium.mjs";
import { build, open } from "./stage.mjs";

const films = /** @type {{ id: string, hls: string, dash: string, transport: string }[]} */ (JSON.parse(given.films));
const PAGES_AT_ONCE = 3;
const PATIENCE_MS = 60_000;
const PLAYS = { "Shaka": playBothEnds, "Shaka DASH": playBothEnds, "video.js": playThrough, "Chromium": playThrough, "hls.js TS": playThrough };

const context = await person();
await build(context);
const waiting = films.flatMap((film) => Object.keys(PLAYS).map((player) => ({ film, player })));
const shows = /** @type {Record<string, Record<string, object>>} */ ({});
await Promise.all(Array.from({ length: PAGES_AT_ONCE }, playWaiting));
await finish({ shows });

async function playWaiting() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { film, player } = next;
    const show = await play(page, player, film).catch((error) => ({ failure: String(error) }));
    shows[film.id] = { ...shows[film.id], [player]: show };
  }
}

/** @param {import("playwright-core").Page} page @param {string} player @param {typeof films[0]} film */
async function play(page, player, film) {
  await open(page, player, film);
  await PLAYS[player](page).catch(async (error) => {
    throw new Error(`${error.message.split("\n")[0]}; ${JSON.stringify(await page.evaluate(look))}`);
  });
  return page.evaluate(look);
}

/** @param {import("playwright-core").Page} page */
async function playBothEnds(page) {
  await page.waitForFunction(() => {
    const { buffered, duration } = document.querySelector("video");
    return buffered.length && buffered.end(buffered.length - 1) >= duration - 0.1;
  });
  await page.evaluate(async () => {
    const video = document.querySelector("video");
    window.heard.buffered = Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
    await video.play();
  });
  await page.waitForFunction(() => {
    const { currentTime, duration } = document.querySelector("video");
    return currentTime > Math.min(0.5, duration / 2);
  });
  await page.evaluate(() => {
    const video = document.querySelector("video");
    video.currentTime = Math.max(video.currentTime, video.duration - 1);
  });
  await page.waitForFunction(() => document.querySelector("video").ended);
}

/** @param {import("playwright-core").Page} page */
async function playThrough(page) {
  await page.evaluate(async () => {
    const video = document.querySelector("video");
    await video.play();
    video.playbackRate = 8;
  });
  await page.waitForFunction(() => document.querySelector("video").ended);
}

/** In the page. */
function look() {
  const { duration, currentTime, videoWidth, videoHeight } = document.querySelector("video");
  return { ...window.heard, duration, currentTime, videoWidth, videoHeight };
}
