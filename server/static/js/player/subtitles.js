/**
 * The subtitles of a film: which there are, which is shown, and what is remembered of it for the next film. Text is the
 * browser's own, ASS keeps its styling, pictures of discs are drawn over the film; nothing is ever burnt in. Closed
 * captions come with the film's pictures, all others from the server.
 */

import { one, show } from "../dom.js";
import { call } from "../http.js";
import { Menu } from "./menu.js";
import { PictureSubtitles } from "./subtitles/pictures.js";
import { PlainSubtitles } from "./subtitles/plain.js";
import { StyledSubtitles, drawsStyles } from "./subtitles/styled.js";

/**
 * @typedef {object} Track
 * @property {string | null} id of a file that somebody added
 * @property {string} name
 * @property {"text" | "ass" | "picture" | "captions"} kind
 * @property {string} language
 * @property {string} label
 * @property {boolean} default
 * @property {boolean} forced what is said in another language than the film's, and signs
 * @property {boolean} hearingImpaired
 * @property {string | null} url null while it is being made, and of captions
 * @property {string | null} styledUrl
 * @property {string[]} fontUrls
 */

const MEMORY_KEY = "homereel-subtitles";
const PATIENCE_MS = 3000; // between two looks at what is being made

export class Subtitles {
  /**
   * @param {HTMLElement} stage
   * @param {HTMLVideoElement} video
   * @param {string} mediaId
   * @param {() => string} spoken the language that is heard
   * @param {import("./subtitles/captions.js").Captions} captions
   */
  constructor(stage, video, mediaId, spoken, captions) {
    this.video = video;
    this.mediaId = mediaId;
    this.spoken = spoken;
    this.captions = captions;
    /** @type {Track[]} */
    this.tracks = [];
    /** @type {Track | null} */
    this.chosen = null;
    /** @type {{ stop: () => void } | null} */
    this.shown = null;
    this.decided = false;
    this.answered = false; // by the server
    this.lookedAt = -PATIENCE_MS;
    this.timer = 0;
    this.holder = one('[data-menu-holder="subtitles"]', stage);
    new Menu(this.holder, () => this.choices());
    video.addEventListener("loadedmetadata", () => this.decide());
    captions.addEventListener("found", () => this.offer());
  }

  /** Something of the film has changed: look again if there is something to wait for; cheap to call often. */
  hear() {
    const waiting = !this.tracks.length || this.tracks.some((track) => !track.url);
    if (!waiting || this.timer) return;
    const pause = Math.max(0, this.lookedAt + PATIENCE_MS - performance.now());
    this.timer = setTimeout(() => void this.refresh(), pause);
  }

  async refresh() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.lookedAt = performance.now();
    const { items } = await call("GET", `/media-files/${encodeURIComponent(this.mediaId)}/subtitles`).catch(() => ({ items: [] }));
    if (items.length || !this.chosen?.url) this.tracks = items;
    this.answered = true;
    this.offer();
    if (this.tracks.some((track) => !track.url)) this.hear();
  }

  offer() {
    show(this.holder, this.ready.length > 0);
    this.decide();
  }

  get all() {
    return [...this.tracks, ...this.captions.tracks];
  }

  get ready() {
    return this.all.filter(isMade);
  }

  /** Captions, there before all others, do not decide alone. */
  get mayDecide() {
    return this.answered && (this.tracks.length ? this.tracks.some(isMade) : this.captions.tracks.length > 0);
  }

  /** Once, as soon as there is a track to choose and the film, with its sound, is there. */
  decide() {
    if (this.decided || !this.mayDecide || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    this.decided = true;
    this.put(firstChoice(this.ready, remembered(), this.spoken()));
  }

  /** @returns {import("./menu.js").Choice[]} */
  choices() {
    const off = { label: "Off", checked: !this.chosen, choose: () => this.choose(null) };
    const made = this.all.map((track) => ({
      label: track.label,
      note: noteOf(track),
      checked: track.name === this.chosen?.name,
      disabled: !isMade(track),
      choose: () => this.choose(track),
    }));
    return [off, ...made];
  }

  /** The next track, after the last none. @returns {string} what to call it */
  next() {
    if (!this.ready.length) return "No subtitles";
    const at = this.ready.findIndex((track) => track.name === this.chosen?.name);
    const track = this.ready[at + 1] ?? null;
    this.choose(track);
    return track ? `Subtitles: ${track.label}` : "Subtitles off";
  }

  /** @param {Track | null} track what a person wants, remembered for other films */
  choose(track) {
    this.decided = true;
    this.put(track);
    const wish = track && { language: track.language, hearingImpaired: track.hearingImpaired };
    localStorage.setItem(MEMORY_KEY, JSON.stringify(wish));
  }

  /** @param {Track | null} track */
  put(track) {
    this.shown?.stop();
    this.shown = null;
    this.chosen = track;
    if (track?.kind === "captions") this.shown = this.captions.show(track);
    else if (track?.kind === "picture") this.shown = new PictureSubtitles(this.video, track.url ?? "");
    else if (track?.styledUrl && drawsStyles()) void this.putStyled(track, track.styledUrl);
    else if (track) this.shown = new PlainSubtitles(this.video, track);
  }

  /** @param {Track} track @param {string} url */
  async putStyled(track, url) {
    const plain = () => {
      if (this.chosen !== track) return;
      this.shown?.stop();
      this.shown = new PlainSubtitles(this.video, track);
    };
    try {
      const answer = await fetch(url);
      const script = await answer.text();
      if (!answer.ok) plain();
      else if (this.chosen === track) this.shown = new StyledSubtitles(this.video, script, track.fontUrls, plain);
    } catch {
      plain();
    }
  }
}

/** @param {Track} track */
const isMade = (track) => track.kind === "captions" || Boolean(track.url);

/** @param {Track} track */
function noteOf(track) {
  const deaf = track.hearingImpaired && track.kind !== "captions"; // these say so in their name
  const words = [track.forced && "forced", deaf && "SDH", !isMade(track) && "being made"];
  const told = (/** @type {unknown} */ word) => word && !track.label.toLowerCase().includes(String(word).toLowerCase());
  return words.filter(told).join(" · ");
}

/** @returns {{ language: string, hearingImpaired: boolean } | null | undefined} null: none are wanted, undefined: nobody chose */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY_KEY) ?? "") ?? null;
  } catch {
    return undefined;
  }
}

/**
 * What was chosen last counts; where nobody chose, the film's own default if it is not what is heard anyway. Forced
 * ones belong to the sound and are shown where no others are.
 * @param {Track[]} tracks
 * @param {ReturnType<typeof remembered>} wish
 * @param {string} spoken
 * @returns {Track | null}
 */
export function firstChoice(tracks, wish, spoken) {
  const whole = tracks.filter((track) => !track.forced);
  const forced = tracks.find((track) => track.forced && track.language === spoken) ?? null;
  if (wish) {
    const right = whole.filter((track) => track.language === wish.language);
    return right.find((track) => track.hearingImpaired === wish.hearingImpaired) ?? right[0] ?? forced;
  }
  if (wish === null) return forced;
  return forced ?? whole.find((track) => track.default && track.language !== spoken) ?? null;
}
