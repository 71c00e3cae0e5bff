/**
 * Picture subtitles: the packets of the original, fetched by Range shortly before they are shown and drawn on a canvas
 * over the film. `pictures.json` says what lies where (vod/subtitles/pictures.py).
 */

import { canvasOver, eachFrame, pictureBox, place } from "./frame.js";
import { drawPgs } from "./pgs.js";
import { drawVobSub, showsVobSub } from "./vobsub.js";

/** @typedef {[startMs: number, endMs: number, offset: number, length: number]} Run endMs 0: until the next */
/** @typedef {{ kind: "pgs" | "vobsub", width: number, height: number, palette: string[], runs: Run[] }} Index */
/** @typedef {{ ms: number, data: DataView }} Packet */
/**
 * @typedef {object} Drawn
 * @property {number} width of the canvas the positions are on
 * @property {number} height
 * @property {{ image: ImageData, x: number, y: number }[]} images
 */

const AHEAD = 3; // runs fetched before they are due
const KEPT = 12; // runs kept in memory

export class PictureSubtitles {
  /** @param {HTMLVideoElement} video @param {string} indexUrl */
  constructor(video, indexUrl) {
    this.video = video;
    this.canvas = canvasOver(video);
    this.dataUrl = indexUrl.replace(/pictures\.json$/, "pictures.bin");
    /** @type {Index | null} */
    this.index = null;
    /** @type {Map<number, Packet[] | null>} by number of the run; null while it is on its way */
    this.runs = new Map();
    this.shown = "";
    this.stopFrames = () => {};
    this.stopped = new AbortController();
    this.paint(null);
    void this.open(indexUrl);
  }

  /** @param {string} url */
  async open(url) {
    try {
      const answer = await fetch(url, { signal: this.stopped.signal });
      if (!answer.ok) return;
      this.index = await answer.json();
    } catch {
      return; // stopped, or away: choosing the track again tries again
    }
    this.stopFrames = eachFrame(this.video, (seconds) => this.draw(seconds * 1000));
    this.draw(this.video.currentTime * 1000);
  }

  stop() {
    this.stopped.abort();
    this.stopFrames();
    this.canvas.remove();
  }

  /** @param {number} ms */
  draw(ms) {
    place(this.canvas, pictureBox(this.video));
    if (!this.index) return;
    const number = lastBefore(this.index.runs, ms);
    for (let n = Math.max(0, number); n <= number + AHEAD; n += 1) this.want(n);
    const packets = this.runs.get(number)?.filter((packet) => packet.ms <= ms) ?? [];
    const [, endMs] = this.index.runs[number] ?? [0, 0];
    const over = number < 0 || (endMs > 0 && ms >= endMs);
    const state = over || !packets.length ? "" : `${number} ${packets.length} ${this.phase(packets, ms)}`;
    if (state === this.shown) return;
    this.shown = state;
    this.paint(state ? this.decode(packets, ms) : null);
  }

  /** Only a picture of a DVD comes and goes between its packets. @param {Packet[]} packets @param {number} ms */
  phase(packets, ms) {
    return this.index?.kind !== "vobsub" || sane(() => showsVobSub(packets[packets.length - 1], ms));
  }

  /** @param {Packet[]} packets @param {number} ms @returns {Drawn | null} */
  decode(packets, ms) {
    const { index } = this;
    if (!index) return null;
    return sane(() => (index.kind === "pgs" ? drawPgs(packets) : drawVobSub(packets[packets.length - 1], ms, index)));
  }

  /** @param {Drawn | null} drawn */
  paint(drawn) {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    this.canvas.width = drawn?.width ?? 1; // clears it, too
    this.canvas.height = drawn?.height ?? 1;
    for (const { image, x, y } of drawn?.images ?? []) context.putImageData(image, x, y);
  }

  /** @param {number} number of a run that will be shown soon */
  want(number) {
    const run = this.index?.runs[number];
    if (!run || this.runs.has(number)) return;
    this.runs.set(number, null);
    for (const old of [...this.runs.keys()].slice(0, -KEPT)) this.runs.delete(old);
    this.fetchRun(run).then(
      (packets) => {
        if (this.runs.has(number)) this.runs.set(number, packets);
        this.draw(this.video.currentTime * 1000); // a film that stands still brings no frame
      },
      () => this.runs.delete(number), // asked for again with the next frame
    );
  }

  /** @param {Run} run @returns {Promise<Packet[]>} */
  async fetchRun([, , offset, length]) {
    const headers = { Range: `bytes=${offset}-${offset + length - 1}` };
    const answer = await fetch(this.dataUrl, { headers, signal: this.stopped.signal });
    if (answer.status !== 206) throw new Error(`pictures: ${answer.status}`);
    return packetsOf(new DataView(await answer.arrayBuffer()));
  }
}

/**
 * What is cut off or nonsense is as if nothing were there.
 * @template T
 * @param {() => T} read
 * @returns {T | null}
 */
function sane(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @param {Run[]} runs in order @param {number} ms @returns {number} of the last that begins by then, -1 for none */
export function lastBefore(runs, ms) {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle][0] <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** @param {DataView} data @returns {Packet[]} */
export function packetsOf(data) {
  const packets = [];
  for (let at = 0; at + 8 <= data.byteLength; ) {
    const length = Math.min(data.getUint32(at + 4), data.byteLength - at - 8);
    packets.push({ ms: data.getUint32(at), data: new DataView(data.buffer, data.byteOffset + at + 8, length) });
    at += 8 + length;
  }
  return packets;
}
