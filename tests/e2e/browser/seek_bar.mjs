/** Winding through a film whose colour tells the time: by pointer, by key and by finger. */

import { join } from "node:path";
import { album, finish, given, person } from "./chromium.mjs";
import { moveIn, upload } from "./newcomer.mjs";

const { base, clip, seconds, colours } = given;
const PREPARING_MS = 240_000;
const PHONE = { viewport: { width: 412, height: 800 }, hasTouch: true, isMobile: true };

const picture = album("seek-bar");
const context = await person();
const page = await context.newPage();
const found = { stills: {}, chapters: {} };

await moveIn(page);
const film = await upload(page, clip);
await waitForStills();
await hover();
await chapterMarks();
await chapterMenu();
await chapterKeys();
await arrowKeys();
await windByIFrames();
await finger();
await finish(found);

/** They come while the page is open, and it is not reloaded for them. */
async function waitForStills() {
  await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
  await page.evaluate(() => (window.sameDocument = true));
  for (let moved = 0; moved < PREPARING_MS / 1000 && !(await page.locator("[data-still]").isVisible()); moved += 1) {
    await pointAt(moved % 2);
    await page.locator("[data-still]").waitFor({ timeout: 1000 }).catch(() => {});
  }
  found.withoutReload = await page.evaluate(() => window.sameDocument === true);
}

/** @param {number} time in seconds */
async function pointAt(time) {
  const bar = await page.locator('[data-control="seek"]').boundingBox();
  await page.mouse.move(bar.x + (bar.width * time) / seconds, bar.y + bar.height / 2);
}

/** Once its sheet is there. @param {import("playwright-core").Page} screen */
async function stillIsDrawn(screen) {
  const still = screen.locator("[data-still]");
  await still.waitFor();
  await still.evaluate((element) => {
    const image = new Image();
    image.src = getComputedStyle(element).backgroundImage.slice(5, -2);
    return image.decode();
  });
  return still;
}

async function hover() {
  for (const [index, colour] of colours.entries()) {
    await pointAt(index * 4 + 2.5);
    const still = await stillIsDrawn(page);
    found.stills[colour] = join(given.artifacts, `seek-bar-still-${colour}.png`);
    await still.screenshot({ path: found.stills[colour], animations: "disabled" });
    found.chapters[colour] = await page.locator("[data-still-chapter]").textContent();
  }
  found.time = await page.locator("[data-still-time]").textContent();
  await pointAt(9.5);
  await stillIsDrawn(page);
  await picture(page, "hover", "under the pointer on the seek bar: a still of that place, its chapter and its time");
  await pointAt(0.05);
  found.leftEdge = await insideTheStage(page);
  await pointAt(seconds - 0.05);
  found.rightEdge = await insideTheStage(page);
  await page.mouse.move(10, 10);
  found.goneWithThePointer = await page.locator("[data-seek-tip]").isHidden();
}

/** @param {import("playwright-core").Page} screen */
async function insideTheStage(screen) {
  const [box, stage] = await Promise.all([".seek-tip", ".stage"].map((name) => screen.locator(name).boundingBox()));
  return box.x >= stage.x && box.x + box.width <= stage.x + stage.width && box.y >= stage.y;
}

async function chapterMarks() {
  found.marks = await page.locator("[data-chapter-marks] span").evaluateAll((marks) => {
    const { left, width } = document.querySelector(".seek-track").getBoundingClientRect();
    const middle = (box) => box.left + box.width / 2;
    return marks.map((mark) => (middle(mark.getBoundingClientRect()) - left) / width);
  });
}

async function chapterMenu() {
  await page.getByRole("button", { name: "Chapters" }).click();
  found.menu = await page.getByRole("menuitemradio").allTextContents();
  await picture(page, "chapters", "the chapters of the film as a menu, and as gaps on its seek bar");
  await page.getByRole("menuitemradio").nth(1).click();
  found.chosen = await page.evaluate(() => document.querySelector("video").currentTime);
}

