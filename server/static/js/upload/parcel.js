/** One file in the list: what it is, how far it is, what went wrong. */

import { one, say, show } from "../dom.js";
import { bytes, clock, percent } from "../format.js";
import { Problem } from "../http.js";
import { guess } from "./names.js";
import { Transfer } from "./transfer.js";

const ALL_SENT = 1;

export class Parcel {
  /** @param {File} file @param {HTMLTemplateElement} template @param {() => void} changed called when it starts, ends or goes */
  constructor(file, template, changed) {
    this.file = file;
    this.changed = changed;
    /** @type {"asking" | "waiting" | "sending" | "done" | "failed"} */
    this.state = "asking";
    /** @type {Transfer | null} */
    this.transfer = null;
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.element = one("li", copy);
    this.form = /** @type {HTMLFormElement} */ (this.part("form"));
    this.part("name").textContent = file.name;
    this.part("size").textContent = bytes(file.size);
    this.prefill();
    this.wire();
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return one(`[data-part="${name}"]`, this.element);
  }

  prefill() {
    const { kind, title, year, series, season, episode } = guess(this.file.name);
    /** @type {Record<string, string>} */
    const values = { title, year, series, season: String(season ?? 1), episode: String(episode ?? 1) };
    for (const [name, value] of Object.entries(values)) this.input(name).value = value;
    /** @type {HTMLInputElement} */ (one(`[name="kind"][value="${kind}"]`, this.form)).checked = true;
    this.showKind(kind);
  }

  /** @param {string} name @returns {HTMLInputElement} */
  input(name) {
    return /** @type {HTMLInputElement} */ (one(`[name="${name}"]`, this.form));
  }

  /** @param {string} kind */
  showKind(kind) {
    const isEpisode = kind === "episode";
    show(this.part("episode-fields"), isEpisode);
    show(this.part("year"), !isEpisode);
    this.part("title-label").textContent = isEpisode ? "Episode title" : "Title";
    for (const name of ["series", "season", "episode"]) this.input(name).required = isEpisode;
  }

  wire() {
    this.form.addEventListener("change", () => this.showKind(this.fields().kind));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.enqueue();
    });
    this.part("remove").addEventListener("click", () => this.leave());
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.part("again").addEventListener("click", () => this.enqueue());
  }

  /** @returns {Record<string, string>} only what the chosen kind has */
  fields() {
    const { kind, title, year, series, season, episode } = Object.fromEntries(new FormData(this.form));
    const said = kind === "episode" ? { kind, title, series, season, episode } : { kind, title, releaseDate: year };
    return /** @type {Record<string, string>} */ (said);
  }

  enqueue() {
    say(this.part("problem"), "");
    show(this.form, false);
    show(this.part("way"), true);
    this.enter("waiting", "Next in line");
  }

  async send() {
    this.transfer = new Transfer(this.file, this.fields());
    this.enter("sending", "Uploading");
    try {
      const { mediaFileId } = await this.transfer.start((progress) => this.report(progress));
      this.arrived(mediaFileId);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.failed(error);
    }
  }

  /** @param {import("./transfer.js").Progress} progress */
  report({ sent, total, bytesPerSecond, secondsLeft }) {
    const fraction = total ? sent / total : 0;
    this.strip.value = fraction;
    if (fraction >= ALL_SENT) {
      this.part("state").textContent = "Being put on the shelf";
      this.part("figures").textContent = bytes(total);
      return;
    }
    this.part("state").textContent = `Uploading · ${percent(fraction)}`;
    const pace = secondsLeft === null ? "" : ` · ${bytes(bytesPerSecond)}/s · ${clock(secondsLeft)} left`;
    this.part("figures").textContent = `${bytes(sent)} of ${bytes(total)}${pace}`;
  }

  get strip() {
    return /** @type {HTMLProgressElement} */ (this.part("strip"));
  }

  /** @param {string} mediaFileId */
  arrived(mediaFileId) {
    this.strip.value = 1;
    this.strip.dataset.done = "";
    show(this.part("cancel"), false);
    const watch = /** @type {HTMLAnchorElement} */ (this.part("watch"));
    watch.href = `/watch/${encodeURIComponent(mediaFileId)}`;
    show(watch, true);
    this.part("figures").textContent = "On the shelf. It is being prepared now; you can close this page.";
    this.enter("done", "Uploaded");
  }

  /** @param {Problem} problem */
  failed(problem) {
    this.enter("failed", problem.code === "cancelled" ? "Cancelled" : "Not uploaded");
    if (problem.code !== "cancelled") say(this.part("problem"), problem.message);
    this.part("figures").textContent = "";
    this.strip.value = 0;
    show(this.part("again"), true);
    this.part("cancel").lastChild?.replaceWith("Remove");
  }

  cancel() {
    if (this.state === "sending") this.transfer?.cancel();
    else this.leave();
  }

  leave() {
    this.element.remove();
    this.enter("done", "");
  }

  /** @param {Parcel["state"]} state @param {string} words */
  enter(state, words) {
    this.state = state;
    this.element.dataset.state = state;
    this.part("state").textContent = words;
    if (state !== "failed") show(this.part("again"), false);
    if (state === "waiting" || state === "sending") this.part("cancel").lastChild?.replaceWith("Cancel");
    this.changed();
  }
}
