/** Films with closed captions in their pictures, one copied and one encoded: on our page, and in Shaka on another's. */

import { album, finish, given, person } from "./chromium.mjs";
import { moveIn, upload } from "./newcomer.mjs";
import { build, open } from "./stage.mjs";
import { subtitleMenu } from "./subtitle_menu.mjs";

const PREPARING_MS = 240_000;

const picture = album("captions");
const context = await person();
const page = await context.newPage();
const { menu, chosen, choose } = subtitleMenu(page);
const found = { ours: {}, elsewhere: {} };

await moveIn(page);
for (const [kind, clip] of Object.entries(given.clips)) {
  const film = await upload(page, clip);
  found.ours[kind] = await watch(kind);
  found.elsewhere[kind] = await elsewhere(film);
  await page.evaluate(() => localStorage.clear());
}
await upload(page, given.late);
found.late = await watchLate();
await finish(found);

/** @param {string} kind */
async function watch(kind) {
  await offered();
  const told = { first: await chosen(), menu: await menu() };
  await choose("English (CC)");
  const words = await seen(3);
  await picture(page, kind, "closed captions above the controls, with the look of all other subtitles");
  const between = await seen(4.5);
  await seen(3);
  const again = await seen(5.5);
  await page.reload();
  await page.waitForFunction(() => [...document.querySelector("video").textTracks].some((one) => one.mode === "showing"));
  const remembered = await chosen();
  await choose("Off");
  return { ...told, words, between, again, remembered, off: await seen(3) };
}

async function watchLate() {
  await offered();
  const told = await menu();
  await choose("Captions (CC1)");
  return { menu: told, words: await seen(5.4) };
}

async function offered() {
  await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
  await page.locator('[data-control="subtitles"]').waitFor({ timeout: PREPARING_MS });
  await page.waitForFunction(() => document.querySelector("video").readyState >= 2);
}

/** What is shown at that time, once all that is loaded has been read. @param {number} seconds */
async function seen(seconds) {
  return page.evaluate(async (time) => {
    const video = document.querySelector("video");
    const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = time;
    await there;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const showing = [...video.textTracks].filter((one) => one.mode === "showing");
    return showing.flatMap((track) => [...(track.activeCues ?? [])].map((cue) => cue.text));
  }, seconds);
}

/** @param {string} film */
async function elsewhere(film) {
  const { manifestUrl: hls, dashUrl: dash } = await page.evaluate(async (id) => (await fetch(`/media-files/${id}`)).json(), film);
  const other = await person();
  await build(other);
  const shows = {};
  for (const player of ["Shaka", "Shaka DASH"]) shows[player] = await inShaka(await other.newPage(), player, { hls, dash });
  await other.close();
  return shows;
}

/** @param {import("playwright-core").Page} stage @param {string} player @param {Record<string, string>} addresses */
async function inShaka(stage, player, addresses) {
  await open(stage, player, addresses);
  return stage.evaluate(async () => {
    const video = document.querySelector("video");
    const tracks = window.player.getTextTracks();
    await window.player.selectTextTrack(tracks[0]);
    const cues = () => [...video.textTracks].flatMap((track) => [...(track.cues ?? [])]);
    for (let tries = 0; tries < 100 && cues().length < 2; tries += 1) await new Promise((done) => setTimeout(done, 100));
    const lines = cues().map(({ startTime, text }) => [Math.round(startTime * 10) / 10, text.replace(/<\/?c[^>]*>/g, "")]); // without its colours
    return { languages: tracks.map(({ language }) => language), lines, errors: window.heard.errors };
  });
}
