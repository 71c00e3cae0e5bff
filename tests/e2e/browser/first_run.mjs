/** A newcomer's first evening: set up, upload, wait, watch, come back, leave. */

import { album, finish, given, person } from "./chromium.mjs";

const { base, setupCode, clip } = given;
const NAME = "Marta";
const PASSWORD = "correct horse battery";
const PREPARING_MS = 240_000;
const SLOW_UPLOAD_BYTES = 400_000; // a second: slow enough to see the progress

const picture = album("first-run");
const context = await person();
const page = await context.newPage();
const found = { modes: /** @type {string[]} */ ([]) };

await setUp();
await emptyLibrary();
await upload();
await waitUntilPlayable();
await lateRung(); // while nobody has watched yet: a film begun is resumed, and its end buffered
await changeLanguage();
await watchHalf();
await comeBack();
await watchToTheEnd();
await otherPages();
await otherScreens();
await signOut();
await finish(found);

async function setUp() {
  await page.goto(base);
  found.firstPage = new URL(page.url()).pathname;
  await page.getByLabel("Set-up code").fill(setupCode);
  await page.getByLabel("Your name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await picture(page, "setup", "the set-up page asks for the code of the terminal, a name and a password");
  await page.getByRole("button", { name: "Open the doors" }).click();
  await page.waitForURL(`${base}/`);
}

async function emptyLibrary() {
  await page.getByRole("heading", { name: "The screen is waiting." }).waitFor();
  await picture(page, "empty", "an empty library invites the first upload");
}

async function upload() {
  await page.setInputFiles("[data-picker]", clip);
  await page.getByLabel("Title").fill("An Evening by the Brook");
  await page.getByLabel("Year").fill("2008");
  await picture(page, "upload-asking", "the chosen file with its guessed title, ready to be sent");
  const network = await context.newCDPSession(page);
  await network.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: SLOW_UPLOAD_BYTES,
  });
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.waitForFunction(() => /[3-9]\d %/.test(document.querySelector('[data-part="state"]')?.textContent ?? ""));
  await picture(page, "uploading", "the upload with its strip, speed and remaining time");
  found.uploadFigures = await page.locator('[data-part="figures"]').textContent();
  await network.detach();
  await page.locator('.parcel[data-state="done"]').waitFor({ timeout: 60_000 });
  await page.getByRole("link", { name: "Open" }).click();
  await page.waitForURL("**/watch/*");
}

async function waitUntilPlayable() {
  await page.evaluate(() => {
    window.sameDocument = true; // gone after a reload
    const stage = document.querySelector("[data-stage]");
    window.modes = [stage.dataset.mode];
    new MutationObserver(() => window.modes.push(stage.dataset.mode)).observe(stage, { attributeFilter: ["data-mode"] });
    const number = document.querySelector("[data-curtain-number]");
    window.parts = [];
    new MutationObserver(() => window.parts.push(Number.parseInt(number.textContent))).observe(number, { childList: true });
  });
  const begun = page.locator("[data-curtain-number]").filter({ hasText: /[1-9]\d/ });
  await begun.or(page.locator('[data-stage][data-mode="playing"]')).first().waitFor({ timeout: PREPARING_MS });
  await picture(page, "preparing", "the watch page says how far the film is, lane by lane");
  await page.locator('[data-stage][data-mode="playing"]').waitFor({ timeout: PREPARING_MS });
  found.modes = await page.evaluate(() => window.modes);
  found.parts = await page.evaluate(() => window.parts);
  found.startedWithoutReload = await page.evaluate(() => window.sameDocument === true);
  await page.locator("[data-badge]").waitFor({ state: "hidden", timeout: PREPARING_MS }); // READY
}

/** What is heard, as its strongest frequency. */
async function changeLanguage() {
  await page.keyboard.press("k");
  const heard = [await pitchNear(330)];
  await page.getByRole("button", { name: "Audio language" }).click();
  found.languages = await page.getByRole("menuitemradio").allTextContents();
  await picture(page, "languages", "the audio menu with the languages of the file");
  await page.getByRole("menuitemradio", { name: "German" }).click();
  found.heard = [...heard, await pitchNear(880)];
  await page.getByRole("button", { name: "Audio language" }).click();
  await page.getByRole("menuitemradio", { name: "English" }).click();
  await page.keyboard.press("0");
  await page.keyboard.press("k");
}

/** @param {number} hertz @returns {Promise<number>} once it is heard */
async function pitchNear(hertz) {
  const pitch = await page.waitForFunction(
    (wanted) => {
      if (!window.analyser) {
        const context = new AudioContext();
        window.analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
        context.createMediaElementSource(document.querySelector("video")).connect(window.analyser).connect(context.destination);
      }
      const bins = new Float32Array(window.analyser.frequencyBinCount);
      window.analyser.getFloatFrequencyData(bins);
      const strongest = (bins.indexOf(Math.max(...bins)) * window.analyser.context.sampleRate) / window.analyser.fftSize;
      return Math.abs(strongest - wanted) < wanted / 20 && strongest;
    },
    hertz,
    { timeout: 30_000 },
  );
  return pitch.jsonValue();
}

