/**
 * Closed captions, which lie in the pictures themselves: hls.js reads them as it loads, the browser draws them as it
 * draws any text. The playlist tells of them, or they are there all of a sudden in the middle of a film.
 */

/** @typedef {import("../subtitles.js").Track} Track */

const CHANNEL = /(?:CC|textTrack)([1-4])$/;

export class Captions extends EventTarget {
  /** Sends "found". @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.video = video;
    /** @type {Map<string, { track: Track, lines: TextTrack }>} by channel, for as long as the page is open */
    this.found = new Map();
  }

  /** @param {any} hls @param {any} Events */
  listen(hls, Events) {
    hls.on(Events.MANIFEST_LOADED, (/** @type {string} */ _event, /** @type {any} */ { captions }) => {
      for (const { instreamId, name, lang } of captions ?? []) this.find(instreamId, name, lang);
    });
    hls.on(Events.CUES_PARSED, (/** @type {string} */ _event, /** @type {any} */ { type, track, cues }) => {
      if (type === "captions") this.take(track, cues);
    });
  }

  /** @returns {Track[]} */
  get tracks() {
    return [...this.found.values()].map(({ track }) => track);
  }

  /** @param {string} channel "CC1" of a playlist, "textTrack1" of hls.js @param {string} [label] @param {string} [language] */
  find(channel, label, language = "und") {
    const number = CHANNEL.exec(channel)?.[1];
    if (!number) return undefined; // CEA-708 alone, which nobody here reads
    const known = this.found.get(number);
    if (known) return known;
    const track = captionTrack(number, label ?? `Captions (CC${number})`, language);
    const lines = this.video.addTextTrack("captions", track.label, language);
    lines.mode = "hidden"; // it takes lines while nobody looks
    this.found.set(number, { track, lines });
    this.dispatchEvent(new Event("found"));
    return this.found.get(number);
  }

  /** @param {string} channel @param {VTTCue[]} cues */
  take(channel, cues) {
    const lines = this.find(channel)?.lines;
    for (const cue of cues) if (lines && !isKnown(lines, cue)) lines.addCue(cue);
  }

  /** @param {Track} track @returns {{ stop: () => void }} */
  show(track) {
    const shown = [...this.found.values()].find((one) => one.track === track);
    if (shown) shown.lines.mode = "showing";
    return { stop: () => shown && (shown.lines.mode = "hidden") };
  }
}

/** @param {string} number @param {string} label @param {string} language @returns {Track} */
function captionTrack(number, label, language) {
  const facts = { default: false, forced: false, hearingImpaired: true, url: null, styledUrl: null, fontUrls: [] };
  return { id: null, name: `captions-${number}`, kind: "captions", language, label, ...facts };
}

/** Pictures that are read again tell the same, or, entered in the middle of a line, less. @param {TextTrack} lines @param {VTTCue} cue */
function isKnown(lines, cue) {
  const others = /** @type {VTTCue[]} */ ([...(lines.cues ?? [])]);
  return others.some((one) => one.startTime === cue.startTime && one.line === cue.line && one.text.length >= cue.text.length);
}
