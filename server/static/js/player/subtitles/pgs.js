/**
 * Blu-ray pictures (Presentation Graphic Stream): palettes, run-length coded objects, and compositions that place them.
 * Every number comes from a foreign film: reads beyond the end throw RangeError, sizes are bounded.
 */

/** @typedef {import("./pictures.js").Packet} Packet */
/** @typedef {{ width: number, height: number, parts: DataView[] }} Coded */
/** @typedef {{ object: number, x: number, y: number, crop: [number, number, number, number] | null }} Placed */
/** @typedef {{ width: number, height: number, palette: number, placed: Placed[] }} Composition */

const PALETTE = 0x14;
const OBJECT = 0x15;
const COMPOSITION = 0x16;
const EPOCH_START = 0x80;
const MOST_PIXELS = 4096 * 2304;
const MOST_PLACED = 64;
const SD_LINES = 576;

/** @param {Packet[]} packets of one epoch, up to now @returns {import("./pictures.js").Drawn | null} */
export function drawPgs(packets) {
  const stream = new Stream();
  for (const { data } of packets) stream.take(data);
  return stream.draw();
}

class Stream {
  constructor() {
    /** @type {Map<number, Uint32Array>} colours as ImageData holds them, by palette */
    this.palettes = new Map();
    /** @type {Map<number, Coded>} */
    this.objects = new Map();
    /** @type {Composition | null} */
    this.composition = null;
  }

  /** @param {DataView} data segments, one behind the other */
  take(data) {
    for (let at = 0; at + 3 <= data.byteLength; ) {
      const kind = data.getUint8(at);
      const length = data.getUint16(at + 1);
      const body = new DataView(data.buffer, data.byteOffset + at + 3, length);
      if (kind === COMPOSITION) this.takeComposition(body);
      else if (kind === PALETTE) this.takePalette(body);
      else if (kind === OBJECT) this.takeObject(body);
      at += 3 + length;
    }
  }

  /** @param {DataView} body */
  takeComposition(body) {
    if (body.getUint8(7) === EPOCH_START) {
      this.palettes.clear();
      this.objects.clear();
    }
    const placed = [];
    let at = 11;
    for (let n = Math.min(body.getUint8(10), MOST_PLACED); n > 0; n -= 1) {
      const cropped = (body.getUint8(at + 3) & 0x80) !== 0;
      placed.push({
        object: body.getUint16(at),
        x: body.getUint16(at + 4),
        y: body.getUint16(at + 6),
        crop: cropped ? /** @type {Placed["crop"]} */ ([8, 10, 12, 14].map((field) => body.getUint16(at + field))) : null,
      });
      at += cropped ? 16 : 8;
    }
    this.composition = { width: body.getUint16(0), height: body.getUint16(2), palette: body.getUint8(9), placed };
  }

  /** @param {DataView} body */
  takePalette(body) {
    const colours = this.palettes.get(body.getUint8(0)) ?? new Uint32Array(256);
    const isSd = (this.composition?.height ?? 0) <= SD_LINES;
    for (let at = 2; at + 5 <= body.byteLength; at += 5) {
      const [y, cr, cb, alpha] = [1, 2, 3, 4].map((field) => body.getUint8(at + field));
      colours[body.getUint8(at)] = rgba(y, cb, cr, alpha, isSd);
    }
    this.palettes.set(body.getUint8(0), colours);
  }

  /** A large object comes in several segments. @param {DataView} body */
  takeObject(body) {
    const id = body.getUint16(0);
    if (body.getUint8(3) & 0x80) {
      const [width, height] = [body.getUint16(7), body.getUint16(9)];
      if (width * height > MOST_PIXELS) throw new RangeError("a picture larger than any screen");
      this.objects.set(id, { width, height, parts: [tail(body, 11)] });
    } else this.objects.get(id)?.parts.push(tail(body, 4));
  }

  draw() {
    if (!this.composition?.placed.length) return null;
    const { width, height, palette, placed } = this.composition;
    const colours = this.palettes.get(palette) ?? new Uint32Array(256);
    const images = [];
    for (const { object, x, y, crop } of placed) {
      const coded = this.objects.get(object);
      if (coded?.width && coded.height) images.push({ image: cropped(pixels(coded, colours), crop), x, y });
    }
    return { width, height, images };
  }
}

/** @param {DataView} data @param {number} from */
function tail(data, from) {
  return new DataView(data.buffer, data.byteOffset + from, data.byteLength - from);
}

/** @param {Coded} coded @param {Uint32Array} colours @returns {ImageData} */
function pixels({ width, height, parts }, colours) {
  const image = new ImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const data = joined(parts);
  let [at, x, y] = [0, 0, 0];
  while (at < data.length && y < height) {
    let [colour, count] = [data[at++], 1];
    if (colour === 0) {
      const flags = data[at++];
      count = flags & 0x3f;
      if (flags & 0x40) count = (count << 8) | data[at++];
      colour = flags & 0x80 ? data[at++] : 0;
      if (count === 0) {
        [x, y] = [0, y + 1];
        continue;
      }
    }
    const end = Math.min(x + count, width);
    out.fill(colours[colour], y * width + x, y * width + end);
    x = end;
  }
  return image;
}

/** @param {DataView[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return whole;
}

/** @param {ImageData} image @param {Placed["crop"]} crop left, top, width, height @returns {ImageData} */
function cropped(image, crop) {
  if (!crop) return image;
  const [left, top] = [Math.min(crop[0], image.width - 1), Math.min(crop[1], image.height - 1)];
  const width = Math.max(1, Math.min(crop[2], image.width - left));
  const height = Math.max(1, Math.min(crop[3], image.height - top));
  const cut = new ImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    const from = ((top + y) * image.width + left) * 4;
    cut.data.set(image.data.subarray(from, from + width * 4), y * width * 4);
  }
  return cut;
}

/** From limited-range YCbCr, BT.601 for SD and BT.709 for HD, to a pixel of ImageData. */
function rgba(/** @type {number[]} */ ...[y, cb, cr, alpha, isSd]) {
  const luma = 1.164 * (y - 16);
  const [red, greenBlue, greenRed, blue] = isSd ? [1.596, 0.392, 0.813, 2.017] : [1.793, 0.213, 0.533, 2.112];
  const channels = [
    luma + red * (cr - 128),
    luma - greenBlue * (cb - 128) - greenRed * (cr - 128),
    luma + blue * (cb - 128),
    alpha,
  ];
  return new Uint32Array(Uint8ClampedArray.from(channels).buffer)[0];
}
