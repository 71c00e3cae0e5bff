/** A bad evening: the network goes away while a film plays, a file is broken, and titles are written by an enemy. */

import { album, finish, given, person, seen } from "./chromium.mjs";
import { moveIn, upload } from "./newcomer.mjs";

const { base, setupCode, clip, broken, song } = given;
const PREPARING_MS = 240_000;
const HOSTILE = [
  '"><img src=x onerror=alert(1)>',
  "javascript:alert(1)",
  "</title><svg/onload=alert(1)>",
  "\u202Egnp.exe",
  "<script>alert(1)</script>",
];

const picture = album("bad-evening");
const context = await person();
const page = await context.newPage();
const found = {};

await moveIn(page, "<b>Marta</b>");
const film = await upload(page, clip);
await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
await page.locator("[data-badge]").waitFor({ state: "hidden", timeout: PREPARING_MS });
await useKeys();
await writeHostileTitles();
await hearASong(await upload(page, song));
const ruin = await upload(page, broken);
await seeTheFailure(ruin);
await loseTheNetwork();
await finish(found);

/** Each key does what the list says, and none does while somebody types. */
async function useKeys() {
  const state = () =>
    page.evaluate(() => {
      const video = document.querySelector("video");
      return { paused: video.paused, muted: video.muted, rate: video.playbackRate, volume: video.volume, at: video.currentTime };
    });
  const press = async (/** @type {string} */ key) => {
    await page.keyboard.press(key);
    return state();
  };
  found.keys = {
    five: Math.round((await press("5")).at),
    back: Math.round((await press("ArrowLeft")).at),
    on: Math.round((await press("ArrowRight")).at),
    muted: (await press("m")).muted,
    sound: (await press("m")).muted,
    faster: (await press(">")).rate,
    slower: (await press("<")).rate,
    playing: !(await press("k")).paused,
    resting: (await press("k")).paused,
  };
  await page.keyboard.press("?");
  found.helpOpens = await page.getByRole("heading", { name: "Keyboard" }).isVisible();
  await page.keyboard.press("Escape");
  await page.getByPlaceholder("Search films and series").focus();
  await page.keyboard.press("m");
  found.typedOnly = !(await state()).muted;
}

async function writeHostileTitles() {
  for (const title of HOSTILE) {
    await page.goto(`${base}/watch/${film}`);
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill(title);
    await page.locator("dialog[open]").getByRole("button", { name: "Save" }).click();
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    for (const path of ["/", `/watch/${film}`, "/jobs", "/admin/users", "/admin/keys", `/?q=${encodeURIComponent(title)}`]) {
      await page.goto(base + path, { waitUntil: "load" });
    }
  }
  await page.goto(`${base}/watch/${film}`);
  await page.locator("h1").getByText("alert(1)").waitFor();
  await picture(page, "hostile-title", "a hostile title and user name are shown as the text they are");
}

/** @param {string} id of a file without a picture */
async function hearASong(id) {
  await page.goto(`${base}/watch/${id}`);
  await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
  await page.keyboard.press("k");
  await page.waitForFunction(() => document.querySelector("video").currentTime > 0.5);
  found.sleeve = await page.locator(".sleeve").textContent();
  found.sleeveTurns = await page.locator(".sleeve-reel").evaluate((reel) => getComputedStyle(reel).animationPlayState);
  await picture(page, "song", "sound without a picture: its title on a reel that turns while it plays");
}

/** @param {string} ruin */
async function seeTheFailure(ruin) {
  await page.goto(`${base}/watch/${ruin}`);
  await page.locator('[data-stage][data-mode="failed"]').waitFor({ timeout: PREPARING_MS });
  found.failure = await page.locator("[data-curtain-detail]").textContent();
  found.retryOffered = await page.getByRole("button", { name: "Try again" }).isVisible();
  await picture(page, "failed", "a broken file: the reason in plain words, and another try");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.locator("dialog[open]").getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(`${base}/`);
  found.deletedIsGone = (await page.locator(`[data-media="${ruin}"]`).count()) === 0;
}

/** Last, for Chromium itself writes every failed request into the console. */
async function loseTheNetwork() {
  found.consoleErrorsBefore = [...seen.consoleErrors];
  await page.route("**/*.m4s", (route) => route.abort("connectionfailed"));
  await page.goto(`${base}/watch/${film}`);
  await page.getByText("The connection is away. Trying again…").waitFor({ timeout: 90_000 });
  await picture(page, "offline", "the connection is away and the page says so");
  await page.unroute("**/*.m4s");
  await page.getByText("The connection is away. Trying again…").waitFor({ state: "hidden", timeout: 90_000 });
  await page.waitForFunction(() => document.querySelector("video").readyState > 2, null, { timeout: 60_000 });
  found.recoveredAt = await page.evaluate(() => document.querySelector("video").currentTime);
}
