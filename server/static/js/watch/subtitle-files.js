/** Subtitle files that people add to a film: a form, and those that are there already, to be removed. */

import { ask } from "../dialog.js";
import { one, say, show } from "../dom.js";
import { language } from "../format.js";
import { Problem, call, csrfHeaders, problemOf } from "../http.js";
import { toast } from "../toast.js";

/** @typedef {import("../player/subtitles.js").Subtitles} Subtitles */
/** @typedef {import("../player/subtitles.js").Track} Track */

// What a file's name ends with before its extension: film.nl.srt, film.pt-BR.forced.srt
const TAG_IN_NAME = /[._ ]([a-z]{2,3}(?:-[A-Za-z]{2,4})?)(?:[._ ](?:forced|sdh|cc|hi))?\.\w{3}$/i;

export class SubtitleFiles {
  /** @param {string} mediaId @param {Subtitles} subtitles */
  constructor(mediaId, subtitles) {
    this.url = `/media-files/${encodeURIComponent(mediaId)}/subtitles`;
    this.subtitles = subtitles;
    this.dialog = one('[data-dialog="subtitles"]');
    this.file = /** @type {HTMLInputElement} */ (one('[name="file"]', this.dialog));
    this.file.addEventListener("change", () => this.guessLanguage());
    one('[data-do="subtitles"]').addEventListener("click", () => this.open());
  }

  async open() {
    await this.subtitles.refresh();
    this.draw();
    ask("subtitles", (form) => this.add(form));
  }

  guessLanguage() {
    const field = /** @type {HTMLInputElement} */ (one('[name="language"]', this.dialog));
    const tag = TAG_IN_NAME.exec(this.file.files?.[0]?.name ?? "")?.[1] ?? "";
    if (!field.value && language(tag)) field.value = tag;
  }

  /** @param {FormData} form */
  async add(form) {
    let answer;
    try {
      answer = await fetch(this.url, { method: "POST", body: form, headers: csrfHeaders() });
    } catch {
      throw new Problem("The server cannot be reached. Is it running?", "unreachable", 0);
    }
    const text = await answer.text();
    if (!answer.ok) throw problemOf(answer.status, text);
    /** @type {HTMLFormElement} */ (one("form", this.dialog)).reset();
    toast(`${JSON.parse(text).label} was added`);
    await this.subtitles.refresh();
  }

  draw() {
    const added = this.subtitles.tracks.filter((track) => track.id);
    one("[data-subtitle-files]", this.dialog).replaceChildren(...added.map((track) => this.line(track)));
    show(one("[data-subtitle-files-panel]", this.dialog), added.length > 0);
  }

  /** @param {Track} track */
  line(track) {
    const line = document.createElement("li");
    const name = Object.assign(document.createElement("bdi"), { textContent: track.label });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Remove" });
    button.setAttribute("aria-label", `Remove ${track.label}`);
    button.addEventListener("click", () => void this.remove(track));
    line.append(name, button);
    return line;
  }

  /** @param {Track} track */
  async remove(track) {
    const problem = one("[data-dialog-problem]", this.dialog);
    say(problem, "");
    try {
      await call("DELETE", `${this.url}/${track.id}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(problem, error.message);
    }
    if (this.subtitles.chosen?.name === track.name) this.subtitles.put(null);
    await this.subtitles.refresh();
    this.draw();
  }
}
