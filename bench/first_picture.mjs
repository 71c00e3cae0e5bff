/**
 * A signed-in person in Chromium. Says "open" when the library is there; is then told a film's id and goes to its watch
 * page; says when its first picture was shown, in milliseconds since 1970, and how many lines it had.
 */

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--autoplay-policy=no-user-gesture-required"];
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;

const { base, name, password } = JSON.parse(await next());
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
page.setDefaultTimeout(120_000);
await page.goto(`${base}/login`);
await page.getByLabel("Name").fill(name);
await page.getByLabel("Password").fill(password);
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForURL(`${base}/`);
console.log("open");

await page.goto(`${base}/watch/${await next()}`, { waitUntil: "commit" });
await page.waitForSelector("video", { state: "attached" });
const shown = await page.evaluate(async () => {
  const video = document.querySelector("video");
  const frame = new Promise((done) => video.requestVideoFrameCallback((_, { height }) => done({ at: Date.now(), height })));
  video.muted = true;
  // until there is something to play, a play() is taken back
  while (await Promise.race([frame.then(() => false), video.play().then(() => false, () => true)])) {
    await new Promise((again) => setTimeout(again, 20));
  }
  return frame;
});
console.log(JSON.stringify(shown));
await browser.close();
