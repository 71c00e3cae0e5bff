/**
 * DVD pictures (VobSub): one packet is one picture of four colours, with the commands that show it and take it away.
 * Every number comes from a foreign film: reads beyond the end throw RangeError, loops only go forward.
 */

/** @typedef {import("./pictures.js").Packet} Packet */
/** @typedef {{ colours: number[], alphas: number[], left: number, right: number, top: number, bottom: number }} Look */

const TICK_MS = 1024 / 90;
const MOST_COMMANDS = 1000;
const MOST_PIXELS = 1920 * 1088;
const DVD = { width: 720, height: 576 };
// Of a film that does not tell its colours: background, pattern, and the two of the edge.
const GREYS = ["000000", "ffffff", "000000", "808080"];

/** Whether the picture is to be seen, which its own commands say. @param {Packet} packet @param {number} ms now */
export function showsVobSub({ ms: shownAt, data }, ms) {
  const picture = new Picture(data);
  picture.run(ms - shownAt);
  return picture.shown;
}

/**
 * @param {Packet} packet
 * @param {number} ms now
 * @param {{ width: number, height: number, palette: string[] }} head
 * @returns {import("./pictures.js").Drawn | null}
 */
export function drawVobSub({ ms: shownAt, data }, ms, head) {
  const picture = new Picture(data);
  picture.run(ms - shownAt);
  if (!picture.shown || picture.right < picture.left || picture.bottom < picture.top) return null;
  const image = picture.pixels(head.palette);
  const { width, height } = head.width && head.height ? head : DVD;
  return { width, height, images: [{ image, x: picture.left, y: picture.top }] };
}

class Picture {
  /** @param {DataView} data */
  constructor(data) {
    this.data = data;
    this.shown = false;
    this.colours = [0, 1, 2, 3];
    this.alphas = [0, 15, 15, 15];
    [this.left, this.right, this.top, this.bottom] = [0, -1, 0, -1];
    this.lines = [4, 4]; // where the even and the odd lines begin
  }

  /** Do what is due by `ms` after the packet's time. @param {number} ms */
  run(ms) {
    let at = this.data.getUint16(2);
    for (let left = MOST_COMMANDS; left > 0; left -= 1) {
      if (this.data.getUint16(at) * TICK_MS > ms) return;
      const next = this.data.getUint16(at + 2);
      this.obey(at + 4);
      if (next <= at) return; // the last one points at itself
      at = next;
    }
  }

  /** @param {number} at the first command of a sequence */
  obey(at) {
    for (let left = MOST_COMMANDS; left > 0; left -= 1) {
      const command = this.data.getUint8(at++);
      if (command === 0x00 || command === 0x01) this.shown = true;
      else if (command === 0x02) this.shown = false;
      else if (command === 0x03) this.colours = this.nibbles(at, 4).reverse();
      else if (command === 0x04) this.alphas = this.nibbles(at, 4).reverse();
      else if (command === 0x05) [this.left, this.right, this.top, this.bottom] = this.area(at);
      else if (command === 0x06) this.lines = [this.data.getUint16(at), this.data.getUint16(at + 2)];
      else if (command === 0x07) at += this.data.getUint16(at) - LENGTHS[7];
      else return;
      at += LENGTHS[command];
    }
  }

  /** @param {number} at @param {number} count */
  nibbles(at, count) {
    return Array.from({ length: count }, (_, n) => (this.data.getUint8(at + (n >> 1)) >> (n % 2 ? 0 : 4)) & 15);
  }

  /** @param {number} at four numbers of twelve bits */
  area(at) {
    const digits = this.nibbles(at, 12);
    return [0, 3, 6, 9].map((n) => (digits[n] << 8) | (digits[n + 1] << 4) | digits[n + 2]);
  }

  /** @param {string[]} palette @returns {ImageData} */
  pixels(palette) {
    const [width, height] = [this.right - this.left + 1, this.bottom - this.top + 1];
    if (width * height > MOST_PIXELS) throw new RangeError("a picture larger than any screen");
    const image = new ImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    const colours = this.colours.map((colour, n) => pixel(palette[colour] ?? GREYS[n], this.alphas[n]));
    for (const field of [0, 1]) {
      let nibble = this.lines[field] * 2;
      for (let y = field; y < height; y += 2) nibble = this.line(nibble, out.subarray(y * width, (y + 1) * width), colours);
    }
    return image;
  }

  /** @param {number} nibble where the line begins @param {Uint32Array} out @param {number[]} colours @returns {number} where the next begins */
  line(nibble, out, colours) {
    for (let x = 0; x < out.length; ) {
      let code = this.nibble(nibble++);
      for (const least of [0x4, 0x10, 0x40]) if (code < least) code = (code << 4) | this.nibble(nibble++);
      const end = code < 4 ? out.length : Math.min(out.length, x + (code >> 2));
      out.fill(colours[code & 3], x, end);
      x = end;
    }
    return nibble + (nibble % 2); // a line begins at a whole byte
  }

  /** @param {number} n */
  nibble(n) {
    return (this.data.getUint8(n >> 1) >> (n % 2 ? 0 : 4)) & 15;
  }
}

/** Bytes that follow each command. */
const LENGTHS = [0, 0, 0, 2, 2, 6, 4, 2];

/** @param {string} hex RRGGBB @param {number} alpha 0..15 */
function pixel(hex, alpha) {
  const channels = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return new Uint32Array(Uint8Array.of(...channels, alpha * 17).buffer)[0];
}
