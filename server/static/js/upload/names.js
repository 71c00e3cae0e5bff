/** A first guess at what a file is, from its name; the person corrects it. */

/** @typedef {{ kind: "movie" | "episode", title: string, year: string, series: string, season: number | null, episode: number | null }} Guess */

const EPISODE = /^(.*?)[\s._-]*(?:s(\d{1,2})[\s._-]*e(\d{1,3})|\b(\d{1,2})x(\d{2,3})\b)(.*)$/i;
// What release names carry after the title: a year, then picture, source and codec words.
// "Blade Runner 2049" and IMG_2041 name none.
const YEAR = /[\s._([-]((?:19\d|20[0-3])\d)(?![\dpi])/;
const NOISE = /[\s._([-]+(?:\(?(?:19\d|20[0-3])\d\)?|\d{3,4}[pi]|4k|uhd|blu-?ray|web(?:-?dl|rip)?|hdtv|dvdrip|[xh][._]?26[45]|hevc)\b.*$/i;

/** @param {string} fileName @returns {Guess} */
export function guess(fileName) {
  const stem = fileName.replace(/\.[a-z0-9]{1,5}$/i, "");
  const found = EPISODE.exec(stem);
  if (!found) return { kind: "movie", title: tidy(stem), year: YEAR.exec(stem)?.[1] ?? "", series: "", season: null, episode: null };
  const [, series, season, episode, season2, episode2, rest] = found;
  return {
    kind: "episode",
    title: tidy(rest),
    year: "",
    series: tidy(series),
    season: Number(season ?? season2),
    episode: Number(episode ?? episode2),
  };
}

/** @param {string} words @returns {string} */
function tidy(words) {
  const bare = words.replace(NOISE, "") || words;
  return bare.replace(/[\s._-]+/g, " ").trim();
}
