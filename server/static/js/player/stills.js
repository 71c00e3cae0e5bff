/** The stills of a film: sheets of small pictures, and a WebVTT index that says which tile is shown when. */

/** @typedef {{ start: number, sheet: string, left: number, top: number, width: number, height: number }} Still */

const CUE = /(\d+):(\d\d):(\d\d\.\d{3}) --> \S+\s+(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;

export class Stills {
  constructor() {
    /** @type {string | null} of the index; the token in it may change, the index does not */
    this.url = null;
    /** @type {Still[]} in order of time */
    this.stills = [];
    this.asked = false;
  }

  /** Fetches the index, once; whoever is never asked for a place never does. @returns {Promise<void>} */
  async load() {
    if (this.asked || !this.url) return;
    this.asked = true;
    const answer = await fetch(this.url).catch(() => null);
    if (answer?.ok) this.stills = parseIndex(await answer.text());
    else this.asked = false; // the network is away, or the token has run out: the next place asks again
  }

  /** @param {number} seconds @returns {Still | undefined} the last that begins there or before */
  at(seconds) {
    let low = 0;
    let high = this.stills.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.stills[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    return this.stills[Math.max(0, low - 1)];
  }

  /** @param {Still} still @returns {string} where its sheet is, with the newest token */
  address({ sheet }) {
    return new URL(sheet, new URL(this.url ?? "", location.href)).href;
  }
}

/** @param {string} text of a WebVTT index @returns {Still[]} */
export function parseIndex(text) {
  return Array.from(text.matchAll(CUE), ([, hours, minutes, seconds, sheet, ...xywh]) => {
    const [left, top, width, height] = xywh.map(Number);
    return { start: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), sheet, left, top, width, height };
  });
}
