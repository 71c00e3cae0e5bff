/** A film is planned anew while somebody watches it. */

import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { album, finish, given, person } from "./chromium.mjs";
import { moveIn, upload } from "./newcomer.mjs";

const PATIENCE_MS = 120_000;

const picture = album("replanned");
const page = await (await person()).newPage();
await moveIn(page);
await upload(page, given.clip);
await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PATIENCE_MS });
await page.getByRole("button", { name: "Play", exact: true }).first().click();
await page.waitForFunction(() => document.querySelector("video").currentTime > 2, null, { timeout: PATIENCE_MS });
const before = await quality();
writeFileSync(given.watching, "");
while (!existsSync(given.planned)) await pause(100);
await page.waitForFunction((shown) => !document.querySelector('[data-control="quality"]').textContent.includes(shown), "original", {
  timeout: PATIENCE_MS,
});
const after = await quality();
const end = await page.evaluate(
  () => new Promise((done) => {
    const video = document.querySelector("video");
    video.addEventListener("ended", () => done({ ended: true, time: video.currentTime }));
    video.addEventListener("error", () => done({ ended: false, error: video.error?.message }));
  }),
);
await picture(page, "end", "the end of a film that was planned anew while it was watched");
await finish({ before, after, end });

async function quality() {
  return (await page.locator('[data-control="quality"]').textContent()).trim();
}
