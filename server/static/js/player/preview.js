/** What the seek bar shows of a place before anybody goes there: a still, the chapter it lies in, and its time. */

import { one, say, show } from "../dom.js";
import { clock } from "../format.js";
import { Stills } from "./stills.js";

export class Preview {
  /** @param {HTMLElement} stage @param {{ nameAt: (seconds: number) => string }} chapters */
  constructor(stage, chapters) {
    this.chapters = chapters;
    this.stills = new Stills();
    this.box = one("[data-seek-tip]", stage);
    this.picture = one("[data-still]", this.box);
    this.chapter = one("[data-still-chapter]", this.box);
    this.time = one("[data-still-time]", this.box);
    this.seconds = -1;
  }

  /** @param {string | null} url of the index of the stills, null while there is none */
  offer(url) {
    this.stills.url = url;
  }

  /** @param {number} seconds @param {number} length of the film, in seconds */
  show(seconds, length) {
    this.seconds = seconds;
    say(this.time, clock(seconds));
    say(this.chapter, this.chapters.nameAt(seconds));
    this.drawStill();
    void this.stills.load().then(() => this.seconds === seconds && this.drawStill());
    show(this.box, true);
    this.box.style.setProperty("--at", `${(length ? (seconds / length) * 100 : 0).toFixed(2)}%`);
    this.box.style.setProperty("--half", `${this.box.offsetWidth / 2}px`);
  }

  hide() {
    this.seconds = -1;
    show(this.box, false);
  }

  drawStill() {
    const still = this.stills.at(this.seconds);
    show(this.picture, still !== undefined);
    if (!still) return;
    const { style } = this.picture;
    style.width = `${still.width}px`;
    style.height = `${still.height}px`;
    style.backgroundImage = `url("${this.stills.address(still)}")`;
    style.backgroundPosition = `${-still.left}px ${-still.top}px`;
    this.box.style.setProperty("--half", `${this.box.offsetWidth / 2}px`);
  }
}