async function chapterKeys() {
  const press = async (/** @type {string} */ key) => {
    await page.keyboard.press(key);
    return page.evaluate(() => document.querySelector("video").currentTime);
  };
  found.keys = [await press("n"), await press("n"), await press("b"), await press("b"), await press("b")];
  await press("ArrowRight");
  found.begun = await press("b");
}

async function arrowKeys() {
  await page.keyboard.press("2");
  await page.locator('[data-control="seek"]').focus();
  await page.keyboard.press("ArrowRight");
  await stillIsDrawn(page);
  found.keyTime = await page.locator("[data-still-time]").textContent();
  await picture(page, "keys", "the seek bar in focus: whoever steps with the arrow keys sees the still, too");
  await page.locator("[data-seek-tip]").waitFor({ state: "hidden" });
}

/** hls.js can wind by I-frame playlists, as Apple's players do: what it shows in the middle of each segment. */
async function windByIFrames() {
  const manifest = await page.evaluate(
    async () => (await (await fetch(location.pathname.replace("watch", "media-files"))).json()).manifestUrl,
  );
  found.wound = await page.evaluate(windInPage, { manifest, times: [3, 9, 15, 21] });
}

/** In the page. @param {{ manifest: string, times: number[] }} wanted @returns {Promise<number[][]>} RGB of each */
async function windInPage({ manifest, times }) {
  const happens = (/** @type {any} */ target, /** @type {string} */ name) => new Promise((seen) => target.once(name, seen));
  const { Events } = window.Hls;
  const hls = new window.Hls({ workerPath: "/static/vendor/hls.worker.js" });
  const main = document.createElement("video");
  const parsed = happens(hls, Events.MANIFEST_PARSED);
  const begun = happens(hls, Events.FRAG_BUFFERED);
  hls.loadSource(manifest);
  hls.attachMedia(main);
  await Promise.all([parsed, begun]);
  const winder = hls.createIFramePlayer();
  const video = document.createElement("video");
  winder.attachMedia(video);
  const canvas = new OffscreenCanvas(32, 18).getContext("2d");
  const pixels = [];
  for (const time of times) {
    const shown = new Promise((seen) => video.addEventListener("seeked", seen, { once: true }));
    // asked before its own playlist is there, hls.js forgets the place
    const asking = setInterval(() => winder.loadMediaAt(time, { seekOnAppend: true }), 500);
    await shown;
    clearInterval(asking);
    canvas.drawImage(video, 0, 0, 32, 18);
    pixels.push([...canvas.getImageData(16, 9, 1, 1).data].slice(0, 3));
  }
  hls.destroy();
  return pixels;
}

async function finger() {
  const phone = await person({ ...PHONE, storageState: await context.storageState() });
  const screen = await phone.newPage();
  await screen.goto(`${base}/watch/${film}`);
  await screen.locator('[data-stage][data-mode="playing"]').waitFor();
  await screen.waitForFunction((wanted) => document.querySelector("video").duration > wanted - 1, seconds);
  const bar = await screen.locator('[data-control="seek"]').boundingBox();
  const touch = await phone.newCDPSession(screen);
  const point = (/** @type {number} */ part) => [{ x: bar.x + bar.width * part, y: bar.y + bar.height / 2 }];
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: point(0.2) });
  for (const part of [0.3, 0.4, 0.6]) await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: point(part) });
  const still = await stillIsDrawn(screen);
  found.touched = join(given.artifacts, "seek-bar-still-touched.png");
  await picture(screen, "finger", "a finger on a phone's seek bar: the still goes with it");
  await still.screenshot({ path: found.touched, animations: "disabled" });
  found.touchInside = await insideTheStage(screen);
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await screen.locator("[data-seek-tip]").waitFor({ state: "hidden" });
  found.landed = await screen.evaluate(() => document.querySelector("video").currentTime);
}
