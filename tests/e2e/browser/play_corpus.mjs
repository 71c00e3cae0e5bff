/**
 * Every film on its own watch page, to its end, eight times as fast as a person watches; then each further
 * audio track in turn. What hls.js said meanwhile comes back.
 */

import { finish, given, person } from "./chromium.mjs";

const { base, name, password } = given;
const films = /** @type {string[]} */ (JSON.parse(given.films));
const PAGES_AT_ONCE = 3;
const RATE = 8; // Chromium could do sixteen, two busy cores cannot
const PATIENCE_MS = 90_000;
const HEARD_SECONDS = 0.3;

const context = await person();
await context.addInitScript(listenIn);
await signIn();
const shows = /** @type {Record<string, object>} */ ({});
await Promise.all(Array.from({ length: PAGES_AT_ONCE }, playWaiting));
await finish({ shows });

/** Runs in the page, before its own scripts: whatever Hls they make is listened to. */
function listenIn() {
  const heard = { errors: /** @type {object[]} */ ([]), tracks: /** @type {number[]} */ ([]), changing: false };
  let Library;
  Object.defineProperty(window, "Hls", {
    get: () => Library,
    set(Real) {
      Library = class extends Real {
        constructor(config) {
          super({ ...config, maxBufferLength: 3600, maxMaxBufferLength: 3600 }); // all of it, so that a stall is a hole, not a slow machine
          Object.assign(window, { heard, stream: this });
          this.on(Real.Events.ERROR, (_, { details, fatal, error }) =>
            heard.errors.push({
              details,
              fatal,
              at: this.media?.currentTime ?? 0,
              words: error?.message,
              changing: heard.changing, // the track
            }),
          );
          this.on(Real.Events.AUDIO_TRACK_SWITCHED, (_, { id }) => heard.tracks.push(id));
        }
      };
    },
  });
}

async function signIn() {
  const page = await context.newPage();
  await page.goto(`${base}/login`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${base}/`);
}

async function playWaiting() {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  for (let film = films.shift(); film; film = films.shift()) {
    shows[film] = await play(page, film).catch((error) => ({ failure: String(error) }));
  }
}

/** @param {import("playwright-core").Page} page @param {string} film */
async function play(page, film) {
  const answer = await page.goto(`${base}/watch/${film}`);
  if (!answer?.ok()) throw new Error(`the watch page answers ${answer?.status()}`);
  await page.waitForFunction(isWhollyBuffered);
  const buffered = await page.evaluate(start, RATE);
  await page.waitForFunction(() => document.querySelector("video").ended);
  const show = await page.evaluate(lookAtTheEnd);
  const tracks = await page.evaluate(() => window.stream.audioTracks.length);
  for (let track = 1; track < tracks; track += 1) await changeTheTrack(page, track);
  return { ...show, buffered, ...(await page.evaluate(() => window.heard)), audioTracks: tracks };
}

/** In the page: the last buffered moment is the last of the film. */
function isWhollyBuffered() {
  const video = document.querySelector("video");
  const ranges = video?.buffered;
  return window.stream && ranges?.length && ranges.end(ranges.length - 1) >= video.duration - 0.1;
}

/** In the page. @param {number} rate @returns {number[][]} what is buffered */
function start(rate) {
  const video = document.querySelector("video");
  video.muted = true;
  video.playbackRate = rate;
  void video.play();
  return Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
}

/** In the page. */
function lookAtTheEnd() {
  const { duration, currentTime, videoWidth, videoHeight } = document.querySelector("video");
  return { duration, currentTime, videoWidth, videoHeight };
}

/** With the key a person would press; it is heard when the film goes on with it. */
async function changeTheTrack(/** @type {import("playwright-core").Page} */ page, /** @type {number} */ track) {
  await page.evaluate(() => {
    const video = document.querySelector("video");
    video.playbackRate = 1;
    video.currentTime = 0;
    window.heard.changing = true;
    void video.play();
  });
  await page.keyboard.press("c");
  await page.waitForFunction((wanted) => window.heard.tracks.at(-1) === wanted, track);
  await page.waitForFunction((least) => document.querySelector("video").currentTime > least, HEARD_SECONDS);
}
