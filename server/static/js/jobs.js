/** The jobs page: every film that is not at rest, as it changes. */

import { one, say, show } from "./dom.js";
import { listen } from "./events.js";
import { percent } from "./format.js";
import { Problem, call } from "./http.js";
import { badgeText, fullTitle } from "./media.js";
import { toast } from "./toast.js";
import { laneName } from "./watch/lanes.js";

/** @typedef {import("./media.js").Media} Media */

const PAGE = 100;
const AT_REST = ["READY"];

const list = one("[data-job-list]");
const summary = one("[data-jobs-summary]");
/** @type {Map<string, HTMLElement>} */
const rows = new Map();

async function load() {
  try {
    const states = ["UPLOADED", "PROCESSING", "FAILED"];
    const pages = await Promise.all(states.map((state) => call("GET", `/media-files?status=${state}&limit=${PAGE}`)));
    const media = pages.flatMap((page) => page.items).sort(byTurn);
    const present = new Set(media.map((one) => one.id));
    for (const id of rows.keys()) if (!present.has(id)) forget(id);
    media.forEach(draw);
    summarise();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    summary.textContent = error.message;
  }
}

/** In the order in which they are worked on; what failed waits for a person, at the end. @param {Media} one @param {Media} other */
function byTurn(one, other) {
  const failed = Number(one.status === "FAILED") - Number(other.status === "FAILED");
  return failed || one.createdAt - other.createdAt;
}

function summarise() {
  const working = [...rows.values()].filter((row) => row.dataset.state === "PROCESSING").length;
  const failed = [...rows.values()].filter((row) => row.dataset.state === "FAILED").length;
  const waiting = rows.size - working - failed;
  const parts = [
    working && `${working} being prepared`,
    waiting && `${waiting} waiting`,
    failed && `${failed} failed`,
  ].filter(Boolean);
  summary.textContent = parts.length ? `${parts.join(", ")}.` : "Nothing to do. Everything is ready to watch.";
}

/** @param {Media} media */
function draw(media) {
  if (AT_REST.includes(media.status) && !rows.has(media.id)) return;
  const row = rows.get(media.id) ?? add(media);
  row.dataset.state = media.status;
  const part = (/** @type {string} */ name) => one(`[data-part="${name}"]`, row);
  part("badge").dataset.state = media.status;
  part("badge").textContent = media.status === "READY" ? "Ready" : badgeText(media);
  say(part("problem"), media.errorMessage ?? "");
  show(part("retry"), media.status === "FAILED");
  show(part("cancel"), media.status === "UPLOADED" || media.status === "PROCESSING");
  const lanes = media.status === "FAILED" ? [] : Object.entries(media.progress);
  part("parts").replaceChildren(...lanes.map(([lane, done]) => lanePart(laneName(lane, media), done)));
}

/** @param {Media} media @returns {HTMLElement} */
function add(media) {
  const template = /** @type {HTMLTemplateElement} */ (one("[data-job-template]"));
  const row = one("li", /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  const title = /** @type {HTMLAnchorElement} */ (one('[data-part="title"]', row));
  title.href = `/watch/${encodeURIComponent(media.id)}`;
  title.append(Object.assign(document.createElement("bdi"), { textContent: fullTitle(media) }));
  one('[data-part="retry"]', row).addEventListener("click", () => void act(media.id, "retry"));
  one('[data-part="cancel"]', row).addEventListener("click", () => void act(media.id, "cancel"));
  rows.set(media.id, row);
  list.append(row);
  return row;
}

/** @param {string} name @param {number} done */
function lanePart(name, done) {
  const template = /** @type {HTMLTemplateElement} */ (one("[data-job-part-template]"));
  const part = one("div", /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  const strip = /** @type {HTMLProgressElement} */ (one('[data-part="strip"]', part));
  one('[data-part="name"]', part).textContent = name;
  one('[data-part="state"]', part).textContent = done >= 1 ? "Done" : percent(done);
  strip.value = done;
  strip.setAttribute("aria-label", name);
  strip.toggleAttribute("data-done", done >= 1);
  return part;
}

/** @param {string} id @param {"retry" | "cancel"} verb */
async function act(id, verb) {
  try {
    await call("POST", `/media-files/${encodeURIComponent(id)}/${verb}`);
    await load();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message);
  }
}

/** @param {string} id */
function forget(id) {
  rows.get(id)?.remove();
  rows.delete(id);
}

listen(({ kind, data }) => {
  if (kind === "open") void load();
  else if (kind === "deleted") forget(data.id);
  else draw(data);
  if (kind !== "open") summarise();
});
void load();
