/** The player's buttons, menus and keys, joined to the video and its engine. */

import { one, say, setIcon, show } from "../dom.js";
import { language } from "../format.js";
import { wireKeys } from "./keyboard.js";
import { Menu } from "./menu.js";
import { renditionOf } from "./rungs.js";
import { SeekBar } from "./seekbar.js";

/** @typedef {import("./menu.js").Choice} Choice */

const ORIGINAL = "original"; // the rung that is the uploaded film itself
const KNOWN_LINES = [2160, 1440, 1080, 720, 480, 240];
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const IDLE_MS = 3000;
const VOLUME_KEY = "homereel-volume";
const NOTE_MS = 1600;

export class Controls {
  /**
   * @param {HTMLElement} stage
   * @param {import("./engine.js").Engine} engine
   * @param {{ makingOf: (rendition: string) => string, nextSubtitles: () => string, showKeys: () => void }} page what only the page knows
   */
  constructor(stage, engine, page) {
    this.stage = stage;
    this.engine = engine;
    this.video = engine.video;
    this.page = page;
    this.seekBar = new SeekBar(stage, this.video);
    this.idleTimer = 0;
    this.noteTimer = 0;
    this.wireButtons();
    this.wireVideo();
    this.wireMenus();
    this.wireIdling();
    wireKeys(this.keyActions(), () => this.stage.dataset.mode === "playing");
    this.restoreVolume();
  }

  /** @param {string} name @returns {HTMLButtonElement} */
  button(name) {
    return /** @type {HTMLButtonElement} */ (one(`[data-control="${name}"]`, this.stage));
  }

  wireButtons() {
    const acts = { play: this.playOrPause, "big-play": this.playOrPause, mute: this.mute, full: this.fullScreen, pip: this.pictureInPicture };
    for (const [name, act] of Object.entries(acts)) this.button(name).addEventListener("click", () => act.call(this));
    this.button("keys").addEventListener("click", () => this.page.showKeys());
    this.volumeSlider.addEventListener("input", () => this.setVolume(Number(this.volumeSlider.value)));
    this.video.addEventListener("click", () => this.playOrPause());
    this.video.addEventListener("dblclick", () => this.fullScreen());
    show(this.button("pip"), document.pictureInPictureEnabled === true);
  }

  get volumeSlider() {
    return /** @type {HTMLInputElement} */ (one('[data-control="volume"]', this.stage));
  }

  wireVideo() {
    const spinner = one("[data-spinner]", this.stage);
    const hear = (/** @type {string[]} */ names, /** @type {() => void} */ act) =>
      names.forEach((name) => this.video.addEventListener(name, act));
    hear(["play", "pause", "ended"], () => this.drawPlaying());
    hear(["waiting"], () => show(spinner, true));
    hear(["playing", "canplay", "pause"], () => show(spinner, false));
    hear(["volumechange"], () => this.drawVolume());
    hear(["resize", "loadedmetadata"], () => this.drawQuality());
    document.addEventListener("fullscreenchange", () => this.drawFullScreen());
    this.engine.addEventListener("tracks", () => this.drawTracks());
    this.engine.addEventListener("level", () => this.drawQuality());
  }

  wireMenus() {
    const holder = (/** @type {string} */ name) => one(`[data-menu-holder="${name}"]`, this.stage);
    this.audioHolder = holder("audio");
    this.qualityHolder = holder("quality");
    new Menu(holder("speed"), () => this.speedChoices());
    new Menu(this.audioHolder, () => this.audioChoices());
    new Menu(this.qualityHolder, () => this.qualityChoices());
  }

