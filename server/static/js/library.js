/** Keeps the cards of a page true while films are being prepared. */

import { all, say, show } from "./dom.js";
import { listen } from "./events.js";
import { spoken } from "./format.js";
import { call } from "./http.js";
import { badgeText, overall } from "./media.js";

/** @typedef {import("./media.js").Media} Media */

/** @param {Element} card @param {Media} media */
function refresh(card, media) {
  const badge = card.querySelector("[data-badge]");
  const strip = /** @type {HTMLProgressElement | null} */ (card.querySelector("[data-strip]"));
  const duration = card.querySelector("[data-duration]");
  if (badge) {
    badge.setAttribute("data-state", media.status);
    say(badge, badgeText(media));
  }
  if (strip) {
    show(strip, media.status === "PROCESSING");
    strip.value = overall(media);
  }
  if (duration && media.duration) duration.textContent = spoken(media.duration);
  if (media.hasArtwork) addStill(card, media.id);
}

/** @param {Element} card @param {string} id */
function addStill(card, id) {
  const still = card.querySelector("[data-still]");
  if (!still || still.querySelector("img")) return;
  const picture = new Image(640, 360);
  picture.alt = "";
  picture.src = `/artwork/${id}/poster.jpg`;
  still.append(picture);
}

/** Cards are drawn without their progress, which no row holds. */
async function catchUp() {
  if (!document.querySelector("[data-badge]:not([hidden])")) return;
  const { items } = await call("GET", "/media-files?status=PROCESSING&limit=100");
  items.forEach(refreshAll);
}

/** @param {Media} media */
function refreshAll(media) {
  for (const card of all(`[data-media="${CSS.escape(media.id)}"]`)) refresh(card, media);
}

listen(({ kind, data }) => {
  if (kind === "open") return void catchUp();
  if (kind === "media") return refreshAll(data);
  for (const card of all(`[data-media="${CSS.escape(data.id)}"]`)) card.remove();
});
