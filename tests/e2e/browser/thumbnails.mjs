/** The stills that Shaka finds in a DASH manifest: of which size they are, and which colour each has. */

import { finish, given, person } from "./chromium.mjs";
import { build, open } from "./stage.mjs";

const context = await person();
await build(context);
const page = await context.newPage();
await open(page, "Shaka DASH", JSON.parse(given.film));
const tracks = await page.evaluate(() => window.player.getImageTracks().map(({ width, height, mimeType }) => ({ width, height, mimeType })));
const stills = [];
for (const seconds of given.times) stills.push(await page.evaluate(still, seconds));
await finish({ tracks, stills, errors: await page.evaluate(() => window.heard.errors) });

/** In the page: the middle of the tile that is shown there, and its time. @param {number} seconds */
async function still(seconds) {
  const { player } = window;
  const [track] = player.getImageTracks();
  const { uris, positionX, positionY, width, height, startTime, duration } = await player.getThumbnails(track.id, seconds);
  const sheet = await createImageBitmap(await (await fetch(uris[0])).blob());
  const drawing = new OffscreenCanvas(1, 1).getContext("2d");
  drawing.drawImage(sheet, positionX + width / 2, positionY + height / 2, 1, 1, 0, 0, 1, 1);
  return { startTime, duration, colour: [...drawing.getImageData(0, 0, 1, 1).data.slice(0, 3)] };
}