  /** Controls and pointer go away while the film runs and nobody stirs. */
  wireIdling() {
    const stir = () => {
      delete this.stage.dataset.idle;
      clearTimeout(this.idleTimer);
      this.idleTimer = setTimeout(() => this.mayIdle() && (this.stage.dataset.idle = ""), IDLE_MS);
    };
    for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) this.stage.addEventListener(name, stir);
    this.video.addEventListener("play", stir);
    this.video.addEventListener("pause", stir);
    document.addEventListener("keydown", stir);
  }

  mayIdle() {
    return !this.video.paused && !this.stage.querySelector('.menu:not([hidden]), input:focus-visible');
  }

  /** @returns {import("./keyboard.js").Actions} */
  keyActions() {
    return {
      playOrPause: () => this.playOrPause(),
      skip: (seconds) => this.skip(seconds),
      jump: (part) => (this.video.currentTime = part * this.seekBar.length),
      louder: (step) => this.setVolume(this.video.volume + step),
      mute: () => this.mute(),
      fullScreen: () => this.fullScreen(),
      pictureInPicture: () => this.pictureInPicture(),
      nextAudio: () => this.nextAudio(),
      nextSubtitles: () => this.note(this.page.nextSubtitles()),
      faster: (step) => this.faster(step),
      chapter: (step) => this.note(this.seekBar.chapters.go(step)),
      showKeys: () => this.page.showKeys(),
    };
  }

  playOrPause() {
    if (this.video.paused) this.video.play().catch(() => {}); // refused without a gesture: the big button stays
    else this.video.pause();
  }

  /** @param {number} seconds */
  skip(seconds) {
    const target = this.video.currentTime + seconds;
    this.video.currentTime = Math.min(Math.max(target, 0), this.seekBar.length || target);
    this.note(`${seconds > 0 ? "+" : "−"}${Math.abs(seconds)} s`);
  }

  /** @param {number} volume */
  setVolume(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = false;
    this.note(`Volume ${Math.round(this.video.volume * 100)} %`);
  }

  mute() {
    this.video.muted = !this.video.muted;
    this.note(this.video.muted ? "Sound off" : "Sound on");
  }

  fullScreen() {
    const video = /** @type {any} */ (this.video);
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (this.stage.requestFullscreen) void this.stage.requestFullscreen();
    else video.webkitEnterFullscreen?.(); // iPhone: the video alone
  }

  pictureInPicture() {
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    else if (document.pictureInPictureEnabled) void this.video.requestPictureInPicture().catch(() => {});
  }

  nextAudio() {
    const { audioTracks, chosenAudio } = this.engine;
    if (audioTracks.length < 2) return;
    const next = (chosenAudio + 1) % audioTracks.length;
    this.engine.chooseAudio(next);
    this.note(audioName(audioTracks[next]));
  }

  /** @param {number} step */
  faster(step) {
    const at = SPEEDS.indexOf(this.video.playbackRate);
    const rate = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at === -1 ? 2 : at) + step))];
    this.video.playbackRate = rate;
    this.note(`${rate}×`);
  }

  /** A word on the stage, gone soon. @param {string} text */
  note(text) {
    const note = one("[data-note]", this.stage);
    if (note.dataset.sticky !== undefined) return;
    say(note, text);
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => note.dataset.sticky === undefined && show(note, false), NOTE_MS);
  }

  /** @returns {Choice[]} */
  speedChoices() {
    return SPEEDS.map((rate) => ({
      label: rate === 1 ? "Normal" : `${rate}×`,
      checked: this.video.playbackRate === rate,
      choose: () => (this.video.playbackRate = rate),
    }));
  }

  /** @returns {Choice[]} */
  audioChoices() {
    return this.engine.audioTracks.map((track, index) => ({
      label: audioName(track),
      checked: index === this.engine.chosenAudio,
      choose: () => this.engine.chooseAudio(index),
    }));
  }

  /** @returns {Choice[]} highest first; what is still being made stands there too, and says how far it is */
  qualityChoices() {
    const { chosenLevel, shownLevel, levels } = this.engine;
    const automatic = {
      label: "Auto",
      note: chosenLevel === -1 && shownLevel ? rungName(shownLevel) : "",
      checked: chosenLevel === -1,
      choose: () => this.engine.chooseLevel(-1),
    };
    const rungs = levels.map((level, index) => ({
      height: level.height,
      label: rungName(level),
      note: this.rungNote(level),
      checked: index === chosenLevel,
      choose: () => this.engine.chooseLevel(index),
    }));
    return [automatic, ...rungs.sort((one, other) => other.height - one.height)];
  }

  /** @param {import("./engine.js").Level} level @returns {string} */
  rungNote(level) {
    return this.page.makingOf(this.engine.nameOf(level)) || `${(level.bitrate / 1e6).toFixed(1)} Mbit/s`;
  }

  drawPlaying() {
    const { paused } = this.video;
    this.stage.toggleAttribute("data-running", !paused);
    for (const name of ["play", "big-play"]) this.button(name).setAttribute("aria-label", paused ? "Play" : "Pause");
    setIcon(this.button("play"), paused ? "play" : "pause");
    show(this.button("big-play"), paused && this.video.currentTime < 0.5);
  }

  drawVolume() {
    const { muted, volume } = this.video;
    const silent = muted || volume === 0;
    setIcon(this.button("mute"), silent ? "muted" : "volume");
    this.button("mute").setAttribute("aria-label", silent ? "Sound on" : "Sound off");
    this.volumeSlider.value = String(muted ? 0 : volume);
    localStorage.setItem(VOLUME_KEY, String(volume));
  }

  restoreVolume() {
    const stored = localStorage.getItem(VOLUME_KEY);
    const volume = stored === null ? 1 : Number(stored);
    this.video.volume = volume >= 0 && volume <= 1 ? volume : 1;
  }

  drawFullScreen() {
    const full = document.fullscreenElement === this.stage;
    setIcon(this.button("full"), full ? "unfull" : "full");
    this.button("full").setAttribute("aria-label", full ? "Leave full screen" : "Full screen");
  }

  drawTracks() {
    show(/** @type {HTMLElement} */ (this.audioHolder), this.engine.audioTracks.length > 1);
    this.drawQuality();
  }

  drawQuality() {
    const { levels, shownLevel } = this.engine;
    const pictures = levels.filter((level) => level.height);
    show(/** @type {HTMLElement} */ (this.qualityHolder), pictures.length > 0);
    one("[data-quality-now]", this.stage).textContent = shownLevel?.height ? rungName(shownLevel) : "";
  }
}

/**
 * The playlist bears the rung's name: 1920 × 800 and an upright 1080 × 1920 are both "1080p".
 * @param {import("./engine.js").Level} level @returns {string}
 */
function rungName({ uri, width, height }) {
  if (!height) return "Sound only";
  const name = renditionOf({ uri });
  return name === ORIGINAL ? `${linesOf(width, height)}p original` : name;
}

/** Of the 16:9 box that it fits into, lying or standing, which is what people call a size. @param {number} width @param {number} height */
function linesOf(width, height) {
  const lines = Math.max(Math.min(width, height), Math.round((Math.max(width, height) * 9) / 16));
  return KNOWN_LINES.find((known) => Math.abs(lines - known) * 100 <= known) ?? lines;
}

/** @param {{ name: string, lang?: string }} track @returns {string} */
function audioName({ name, lang }) {
  const known = language(lang);
  if (!known || name.toLowerCase().includes(known.toLowerCase())) return name || known || "Sound";
  const own = [lang, language(lang, lang)].some((word) => word?.toLowerCase() === name.toLowerCase());
  return name && !own ? `${known} · ${name}` : known;
}
