/** Numbers as people read them. The same forms as the filters of server/templating.py. */

/** @param {number | null | undefined} seconds @returns {string} `1:02:03` or `2:03` */
export function clock(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** @param {number | null | undefined} seconds @returns {string} `1 h 32 min` */
export function spoken(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} fraction @returns {string} rounded down, so that 100 % means done */
export function percent(fraction) {
  return `${Math.floor(fraction * 100)} %`;
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** @param {number} count @returns {string} */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** @param {string | undefined} tag a BCP-47 tag @param {string} [tongue] @returns {string} its name in that tongue, "" where unknown */
export function language(tag, tongue = "en") {
  if (!tag || tag === "und") return "";
  try {
    return new Intl.DisplayNames([tongue], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
