/**
 * ASS with its styling: libass in a worker of its own draws on a canvas that it is given. This side only says what time
 * it is and how large the picture is.
 */

import { canvasOver, eachFrame, pictureBox, place } from "./frame.js";

const WORKER = "/static/js/player/subtitles/styled-worker.js";
const MOST_LINES = 1440; // finer is not seen, and costs

/** Whether this browser can do it. */
export function drawsStyles() {
  return "transferControlToOffscreen" in HTMLCanvasElement.prototype && typeof WebAssembly === "object";
}

export class StyledSubtitles {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} script the whole ASS script
   * @param {string[]} fonts where those lie that the film brings along
   * @param {() => void} onFailure the worker cannot draw: plain text is better than none
   */
  constructor(video, script, fonts, onFailure) {
    this.video = video;
    this.canvas = canvasOver(video);
    this.size = "";
    this.busy = true;
    this.late = false; // told of a time while busy
    this.worker = new Worker(WORKER, { type: "module" });
    this.worker.onerror = onFailure;
    this.worker.onmessage = ({ data }) => (data === "done" ? this.rest() : onFailure());
    const canvas = this.canvas.transferControlToOffscreen();
    this.worker.postMessage({ script, fonts, canvas }, [canvas]);
    this.stopFrames = eachFrame(video, (seconds) => this.draw(seconds));
  }

  rest() {
    this.busy = false;
    if (this.late || !this.size) this.draw(this.video.currentTime);
  }

  /** A frame that comes while the one before is drawn is left out. @param {number} seconds */
  draw(seconds) {
    this.late = this.busy;
    if (this.busy) return;
    this.busy = true;
    this.worker.postMessage({ seconds, size: this.newSize() });
  }

  /** @returns {{ width: number, height: number, videoWidth: number, videoHeight: number } | undefined} undefined where it is the old one */
  newSize() {
    const box = pictureBox(this.video);
    const scale = Math.min(devicePixelRatio, MOST_LINES / (box.height || 1));
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    const size = `${width} ${height} ${box.left} ${box.top} ${box.width}`;
    if (size === this.size || !width || !height) return undefined;
    this.size = size;
    place(this.canvas, box);
    return { width, height, videoWidth: this.video.videoWidth, videoHeight: this.video.videoHeight };
  }

  stop() {
    this.stopFrames();
    this.worker.terminate();
    this.canvas.remove();
  }
}
