/** The watch page: follows one film from "being prepared" to its credits. */

import { wireCopying } from "./copy.js";
import { ask } from "./dialog.js";
import { one, say, show } from "./dom.js";
import { listen } from "./events.js";
import { clock, spoken } from "./format.js";
import { Problem, call } from "./http.js";
import { badgeText, making } from "./media.js";
import { Controls } from "./player/controls.js";
import { Engine } from "./player/engine.js";
import { Position, startAt } from "./player/position.js";
import { Subtitles } from "./player/subtitles.js";
import { FilmActions } from "./watch/actions.js";
import { Curtain } from "./watch/curtain.js";
import { drawLanes } from "./watch/lanes.js";
import { SubtitleFiles } from "./watch/subtitle-files.js";

/** @typedef {import("./media.js").Media} Media */

const RESUMED_NOTE_MS = 8000;

class WatchPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.mediaId = root.dataset.media ?? "";
    this.stage = one("[data-stage]", root);
    this.video = /** @type {HTMLVideoElement} */ (one("[data-video]", root));
    this.curtain = new Curtain(this.stage);
    this.engine = new Engine(this.video, () => this.ask());
    this.controls = new Controls(this.stage, this.engine, {
      makingOf: (name) => (this.media ? making(this.media, name) : ""),
      nextSubtitles: () => this.subtitles.next(),
      showKeys: () => ask("keys", () => {}),
    });
    const spoken = () => this.engine.audioTracks[this.engine.chosenAudio]?.lang ?? "";
    this.subtitles = new Subtitles(this.stage, this.video, this.mediaId, spoken, this.engine.captions);
    new SubtitleFiles(this.mediaId, this.subtitles);
    this.actions = new FilmActions(this.mediaId, { refresh: () => this.refresh(), leave: () => this.leave() });
    /** @type {Media | null} */
    this.media = null;
    this.opened = false;
    this.leaving = false;
    this.offered = "";
    this.plan = "";
    // One function for every time, so that it is never waiting twice for the same pause.
    this.takeMore = () => this.reloadWithMore();
    this.wireEngine();
    wireCopying(root);
    listen((happening) => this.hear(happening));
  }

  wireEngine() {
    this.engine.addEventListener("trouble", () => this.stick("The connection is away. Trying again…"));
    this.engine.addEventListener("calm", () => this.unstick());
    this.engine.addEventListener("broken", (event) => {
      show(one("[data-controls]", this.stage), false);
      this.curtain.broken(/** @type {CustomEvent} */ (event).detail);
    });
  }

  /** @returns {Promise<Media>} */
  ask() {
    return call("GET", `/media-files/${encodeURIComponent(this.mediaId)}`);
  }

  async refresh() {
    try {
      this.draw(await this.ask());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.curtain.broken(error.message);
    }
  }

  /** The film is gone: its deleter hears so twice, from the answer and from the events. */
  leave() {
    if (!this.leaving) location.assign("/");
    this.leaving = true;
  }

  /** @param {import("./events.js").Happening} happening */
  hear({ kind, data }) {
    if (kind === "open") void this.refresh();
    else if (data.id !== this.mediaId) return;
    else if (kind === "deleted") this.leave();
    else if (data.playable && !this.media?.manifestUrl) void this.refresh(); // now there is something to link to
    else if (data.hasTrickplay && !this.media?.trickplayUrl) void this.refresh();
    else if (data.renditions && this.media && names(data) !== names(this.media)) void this.refresh(); // planned anew
    else this.draw({ ...this.media, ...data });
  }

  /** @param {Media} media */
  draw(media) {
    this.media = media;
    this.subtitles.hear();
    this.actions.draw(media);
    this.drawFacts(media);
    this.drawLanes(media);
    this.drawLinks(media);
    this.controls.seekBar.offer(media);
    this.stage.toggleAttribute("data-sound", media.renditions.length > 0 && !media.renditions.some(({ height }) => height));
    this.engine.rungs.names = new Set(media.renditions.filter(({ available }) => available).map(({ name }) => name));
    if (this.opened) this.followPlan(media) || this.offerMore(media);
    else if (media.playable && media.manifestUrl) this.open(media);
    else this.curtain.draw(media);
  }

  /** @param {Media} media */
  open(media) {
    this.opened = true;
    this.plan = planOf(media);
    this.offered = availableNames(media);
    const start = startAt(Number(this.root.dataset.position), media.duration);
    new Position(this.video, this.mediaId);
    this.stage.dataset.mode = "playing";
    show(one("[data-controls]", this.stage), true);
    this.engine.load(media, start);
    this.controls.drawPlaying();
    if (start > 0) this.sayResumed(start);
  }

  /**
   * The master lists only what is available, and a browser's own HLS reads it once: a rung that has come since then
   * is brought in at the next pause, at the same place, so that nobody sees it happen.
   * @param {Media} media
   */
  offerMore(media) {
    if (this.engine.knowsEveryRung || availableNames(media) === this.offered) return;
    if (this.video.paused) this.takeMore();
    else this.video.addEventListener("pause", this.takeMore, { once: true });
  }

  /**
   * A film that was planned anew gets no more segments of its old plan: it goes on with the new one, at the same place.
   * @param {Media} media @returns {boolean} whether it does so now
   */
  followPlan(media) {
    const isThere = media.renditions.some(({ available, height }) => available && height);
    if (planOf(media) === this.plan || !isThere) return false;
    this.plan = planOf(media);
    this.offered = availableNames(media);
    this.engine.reload(media);
    return true;
  }

  reloadWithMore() {
    const names = this.media ? availableNames(this.media) : "";
    if (names === this.offered || !this.media?.manifestUrl) return;
    this.offered = names;
    this.engine.reload(this.media);
  }

  /** @param {Media} media */
  drawFacts(media) {
    const badge = one("[data-badge]", this.root);
    badge.dataset.state = media.status;
    say(badge, badgeText(media));
    if (media.hasArtwork && !this.video.poster) this.video.poster = `/artwork/${this.mediaId}/poster.jpg`;
    if (media.duration) one('[data-fact="duration"]').textContent = spoken(media.duration);
    say(one("[data-failure]"), media.status === "FAILED" && media.playable ? (media.errorMessage ?? "") : "");
  }

  /** @param {Media} media */
  drawLanes(media) {
    const inWork = media.status === "PROCESSING" && Object.keys(media.progress).length > 0;
    show(one("[data-lanes-panel]", this.root), inWork);
    if (inWork) drawLanes(one("[data-lanes]", this.root), media);
  }

  /** @param {Media} media */
  drawLinks(media) {
    const absolute = (/** @type {string | null | undefined} */ path) => (path ? new URL(path, location.href).href : "");
    const links = { play: media.playUrl, stream: media.manifestUrl, dash: media.dashUrl };
    for (const [name, path] of Object.entries(links)) {
      const field = /** @type {HTMLInputElement} */ (one(`[data-link="${name}"]`, this.root));
      if (document.activeElement !== field) field.value = absolute(path);
      show(/** @type {HTMLElement} */ (field.parentElement), Boolean(path));
    }
    show(one("[data-link-hint]", this.root), Boolean(media.playUrl || media.manifestUrl));
    const original = /** @type {HTMLAnchorElement} */ (one('[data-link="original"]', this.root));
    if (media.originalUrl) original.href = media.originalUrl;
    show(original, Boolean(media.originalUrl));
    show(one("[data-elsewhere]", this.root), Boolean(media.playUrl || media.manifestUrl || media.originalUrl));
  }

  /** @param {number} start seconds */
  sayResumed(start) {
    const again = Object.assign(document.createElement("button"), { type: "button", textContent: "Start over" });
    again.addEventListener("click", () => {
      this.video.currentTime = 0;
      this.unstick();
    });
    this.stick(`Resuming at ${clock(start)}`, again);
    setTimeout(() => this.unstick(), RESUMED_NOTE_MS);
  }

  /** A word on the stage that stays until something ends it. @param {string} text @param {HTMLElement} [button] */
  stick(text, button) {
    const note = one("[data-note]", this.stage);
    note.dataset.sticky = "";
    say(note, text);
    if (button) note.append(button);
  }

  unstick() {
    const note = one("[data-note]", this.stage);
    delete note.dataset.sticky;
    show(note, false);
  }
}

/** @param {Media} media @returns {string} which renditions are planned */
function names(media) {
  return media.renditions.map(({ name }) => name).join();
}

/** @param {Media} media @returns {string} what its folder is called */
function planOf(media) {
  return media.ladderUrl?.split("/").at(-2) ?? "";
}

/** @param {Media} media @returns {string} which renditions are available */
function availableNames(media) {
  return media.renditions
    .filter((rendition) => rendition.available)
    .map((rendition) => rendition.name)
    .join();
}

void new WatchPage(one("[data-watch]")).refresh();
