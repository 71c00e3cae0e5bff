/** The seek bar: what is played, what is buffered, where a click would go and what is to be seen there. */

import { one } from "../dom.js";
import { clock } from "../format.js";
import { Chapters } from "./chapters.js";
import { Preview } from "./preview.js";

const KEYS_MS = 2500; // so long a still stays that was called by a key

export class SeekBar {
  /** @param {HTMLElement} stage @param {HTMLVideoElement} video */
  constructor(stage, video) {
    this.video = video;
    this.input = /** @type {HTMLInputElement} */ (one('[data-control="seek"]', stage));
    this.played = one("[data-played]", stage);
    this.buffered = one("[data-buffered]", stage);
    this.chapters = new Chapters(stage, video);
    this.preview = new Preview(stage, this.chapters);
    this.keysTimer = 0;
    this.touched = false;
    this.now = one('[data-time="now"]', stage);
    this.whole = one('[data-time="whole"]', stage);
    this.dragging = false;
    this.wire();
  }

  wire() {
    for (const event of ["timeupdate", "durationchange", "progress", "seeking", "seeked"]) {
      this.video.addEventListener(event, () => this.draw());
    }
    this.input.addEventListener("input", () => {
      this.dragging = true;
      this.drawAt(Number(this.input.value));
      this.preview.show(Number(this.input.value), this.length);
    });
    this.input.addEventListener("change", () => {
      this.dragging = false;
      this.video.currentTime = Number(this.input.value);
      if (this.touched) this.preview.hide(); // a finger that is lifted points nowhere
    });
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("pointermove", (event) => this.point(event));
    this.input.addEventListener("pointerdown", (event) => (this.touched = event.pointerType === "touch"));
    for (const event of ["pointerleave", "blur"]) this.input.addEventListener(event, () => this.preview.hide());
    this.input.addEventListener("focus", () => this.showForKeys());
    this.video.addEventListener("seeking", () => this.showForKeys());
  }

  /** Who steps through the film with keys sees a still, too, as long as the bar is in focus. */
  showForKeys() {
    if (this.dragging || !this.length || !this.input.matches(":focus-visible")) return;
    this.preview.show(this.video.currentTime, this.length);
    clearTimeout(this.keysTimer);
    this.keysTimer = setTimeout(() => this.input.matches(":hover") || this.preview.hide(), KEYS_MS);
  }

  /** @param {import("../media.js").Media} media which an event may have told of before the page has asked */
  offer({ trickplayUrl, chapters, duration }) {
    this.preview.offer(trickplayUrl ?? null);
    this.chapters.draw(chapters ?? [], duration);
  }

  /** The slider's own arrow steps are a thousandth of the film: the player's keys say it better. @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key === "Home" || event.key === "End") return;
    if (event.key.startsWith("Arrow") || event.key.startsWith("Page")) event.preventDefault();
  }

  get length() {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  draw() {
    this.input.max = String(this.length || 1);
    this.whole.textContent = clock(this.length);
    this.buffered.style.setProperty("--part", String(this.length ? this.bufferedEnd() / this.length : 0));
    if (this.dragging) return;
    this.input.value = String(this.video.currentTime);
    this.drawAt(this.video.currentTime);
  }

  /** @param {number} seconds */
  drawAt(seconds) {
    this.played.style.setProperty("--part", String(this.length ? seconds / this.length : 0));
    this.now.textContent = clock(seconds);
    this.input.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(this.length)}`);
  }

  /** Where the stretch of buffer that is being played ends. */
  bufferedEnd() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i)) return buffered.end(i);
    }
    return 0;
  }

  /** @param {PointerEvent} event */
  point(event) {
    const { left, width } = this.input.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.preview.show(part * this.length, this.length);
  }
}
