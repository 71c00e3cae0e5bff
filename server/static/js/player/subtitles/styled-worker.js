/**
 * libass at work: a script comes in, and for each time it is told the picture of that time is drawn on the canvas it
 * was given. It alone may compile WebAssembly (server/headers.py).
 */

import load from "../../../vendor/jassub/jassub-worker.js";

const FONT = "/static/vendor/jassub/default.woff2";
const FAMILY = "liberation sans";
const CACHE_MIB = 64;

/** @typedef {{ w: number, h: number, stride: number, dst_x: number, dst_y: number, bitmap: number, color: number }} Glyphs one colour of libass's picture; `color` is RRGGBBAA, AA being how much shines through */

class Renderer {
  /** @param {any} libass @param {OffscreenCanvas} canvas */
  constructor(libass, canvas) {
    this.libass = libass;
    this.canvas = canvas;
    this.context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.stamp = new OffscreenCanvas(1, 1);
    this.resized = true;
  }

  /** @param {{ width: number, height: number, videoWidth: number, videoHeight: number }} size */
  resize({ width, height, videoWidth, videoHeight }) {
    [this.canvas.width, this.canvas.height] = [width, height];
    this.libass.resizeCanvas(width, height, videoWidth, videoHeight);
    this.resized = true;
  }

  /** @param {number} seconds */
  draw(seconds) {
    /** @type {Glyphs[] | null} null where nothing changed */
    const glyphs = this.libass.rawRender(seconds, Number(this.resized));
    this.resized = false;
    if (!glyphs) return;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const glyph of glyphs) if (glyph.w > 0 && glyph.h > 0) this.put(glyph);
  }

  /** @param {Glyphs} glyph */
  put({ w, h, stride, dst_x: x, dst_y: y, bitmap, color }) {
    const image = new ImageData(w, h);
    const pixels = new Uint32Array(image.data.buffer);
    const opacity = 255 - (color & 255);
    const bgr = (((color >>> 8) & 255) << 16) | (((color >>> 16) & 255) << 8) | (color >>> 24);
    const heap = /** @type {Uint8Array} */ (/** @type {any} */ (self).HEAPU8RAW);
    for (let row = 0; row < h; row += 1) {
      for (let column = 0; column < w; column += 1) {
        const coverage = heap[bitmap + row * stride + column];
        if (coverage) pixels[row * w + column] = (Math.round((coverage * opacity) / 255) << 24) | bgr;
      }
    }
    [this.stamp.width, this.stamp.height] = [w, h];
    this.stamp.getContext("2d")?.putImageData(image, 0, 0);
    this.context.drawImage(this.stamp, x, y); // and not putImageData: pictures lie over each other
  }
}

/** @param {string} script @param {string[]} fonts @param {OffscreenCanvas} canvas */
async function begin(script, fonts, canvas) {
  const [{ _malloc, JASSUB }, ...contents] = await Promise.all([load({ __out: () => {} }), ...[FONT, ...fonts].map(contentOf)]);
  const libass = new JASSUB(1, 1, FAMILY);
  libass.setThreads(1); // more need a page that is cross-origin isolated, which plain http never is
  libass.setMemoryLimits(CACHE_MIB, CACHE_MIB);
  for (const [number, font] of contents.entries()) {
    if (!font) continue;
    const at = _malloc(font.byteLength);
    /** @type {any} */ (self).HEAPU8RAW.set(new Uint8Array(font), at);
    libass.addFont(number ? `film ${number}` : FAMILY, at, font.byteLength); // its families are told by the font itself
  }
  libass.reloadFonts();
  libass.createTrackMem(script);
  return new Renderer(libass, canvas);
}

/** @param {string} url @returns {Promise<ArrayBuffer | null>} null where it cannot be had: another will do */
async function contentOf(url) {
  const answer = await fetch(url).catch(() => null);
  return answer?.ok ? answer.arrayBuffer() : null;
}

/** @type {Renderer | null} */
let renderer = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.script !== undefined) renderer = await begin(data.script, data.fonts, data.canvas);
    if (data.size) renderer?.resize(data.size);
    if (data.seconds !== undefined) renderer?.draw(data.seconds);
    self.postMessage("done");
  } catch (error) {
    console.warn("styled subtitles:", error);
    self.postMessage("failed");
  }
};
