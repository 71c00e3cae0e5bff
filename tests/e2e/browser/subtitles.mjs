/** A film with subtitles of every kind: chosen in the menu, by key, remembered; and as a bare hls.js takes them. */

import { join } from "node:path";
import { album, finish, given, person } from "./chromium.mjs";
import { moveIn, upload } from "./newcomer.mjs";
import { subtitleMenu } from "./subtitle_menu.mjs";

const { clip, tracks, sidecar, anotherFont } = given;
const PREPARING_MS = 240_000;

const picture = album("subtitles");
const context = await person();
const page = await context.newPage();
const { menu, chosen, choose } = subtitleMenu(page);
const blank = await context.newPage(); // where pictures are measured
await page.bringToFront();
const found = { shown: {}, seen: {} };

await moveIn(page);
await upload(page, clip);
await everythingIsMade();
found.first = await chosen();
found.menu = await menu(() => picture(page, "menu", "every subtitle track of the film in one menu, with what it is for"));
await plain();
await styled();
await pictures("blu-ray", "Français");
await pictures("dvd", "Español");
await keys();
await remembered();
await bareHls();
await added();
await hostile();
await firstChoices();
await finish(found);

/** Tracks come while the page is open, and it is not reloaded for them. */
async function everythingIsMade() {
  await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
  await made(tracks);
  await page.reload();
  await page.locator('[data-control="subtitles"]').waitFor({ timeout: PREPARING_MS });
  await page.waitForFunction(() => document.querySelector("video").readyState >= 2);
}

/** @param {number} count of tracks that are there, whole */
async function made(count) {
  await page.evaluate(async ({ wanted, patience }) => {
    const url = `${location.pathname.replace("watch", "media-files")}/subtitles`;
    const until = performance.now() + patience;
    while (performance.now() < until) {
      const { items } = await (await fetch(url)).json();
      if (items.length === wanted && items.every((track) => track.url)) return;
      await new Promise((done) => setTimeout(done, 300));
    }
    throw new Error("the subtitles are not made in time");
  }, { wanted: count, patience: PREPARING_MS });
}

/** @param {number} seconds */
async function seek(seconds) {
  await page.evaluate(async (time) => {
    const video = document.querySelector("video");
    const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = time;
    await there;
  }, seconds);
}

/** What the film looks like. @param {string} name @param {string} sentence */
async function look(name, sentence) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  found.seen[name] = join(given.artifacts, `subtitles-${name}-film.png`);
  await page.locator("[data-stage]").screenshot({ path: found.seen[name], animations: "disabled" });
  await picture(page, name, sentence);
}

async function activeCues() {
  return page.evaluate(() => {
    const [track] = [...document.querySelector("video").textTracks].filter((one) => one.mode === "showing");
    return [...(track?.activeCues ?? [])].map((cue) => cue.text);
  });
}

async function plain() {
  await choose("English");
  await page.waitForFunction(() => [...document.querySelector("video").textTracks].some((one) => one.mode === "showing" && one.cues?.length));
  await seek(1.5);
  found.shown.plain = await activeCues();
  await look("plain", "text subtitles above the controls");
  await seek(4);
  found.shown.between = await activeCues();
}

async function styled() {
  await choose("日本語");
  await seek(3);
  await page.locator(".subtitle-canvas").waitFor();
  await page.waitForFunction(() => document.querySelector(".subtitle-canvas").clientHeight > 100);
  await drawn("styled", (red) => red > 50);
  await look("styled", "a sign in ASS: red, at the top and in its own font, as its script says");
  found.shown.ownFont = await red();
  await seek(8);
  await drawn("styled away", (red) => red === 0);
  await withoutItsFont();
}

/** The same sign where the film's own font is not to be had: another one is drawn. */
async function withoutItsFont() {
  await context.route("**/fonts/0.bin", (route) => route.fulfill({ path: anotherFont }));
  await choose("Off");
  await choose("日本語");
  await seek(3);
  await drawn("styled in another font", (red) => red > 50);
  found.shown.anotherFont = await red();
  await context.unroute("**/fonts/0.bin");
}

