/** The remembered position: saved while playing, on pause, and when the page is left by whatever way. */

import { call } from "../http.js";

const SAVE_EVERY_MS = 5000;
const START_SECONDS = 5; // nearer to either end than this and RESUME_TAIL_PART, it starts from the beginning
const RESUME_TAIL_PART = 0.95;

export class Position {
  /** @param {HTMLVideoElement} video @param {string} mediaId */
  constructor(video, mediaId) {
    this.video = video;
    this.url = `/api/watch/${encodeURIComponent(mediaId)}`;
    this.saved = -1;
    this.timer = 0;
    video.addEventListener("playing", () => this.begin());
    video.addEventListener("pause", () => this.rest());
    video.addEventListener("ended", () => this.rest());
    window.addEventListener("pagehide", () => this.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.save()); // phones send no pagehide
  }

  begin() {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.save(), SAVE_EVERY_MS);
  }

  rest() {
    clearInterval(this.timer);
    this.save();
  }

  save() {
    const seconds = Math.round(this.video.currentTime * 10) / 10;
    if (this.video.played.length === 0 && seconds === 0) return; // opened, and nothing more
    if (this.video.readyState === 0 || seconds === this.saved) return;
    this.saved = seconds;
    // A position lost while the server is away is five seconds lost: nothing to bother anybody with.
    call("PUT", this.url, { position: seconds }, { keepalive: true }).catch(() => (this.saved = -1));
  }
}

/** @param {number} remembered seconds @param {number | null} duration @returns {number} where to start */
export function startAt(remembered, duration) {
  if (remembered < START_SECONDS) return 0;
  return duration && remembered > duration * RESUME_TAIL_PART ? 0 : remembered;
}
