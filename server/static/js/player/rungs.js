/**
 * Which rungs are taken by themselves while a film is still being made: hls.js is told of every rung at once and
 * reads its playlist once; the automatic choice keeps to those that are available, and takes the others from the
 * moment they are. Nothing is loaded anew and no buffer is lost.
 */

/** @param {{ uri: string }} level of hls.js @returns {string} the rendition's name */
export const renditionOf = ({ uri }) => /([^/]+)\.m3u8(?:\?.*)?$/.exec(uri)?.[1] ?? "";

export class AvailableRungs {
  constructor() {
    /** @type {Set<string> | null} names of renditions; null: every one */
    this.names = null;
  }

  /** @param {{ uri: string }[]} levels ascending @param {number} wanted index @returns {number} the best at or below it */
  nearest(levels, wanted) {
    const names = this.names;
    if (names === null || wanted < 0) return wanted;
    const allowed = levels.map((level, index) => (names.has(renditionOf(level)) ? index : -1)).filter((index) => index >= 0);
    return allowed.findLast((index) => index <= wanted) ?? allowed[0] ?? wanted;
  }

  /** @param {any} AbrController hls.js's own @returns {any} the same, kept to what is available */
  controller(AbrController) {
    const rungs = this;
    return class extends AbrController {
      get firstAutoLevel() {
        return rungs.nearest(this.hls.levels, super.firstAutoLevel);
      }

      get nextAutoLevel() {
        return rungs.nearest(this.hls.levels, super.nextAutoLevel);
      }

      set nextAutoLevel(level) {
        super.nextAutoLevel = level;
      }
    };
  }
}