/** @param {string} name @param {string} label */
async function pictures(name, label) {
  await choose(label);
  await seek(2);
  await page.waitForFunction(() => document.querySelector(".subtitle-canvas")?.width > 1);
  found.shown[name] = await page.evaluate(() => {
    const canvas = document.querySelector(".subtitle-canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const inside = [];
    for (let at = 3; at < data.length; at += 4) if (data[at] > 128) inside.push((at - 3) / 4);
    const xs = inside.map((n) => n % canvas.width);
    const ys = inside.map((n) => Math.floor(n / canvas.width));
    const [first] = inside;
    return {
      canvas: [canvas.width, canvas.height],
      box: [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1],
      colour: [...data.slice(first * 4, first * 4 + 3)],
    };
  });
  await look(name, `subtitles that are pictures (${name}), drawn over the film where the disc has them`);
  await seek(5);
  await page.waitForFunction(() => document.querySelector(".subtitle-canvas")?.width === 1);
  found.shown[`${name} away`] = true;
}

/** Waits for what a worker draws: only a screenshot sees it. @param {string} name @param {(red: number) => boolean} holds */
async function drawn(name, holds) {
  for (let tries = 0; tries < 60 && !found.shown[name]; tries += 1) {
    found.shown[name] = holds(await red());
  }
}

async function red() {
  const png = [...(await page.locator("[data-stage]").screenshot())];
  return blank.evaluate(countRed, png);
}

/** In the upper half of a picture. @param {number[]} png */
async function countRed(png) {
  const image = await createImageBitmap(new Blob([Uint8Array.from(png)]));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height / 2);
  let red = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] > 150 && data[at + 1] < 60 && data[at + 2] < 60) red += 1;
  return red;
}

async function keys() {
  await choose("Off");
  await page.keyboard.press("s");
  found.firstKey = await chosen();
  for (let n = 0; n < tracks; n += 1) await page.keyboard.press("s");
  found.lastKey = await chosen();
  found.note = await page.locator("[data-note]").textContent();
}

async function remembered() {
  await choose("English (SDH)");
  await page.reload();
  await page.locator('[data-control="subtitles"]').waitFor();
  await page.waitForFunction(() => document.querySelector("video").textTracks.length > 0);
  found.afterReload = await chosen();
  await choose("Off");
  await page.reload();
  await page.locator('[data-control="subtitles"]').waitFor();
  await page.waitForFunction(() => document.querySelector("video").readyState >= 2);
  found.offAfterReload = await chosen();
}

/**
 * Other players take what the master lists: their cues must lie where the film's time is. On a page without a policy,
 * for hls.js makes its tracks of `data:` addresses.
 */
async function bareHls() {
  const elsewhere = await person({ bypassCSP: true, storageState: await context.storageState() });
  const other = await elsewhere.newPage();
  await other.goto(page.url());
  const { manifestUrl } = await other.evaluate(async () => (await fetch(location.pathname.replace("watch", "media-files"))).json());
  found.bare = await other.evaluate(async (url) => {
    const video = Object.assign(document.createElement("video"), { muted: true });
    document.body.append(video);
    const hls = new window.Hls({ workerPath: "/static/vendor/hls.worker.js" });
    const heard = new Promise((done) => hls.once(window.Hls.Events.MANIFEST_PARSED, done));
    hls.loadSource(url);
    hls.attachMedia(video);
    await heard;
    const tracks = hls.subtitleTracks.map(({ name, lang, forced, default: isDefault }) => ({ name, lang, forced, default: isDefault }));
    hls.subtitleTrack = hls.subtitleTracks.findIndex(({ name }) => name === "English");
    hls.subtitleDisplay = true;
    await video.play();
    const cues = () => [...video.textTracks].flatMap((track) => [...(track.cues ?? [])]);
    for (let tries = 0; tries < 200 && cues().length < 3; tries += 1) await new Promise((done) => setTimeout(done, 100));
    const heardCues = cues().map((cue) => [cue.startTime, cue.endTime, cue.text]);
    hls.destroy();
    video.remove();
    return { tracks, cues: heardCues };
  }, manifestUrl);
  await elsewhere.close();
}

