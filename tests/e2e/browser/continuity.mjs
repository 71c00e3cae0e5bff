/**
 * Viewers who seek about in a film of which hardly more than the plan exists, each in another player, all at once.
 * The film has its second written in its picture: what is seen must be what belongs there.
 */

import { finish, given, person } from "./chromium.mjs";
import { build, open } from "./stage.mjs";

const { film, bars, barPixels } = given;
const seeks = /** @type {Record<string, number[]>} */ (given.seeks);
const PATIENCE_MS = 60_000;
const STORM_SEEKS = 15;
const STORM_PAUSE_MS = 80;
const PLAYED_SECONDS = 0.5; // behind a seek: it plays
const SWITCHES = 4;

const context = await person();
await build(context);
const viewers = await Promise.all(Object.entries(seeks).map(([player, places]) => watch(player, places)));
await finish({ viewers: Object.fromEntries(viewers) });

/** @param {string} player @param {number[]} places in seconds */
async function watch(player, places) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const seen = { seeks: [], storm: null, rungs: null, failure: null };
  try {
    await open(page, player, film);
    await page.evaluate(() => document.querySelector("video").play());
    for (const place of places) seen.seeks.push(await seek(page, place));
    seen.storm = await storm(page, places);
    seen.rungs = await switchRungs(page, player);
  } catch (error) {
    seen.failure = `${error.message.split("\n")[0]} ${JSON.stringify(await page.evaluate(look))}`;
  }
  return [player, { ...seen, ...(await page.evaluate(() => window.heard)) }];
}

/** @param {import("playwright-core").Page} page @param {number} place */
async function seek(page, place) {
  const begun = performance.now();
  await page.evaluate((at) => (document.querySelector("video").currentTime = at), place);
  await plays(page, place);
  return { place, seconds: (performance.now() - begun) / 1000, ...(await page.evaluate(look)), ...(await shown(page)) };
}

/** It goes on behind a place that was sought. @param {import("playwright-core").Page} page @param {number} place */
async function plays(page, place) {
  await page.waitForFunction((least) => {
    const video = document.querySelector("video");
    return !video.seeking && video.readyState >= 3 && video.currentTime > least;
  }, place + PLAYED_SECONDS);
}

/** A viewer who drags the handle about. @param {import("playwright-core").Page} page @param {number[]} places */
async function storm(page, places) {
  for (let count = 0; count < STORM_SEEKS; count += 1) {
    const place = places[count % places.length] + 7 * count;
    await page.evaluate((at) => (document.querySelector("video").currentTime = at), place % given.seconds);
    await page.waitForTimeout(STORM_PAUSE_MS);
  }
  return seek(page, places[0] / 2);
}

/** To the lowest rung and back while it plays. @param {import("playwright-core").Page} page @param {string} player */
async function switchRungs(page, player) {
  const { currentTime: from, frames: before } = await page.evaluate(look);
  const heights = [];
  for (let change = 0; change < SWITCHES; change += 1) {
    heights.push(await page.evaluate(chooseRung, { player, lowest: change % 2 === 0 }));
    await page.waitForFunction((height) => document.querySelector("video").videoHeight === height, heights.at(-1));
  }
  return { from, before, heights, ...(await page.evaluate(look)), ...(await shown(page)) };
}

/** In the page. @param {{ player: string, lowest: boolean }} choice @returns {number} the lines of what was chosen */
function chooseRung({ player, lowest }) {
  if (player === "hls.js") {
    const levels = window.player.levels.map((level, index) => ({ index, height: level.height }));
    levels.sort((one, other) => one.height - other.height);
    const { index, height } = lowest ? levels[0] : levels.at(-1);
    window.player.nextLevel = index;
    return height;
  }
  const tracks = window.player.getVariantTracks().sort((one, other) => one.height - other.height);
  const track = lowest ? tracks[0] : tracks.at(-1);
  window.player.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 1 } });
  window.player.selectVariantTrack(track, false); // as its own choice does it, behind what it has
  return track.height;
}

/** In the page. */
function look() {
  const video = document.querySelector("video");
  const buffered = Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
  const frames = video.getVideoPlaybackQuality().totalVideoFrames; // shown or dropped
  return { currentTime: video.currentTime, readyState: video.readyState, frames, buffered };
}

/**
 * What the picture says, and the time of the frame that says it.
 * @param {import("playwright-core").Page} page
 */
async function shown(page) {
  return page.evaluate(
    ({ bars, barPixels }) =>
      new Promise((done) => {
        const video = document.querySelector("video");
        const canvas = new OffscreenCanvas(640, 360);
        const drawing = canvas.getContext("2d");
        video.requestVideoFrameCallback((_, { mediaTime }) => {
          drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
          let second = 0;
          for (let bar = 0; bar < bars; bar += 1) {
            const [red, green, blue] = drawing.getImageData((bar + 0.5) * barPixels, barPixels / 2, 1, 1).data;
            if (red + green + blue > 384) second += 1 << bar;
          }
          done({ second, mediaTime });
        });
      }),
    { bars, barPixels },
  );
}
