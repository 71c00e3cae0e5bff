/** How far each part of a film is: one strip a lane. */

import { language, percent } from "../format.js";

/** @typedef {import("../media.js").Media} Media */

const UNNAMED = "Audio"; // what a track is called that neither language nor title tells apart

/** @param {string} lane @param {Media} media @returns {string} what a person calls it */
export function laneName(lane, media) {
  if (lane === "probe") return "Looking at the file";
  if (lane === "artwork") return "Stills";
  if (lane === "remux" || lane === "copy") return "Picture as it is";
  if (lane === "ladder" || lane === "preview") return lane === "preview" ? "First picture" : "Picture";
  const rendition = media.renditions.find((one) => one.name === lane || one.lane === lane);
  if (!lane.startsWith("audio")) return lane;
  const tongue = (rendition?.label ?? UNNAMED) === UNNAMED ? language(rendition?.language) : rendition?.label;
  return tongue ? `Sound · ${tongue}` : "Sound";
}

/**
 * Bring the rows of a definition list up to date in place, so that the strips glide.
 * @param {HTMLElement} list @param {Media} media
 */
export function drawLanes(list, media) {
  const lanes = Object.entries(media.progress);
  const wanted = new Set(lanes.map(([lane]) => lane));
  for (const row of /** @type {HTMLElement[]} */ ([...list.children])) {
    if (!wanted.has(row.dataset.lane ?? "")) row.remove();
  }
  for (const [lane, part] of lanes) drawLane(rowOf(list, lane), laneName(lane, media), part);
}

/** @param {HTMLElement} list @param {string} lane @returns {HTMLElement} */
function rowOf(list, lane) {
  const found = list.querySelector(`[data-lane="${CSS.escape(lane)}"]`);
  if (found) return /** @type {HTMLElement} */ (found);
  const row = document.createElement("div");
  row.dataset.lane = lane;
  const strip = document.createElement("dd");
  strip.className = "lane-strip";
  strip.append(Object.assign(document.createElement("progress"), { className: "strip", max: 1 }));
  row.append(document.createElement("dt"), document.createElement("dd"), strip);
  list.append(row);
  return row;
}

/** @param {HTMLElement} row @param {string} name @param {number} part */
function drawLane(row, name, part) {
  const [title, figure, holder] = row.children;
  const strip = /** @type {HTMLProgressElement} */ (holder.firstElementChild);
  title.textContent = name;
  figure.textContent = part >= 1 ? "Done" : percent(part);
  strip.value = part;
  strip.setAttribute("aria-label", name);
  strip.toggleAttribute("data-done", part >= 1);
}