async function added() {
  await page.locator('[data-do="subtitles"]').click();
  const file = (/** @type {string} */ text) => ({ name: "Film (2001).nl.srt", mimeType: "text/plain", buffer: Buffer.from(text) });
  await page.setInputFiles('[data-dialog="subtitles"] [name="file"]', file("no cue in it"));
  found.guessed = await page.locator('[data-dialog="subtitles"] [name="language"]').inputValue();
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator('[data-dialog="subtitles"] [data-dialog-problem]').waitFor();
  await picture(page, "refused", "a file that holds no subtitles: the form says so and keeps what was typed");
  await page.setInputFiles('[data-dialog="subtitles"] [name="file"]', file(sidecar));
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator('[data-dialog="subtitles"]').waitFor({ state: "hidden" });
  await made(tracks + 1);
  await chooseOnceThere("Nederlands");
  await page.waitForFunction(() => [...document.querySelector("video").textTracks].some((one) => one.cues?.length));
  await seek(1.5);
  found.added = await activeCues();
  await removed();
}

/** The page hears of it by itself. @param {string} name */
async function chooseOnceThere(name) {
  const choice = page.getByRole("menuitemradio", { name, exact: true });
  for (let tries = 0; tries < 60; tries += 1) {
    await page.locator('[data-control="subtitles"]').click();
    if (await choice.isVisible()) return choice.click();
    await page.keyboard.press("Escape");
    await page.waitForTimeout(250);
  }
  throw new Error(`${name} does not come to an open page`);
}

async function removed() {
  await page.locator('[data-do="subtitles"]').click();
  await picture(page, "files", "the files that were added, each to be removed");
  await page.getByRole("button", { name: "Remove Nederlands" }).click();
  await page.locator("[data-subtitle-files-panel]").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Close" }).click();
  found.removed = await menu();
}

/** The decoders of pictures are given a picture in which bytes have been changed, again and again. */
async function hostile() {
  found.hostile = await page.evaluate(async () => {
    const { items } = await (await fetch(`${location.pathname.replace("watch", "media-files")}/subtitles`)).json();
    const { packetsOf } = await import("/static/js/player/subtitles/pictures.js");
    const { drawPgs } = await import("/static/js/player/subtitles/pgs.js");
    const { drawVobSub } = await import("/static/js/player/subtitles/vobsub.js");
    let state = 1;
    const random = (/** @type {number} */ below) => (state = (state * 48271) % 2147483647) % below;
    const faults = [];
    let slowest = 0;
    for (const track of items.filter((item) => item.kind === "picture")) {
      const head = await (await fetch(track.url)).json();
      const whole = new Uint8Array(await (await fetch(track.url.replace(".json", ".bin"))).arrayBuffer());
      for (let n = 0; n < 1500; n += 1) {
        const bytes = whole.slice(0, n % 3 ? whole.length : random(whole.length));
        for (let changes = random(8); changes > 0; changes -= 1) bytes[random(bytes.length || 1)] = random(256);
        const begun = performance.now();
        try {
          const packets = packetsOf(new DataView(bytes.buffer));
          if (head.kind === "pgs") drawPgs(packets);
          else if (packets.length) drawVobSub(packets[0], 100_000, head);
        } catch (error) {
          if (!(error instanceof RangeError)) faults.push(String(error));
        }
        slowest = Math.max(slowest, performance.now() - begun);
      }
    }
    return { faults: faults.slice(0, 5), slowest };
  });
}

/** What is shown of itself. */
async function firstChoices() {
  found.firstChoices = await page.evaluate(async () => {
    const { firstChoice } = await import("/static/js/player/subtitles.js");
    const track = (name, language, facts = {}) => ({ name, language, forced: false, default: false, hearingImpaired: false, ...facts });
    const tracks = [
      track("en", "en", { default: true }),
      track("en-sdh", "en", { hearingImpaired: true }),
      track("fr-forced", "fr", { forced: true }),
    ];
    const wishes = [
      [undefined, "fr"],
      [undefined, "de"],
      [undefined, "en"],
      [null, "fr"],
      [null, "en"],
      [{ language: "en", hearingImpaired: true }, "fr"],
      [{ language: "nl", hearingImpaired: false }, "fr"],
      [{ language: "nl", hearingImpaired: false }, "en"],
    ];
    return wishes.map(([wish, spoken]) => firstChoice(tracks, wish, spoken)?.name ?? null);
  });
}
