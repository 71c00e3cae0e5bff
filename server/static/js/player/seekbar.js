/** The seek bar: what is played, what is buffered, where a click would go. */

import { one, say, show } from "../dom.js";
import { clock } from "../format.js";

export class SeekBar {
  /** @param {HTMLElement} stage @param {HTMLVideoElement} video */
  constructor(stage, video) {
    this.video = video;
    this.input = /** @type {HTMLInputElement} */ (one('[data-control="seek"]', stage));
    this.played = one("[data-played]", stage);
    this.buffered = one("[data-buffered]", stage);
    this.tip = one("[data-seek-tip]", stage);
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
    });
    this.input.addEventListener("change", () => {
      this.dragging = false;
      this.video.currentTime = Number(this.input.value);
    });
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("pointermove", (event) => this.point(event));
    this.input.addEventListener("pointerleave", () => show(this.tip, false));
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
    say(this.tip, clock(part * this.length));
    this.tip.style.setProperty("--at", `${(part * 100).toFixed(2)}%`);
  }
}
