/** The chapters of a film: marks on the seek bar, a menu, and the way to the next or the previous one. */

import { one, show } from "../dom.js";
import { clock } from "../format.js";
import { Menu } from "./menu.js";

/** @typedef {{ start: number, end: number, title: string }} Chapter seconds */

const BEGUN_SECONDS = 3; // so far into a chapter, "back" means its beginning

export class Chapters {
  /** @param {HTMLElement} stage @param {HTMLVideoElement} video */
  constructor(stage, video) {
    this.video = video;
    /** @type {Chapter[]} none of a film that is one chapter */
    this.chapters = [];
    this.drawn = "";
    this.marks = one("[data-chapter-marks]", stage);
    this.holder = one('[data-menu-holder="chapters"]', stage);
    new Menu(this.holder, () => this.choices());
  }

  /** @param {Chapter[]} chapters in order @param {number | null} length of the film, in seconds */
  draw(chapters, length) {
    this.chapters = chapters.length > 1 ? chapters : [];
    const looks = JSON.stringify([length, this.chapters.map(({ start }) => start)]);
    if (looks === this.drawn) return;
    this.drawn = looks;
    show(this.holder, this.chapters.length > 0);
    const inside = length ? this.chapters.filter(({ start }) => start > 0 && start < length) : [];
    this.marks.replaceChildren(...inside.map(({ start }) => mark(start / (length ?? 1))));
  }

  /** @param {number} seconds @returns {number} -1 before the first */
  indexAt(seconds) {
    return this.chapters.findLastIndex(({ start }) => start <= seconds + 0.001); // a seek lands a little early
  }

  /** @param {number} seconds @returns {string} "" where there is no chapter, or a pause between two */
  nameAt(seconds) {
    const index = this.indexAt(seconds);
    return index !== -1 && seconds < this.chapters[index].end ? this.name(index) : "";
  }

  /** @param {number} index @returns {string} */
  name(index) {
    return this.chapters[index].title || `Chapter ${index + 1}`;
  }

  /** To the next chapter (1), or to the beginning of this one and then to the previous (-1). @param {number} step @returns {string} where that led; "" for nowhere */
  go(step) {
    const { currentTime } = this.video;
    const here = this.indexAt(currentTime);
    const begun = step < 0 && here !== -1 && currentTime - this.chapters[here].start > BEGUN_SECONDS;
    const target = begun ? here : here + step;
    if (!this.chapters[target]) return "";
    this.video.currentTime = this.chapters[target].start;
    return this.name(target);
  }

  /** @returns {import("./menu.js").Choice[]} */
  choices() {
    const here = this.indexAt(this.video.currentTime);
    return this.chapters.map(({ start }, index) => ({
      label: this.name(index),
      note: clock(start),
      checked: index === here,
      choose: () => (this.video.currentTime = start),
    }));
  }
}

/** @param {number} part of the film, 0..1 @returns {HTMLElement} */
function mark(part) {
  const mark = document.createElement("span");
  mark.style.setProperty("--at", `${(part * 100).toFixed(3)}%`);
  return mark;
}