/** One rung is available when the film begins, the others come while it plays: they are taken as it goes on. */
async function lateRung() {
  const other = await person({ storageState: await context.storageState() });
  await other.addInitScript(() => delete window.SharedWorker); // events come through the page, where they can be forged
  const screen = await other.newPage();
  let available = false;
  let ladders = 0;
  await screen.route("**/events", (route) => route.fulfill({ contentType: "text/event-stream", body: "retry: 300\n\n" }));
  await screen.route("**/ladder.m3u8", async (route) => {
    ladders += 1;
    await route.continue();
  });
  await screen.route(/\/media-files\/[0-9a-f-]{36}$/, async (route) => {
    const media = await (await route.fetch()).json();
    const pictures = media.renditions.filter((/** @type {any} */ rendition) => rendition.type === "video");
    if (!available) {
      media.status = "PROCESSING";
      for (const rendition of pictures.slice(0, -1)) Object.assign(rendition, { available: false, complete: false, progress: 0.5 });
    }
    await route.fulfill({ json: media });
  });
  await screen.goto(page.url());
  await screen.waitForFunction(() => document.querySelector("video")?.readyState > 2);
  await screen.keyboard.press("0");
  await screen.keyboard.press("k");
  await screen.waitForFunction(() => document.querySelector("video").currentTime > 1);
  await screen.keyboard.press("k"); // so that the film's end is not in the buffer, however slow this machine is
  const lowest = await screen.evaluate(() => document.querySelector("video").videoHeight);
  await screen.getByRole("button", { name: "Quality" }).click();
  const choices = await screen.getByRole("menuitemradio").allTextContents();
  await picture(screen, "being-made", "the quality menu while only the smallest rung is made: the others say how far they are");
  await screen.keyboard.press("Escape");
  await screen.evaluate(() => {
    window.interruptions = 0;
    for (const name of ["emptied", "pause", "seeking"]) {
      document.querySelector("video").addEventListener(name, () => (window.interruptions += 1));
    }
  });
  available = true;
  for (let looks = 0; looks < 2; looks += 1) await screen.waitForResponse(/\/media-files\/[0-9a-f-]{36}$/);
  const better = screen.waitForRequest(/\/(original|480p)\/\d{5}\.m4s$/, { timeout: 60_000 });
  await screen.evaluate(() => document.querySelector("video").play());
  await better;
  found.late = { lowest, choices, ladders, interruptions: await screen.evaluate(() => window.interruptions) };
  await other.close();
}

async function watchHalf() {
  await page.locator("[data-stage]").hover();
  await page.keyboard.press("k");
  await page.waitForFunction(() => document.querySelector("video").currentTime > 6, null, { timeout: 60_000 });
  await page.keyboard.press("k");
  await page.getByRole("button", { name: "Quality" }).click();
  found.qualities = await page.getByRole("menuitemradio").allTextContents();
  await picture(page, "playing", "the film with its own controls and the quality menu");
  await page.keyboard.press("Escape");
  found.links = await page.locator("[data-elsewhere] input").evaluateAll((fields) => fields.map(({ value }) => value));
  await page.locator("[data-elsewhere]").scrollIntoViewIfNeeded();
  await picture(page, "elsewhere", "links for other screens");
  await page.waitForLoadState("networkidle").catch(() => {});
}

async function comeBack() {
  await page.getByRole("link", { name: "Library" }).click();
  const again = page.getByRole("link", { name: /^Continue An Evening by the Brook/ });
  await again.waitFor();
  found.facts = await page.locator(".card-facts").last().textContent();
  await picture(page, "library", "the library: the film to be continued, and on its shelf with its still");
  await again.click();
  await page.locator('[data-stage][data-mode="playing"]').waitFor();
  await page.waitForFunction(() => document.querySelector("video").readyState > 1);
  found.resumedAt = await page.evaluate(() => document.querySelector("video").currentTime);
}

async function watchToTheEnd() {
  await page.evaluate(() => document.querySelector("video").addEventListener("ended", () => (window.ended = true)));
  await page.keyboard.press("0");
  await page.keyboard.press(">");
  await page.locator("[data-stage]").focus().catch(() => {});
  await page.evaluate(() => document.querySelector("video").play());
  await page.waitForFunction(() => window.ended === true, null, { timeout: 120_000 });
  Object.assign(
    found,
    await page.evaluate(() => {
      const video = document.querySelector("video");
      const { droppedVideoFrames, totalVideoFrames } = video.getVideoPlaybackQuality();
      return { endedAt: video.currentTime, duration: video.duration, droppedVideoFrames, totalVideoFrames };
    }),
  );
}

async function otherPages() {
  await page.goto(`${base}/jobs`);
  await page.getByText("Everything is ready to watch.").waitFor();
  await picture(page, "jobs", "nothing is left to do");
  await page.goto(`${base}/admin/keys`);
  await page.getByLabel("What is it for?").fill("The television");
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.locator("[data-fresh]:not([hidden])").waitFor();
  found.freshKey = (await page.getByLabel("Your new key").inputValue()).slice(0, 3);
  await page.getByRole("button", { name: "Revoke The television" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("row", { name: "The television" }).waitFor({ state: "detached" });
}

async function otherScreens() {
  for (const [name, options] of /** @type {const} */ ([
    ["phone", { viewport: { width: 360, height: 740 } }],
    ["light", { colorScheme: "light" }],
    ["television", { viewport: { width: 1920, height: 1080 } }],
  ])) {
    const other = await person({ ...options, storageState: await context.storageState() });
    const screen = await other.newPage();
    await screen.goto(base);
    await picture(screen, `library-${name}`, `the library, ${name}`);
    await screen.getByRole("link", { name: /An Evening by the Brook/ }).first().click();
    await screen.locator('[data-stage][data-mode="playing"]').waitFor();
    found[`${name}Overflow`] = await screen.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await picture(screen, `watch-${name}`, `the watch page, ${name}`);
    await other.close();
  }
}

async function signOut() {
  await page.goto(base);
  await page.getByLabel("Account and appearance").click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForURL("**/login");
  await picture(page, "login", "signed out: the sign-in page");
}
