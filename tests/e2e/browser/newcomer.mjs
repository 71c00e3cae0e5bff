/** The first steps of a journey that is about something else: the owner moves in, and a film is uploaded. */

import { given } from "./chromium.mjs";

/** @param {import("playwright-core").Page} page @param {string} name of the owner */
export async function moveIn(page, name = "Marta") {
  await page.goto(given.base);
  await page.getByLabel("Set-up code").fill(given.setupCode);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Open the doors" }).click();
  await page.waitForURL(`${given.base}/`);
}

/** Ends on the watch page. @param {import("playwright-core").Page} page @param {string} path @returns {Promise<string>} the id of the new media file */
export async function upload(page, path) {
  await page.goto(`${given.base}/upload`);
  await page.setInputFiles("[data-picker]", path);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.locator('.parcel[data-state="done"]').waitFor({ timeout: 60_000 });
  await page.getByRole("link", { name: "Open" }).click();
  await page.waitForURL("**/watch/*");
  return new URL(page.url()).pathname.split("/").pop() ?? "";
}
