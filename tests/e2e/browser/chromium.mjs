/** Chromium as the tests use it: every console error and policy violation is kept, every picture has its sentence. */

import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // root in a test machine
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

export const given = JSON.parse(readFileSync(0, "utf8")); // standard input
export const seen = { consoleErrors: [], violations: [], dialogs: [] };

export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

/** @param {import("playwright-core").BrowserContextOptions} [options] */
export async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", ...options });
  await context.exposeFunction("tellViolation", (/** @type {string} */ text) => seen.violations.push(text));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      window.tellViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    );
  });
  context.on("page", watch);
  return context;
}

/** @param {import("playwright-core").Page} page */
function watch(page) {
  page.on("console", (message) => {
    if (message.type() === "error") seen.consoleErrors.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => seen.consoleErrors.push(`${error.name}: ${error.message}`));
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
}

/** @param {string} journey begins the journey's own list of pictures */
export function album(journey) {
  const list = join(given.artifacts, `${journey}.md`);
  rmSync(list, { force: true });
  return async (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ name, /** @type {string} */ sentence) => {
    await page.screenshot({ path: join(given.artifacts, `${journey}-${name}.png`), animations: "disabled" });
    appendFileSync(list, `- ${journey}-${name}.png: ${sentence}\n`);
  };
}

/** @param {object} found what the journey itself saw */
export async function finish(found) {
  await browser.close();
  console.log(JSON.stringify({ ...found, ...seen }));
}
