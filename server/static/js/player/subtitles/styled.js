/**
 * ASS with its styling: libass in a worker of its own (jassub's), which draws on a canvas that it is given. This side
 * only says what time it is and how large the picture is.
 */

import { canvasOver, eachFrame, pictureBox, place } from "./frame.js";

const LIBRARY = "/static/vendor/jassub/";
const FALLBACK_FONT = "liberation sans";
const MOST_PIXELS_HIGH = 1440; // finer is not seen, and costs
const CACHE_MIB = 64;

/** Whether this browser can do it. */
export function drawsStyles() {
  return "transferControlToOffscreen" in HTMLCanvasElement.prototype && typeof WebAssembly === "object";
}

export class StyledSubtitles {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} script the whole ASS script
   * @param {() => void} onFailure the worker cannot draw: plain text is better than none
   */
  constructor(video, script, onFailure) {
    this.video = video;
    this.canvas = canvasOver(video);
    this.busy = true;
    this.size = "";
    /** @type {() => void} */
    this.stopFrames = () => {};
    this.worker = new Worker(`${LIBRARY}jassub-worker.js`);
    this.worker.onmessage = ({ data }) => this.hear(data.target);
    this.worker.onerror = onFailure;
    this.worker.postMessage({
      target: "init",
      wasmUrl: `${LIBRARY}jassub-worker.wasm`,
      subContent: script,
      width: 0,
      height: 0,
      asyncRender: true,
      onDemandRender: true, // it draws when it is told a time, and never by a clock of its own
      blendMode: "js",
      fonts: [],
      availableFonts: { [FALLBACK_FONT]: `${LIBRARY}default.woff2` },
      fallbackFont: FALLBACK_FONT,
      useLocalFonts: false,
      libassMemoryLimit: CACHE_MIB,
      libassGlyphLimit: CACHE_MIB,
    });
  }

  /** @param {string} target what the worker tells */
  hear(target) {
    if (target === "ready") this.begin();
    else if (target === "unbusy") this.busy = false;
  }

  begin() {
    const canvas = this.canvas.transferControlToOffscreen();
    this.worker.postMessage({ target: "offscreenCanvas", transferable: [canvas] }, [canvas]);
    this.busy = false;
    this.stopFrames = eachFrame(this.video, (seconds) => this.draw(seconds));
    this.draw(this.video.currentTime);
  }

  /** @param {number} seconds */
  draw(seconds) {
    this.fit();
    if (this.busy) return;
    this.busy = true;
    this.worker.postMessage({ target: "demand", time: seconds });
  }

  fit() {
    const box = pictureBox(this.video);
    const scale = Math.min(devicePixelRatio, MOST_PIXELS_HIGH / (box.height || 1));
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    const size = `${width}x${height} ${box.left} ${box.top}`;
    if (size === this.size || !width || !height) return;
    this.size = size;
    place(this.canvas, box);
    const { videoWidth, videoHeight } = this.video;
    this.worker.postMessage({ target: "canvas", width, height, videoWidth, videoHeight, force: false });
  }

  stop() {
    this.stopFrames();
    this.worker.terminate();
    this.canvas.remove();
  }
}
