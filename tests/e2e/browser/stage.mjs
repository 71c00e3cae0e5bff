/** A page of somebody else, with nothing on it but a film, and the players that such pages have. */

import { createRequire } from "node:module";
import { given } from "./chromium.mjs";

const STAGE = `${given.base}/elsewhere`;
const path = createRequire(import.meta.url).resolve;

/** By name: the library, what makes it play (runs in the page), and which of a film's addresses it takes. */
export const PLAYERS = {
  "hls.js": { script: path("hls.js/dist/hls.min.js"), load: loadHls, url: "hls" },
  "hls.js TS": { script: path("hls.js/dist/hls.min.js"), load: loadTransport, url: "transport" },
  "Shaka": { script: path("shaka-player/dist/shaka-player.compiled.js"), load: loadShaka, url: "hls" },
  "Shaka DASH": { script: path("shaka-player/dist/shaka-player.compiled.js"), load: loadShaka, url: "dash" },
  "video.js": { script: path("video.js/dist/video.min.js"), load: loadVideoJs, url: "hls" },
  "Chromium": { script: null, load: loadNatively, url: "hls" },
};

/** @param {import("playwright-core").BrowserContext} context */
export async function build(context) {
  const body = "<!doctype html><title>elsewhere</title><video muted></video>";
  await context.route(STAGE, (route) => route.fulfill({ contentType: "text/html", body }));
}

/**
 * Puts the film on; `window.heard` then holds what the library says of it.
 * @param {import("playwright-core").Page} page @param {string} player @param {Record<string, string>} film
 */
export async function open(page, player, film) {
  const { script, load, url } = PLAYERS[player];
  await page.goto(STAGE);
  if (script) await page.addScriptTag({ path: script });
  await page.evaluate(load, `${given.base}${film[url]}`);
}

/** In the page. @param {string} url */
async function loadHls(url) {
  window.heard = { errors: [] };
  const { Hls } = window;
  const player = new Hls();
  window.player = player;
  player.on(Hls.Events.ERROR, (_, { details, fatal }) => window.heard.errors.push(`${fatal ? "fatal " : ""}${details}`));
  player.loadSource(url);
  player.attachMedia(document.querySelector("video"));
  await new Promise((done) => player.once(Hls.Events.MANIFEST_PARSED, done));
}

/**
 * In the page. What says nothing of the stream is not kept: that the machine is too slow for pictures that are there,
 * and that they begin later than sound: hls.js steps to a tenth of a second behind the beginning of both, and drops the
 * subtitles that it was fetching.
 * @param {string} url
 */
async function loadTransport(url) {
  window.heard = { errors: [] };
  const { Hls } = window;
  const [player, video] = [new Hls(), document.querySelector("video")];
  const begun = () => video.buffered.length > 0 && video.currentTime > video.buffered.start(0) + 0.1 + 1e-6;
  const isAhead = () => begun() && video.buffered.end(video.buffered.length - 1) > video.currentTime + 0.5;
  const atStart = () => !begun();
  const ofCues = (/** @type {{ type: string }} */ fragment) => fragment?.type === "subtitle";
  const harmless = { bufferStalledError: () => isAhead() || !begun(), bufferSeekOverHole: atStart, bufferAppendNoProgress: atStart, aborted: ofCues };
  player.on(Hls.Events.ERROR, (_, { details, fatal, frag }) => {
    if (fatal || !harmless[details]?.(frag)) window.heard.errors.push(`${fatal ? "fatal " : ""}${details} at ${video.currentTime}`);
  });
  player.loadSource(url);
  player.attachMedia(video);
  await new Promise((done) => player.once(Hls.Events.MANIFEST_PARSED, done));
}

/** In the page. @param {string} url */
async function loadShaka(url) {
  window.heard = { errors: [] };
  const { shaka } = window;
  const player = new shaka.Player();
  window.player = player;
  await player.attach(document.querySelector("video"));
  const critical = shaka.util.Error.Severity.CRITICAL;
  player.addEventListener("error", ({ detail }) =>
    window.heard.errors.push(`${detail.severity === critical ? "fatal " : ""}${detail.category}.${detail.code}`),
  );
  player.configure({ streaming: { bufferingGoal: 3600, rebufferingGoal: 0.1 } });
  await player.load(url);
  window.heard.audio = [...new Set(player.getAudioTracks().map(({ language }) => language))];
}

/** In the page. @param {string} url */
async function loadVideoJs(url) {
  window.heard = { errors: [] };
  const { videojs } = window;
  videojs.log.level("error");
  const player = videojs(document.querySelector("video"), { html5: { vhs: { overrideNative: true } } });
  player.on("error", () => window.heard.errors.push(`fatal ${player.error()?.code} ${player.error()?.message}`));
  const loaded = new Promise((done) => player.one("loadedmetadata", done));
  player.src({ src: url, type: "application/x-mpegURL" });
  await loaded; // until then a play() is taken back
}

/** In the page. @param {string} url */
function loadNatively(url) {
  window.heard = { errors: [] };
  const video = document.querySelector("video");
  video.addEventListener("error", () => window.heard.errors.push(`fatal ${video.error.message}`));
  video.src = url;
}
