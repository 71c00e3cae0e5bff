/**
 * Bringing the film into the video element: hls.js where Media Source Extensions are, the browser's own HLS
 * elsewhere (older Safari), and patience when the network is away.
 */

import { AvailableRungs, renditionOf } from "./rungs.js";
import { Captions } from "./subtitles/captions.js";

/** @typedef {{ width: number, height: number, bitrate: number, uri: string }} Level */
/** @typedef {{ manifestUrl: string | null, ladderUrl: string | null }} Links the first for the browser's own HLS */
/** @typedef {{ name: string, lang?: string }} AudioTrack */

const BUFFER_SECONDS = 30;
const LONGEST_PAUSE_MS = 30_000;
const MEDIA_REPAIRS = 3; // in a row; after that the stream itself is broken
const MOMENT_SECONDS = 0.5; // less than the shortest segment that is followed by another
const CALM_MS = 20_000; // playing so long, earlier repairs no longer count

/** @returns {any} the global that vendor/hls.min.js makes; undefined where it is not installed */
const hlsLibrary = () => /** @type {any} */ (window).Hls;

export class Engine extends EventTarget {
  /**
   * Sends "tracks" (levels or audio tracks changed), "level", "trouble" (waiting for the network), "calm", "broken".
   * @param {HTMLVideoElement} video
   * @param {() => Promise<Links>} freshLinks asks the server for links whose token is new
   */
  constructor(video, freshLinks) {
    super();
    this.video = video;
    this.freshLinks = freshLinks;
    this.rungs = new AvailableRungs();
    this.captions = new Captions(video);
    /** @type {any} */
    this.hls = null;
    this.failures = 0;
    this.repairs = 0;
    this.lastRepair = 0;
    this.retryTimer = 0;
    this.start = 0;
    /** @type {AudioTrack | null} what the person chose, for a later load begins with its own choice */
    this.audio = null;
    this.height = 0;
    video.addEventListener("error", () => this.hls === null && video.src && this.retryLater());
    video.addEventListener("timeupdate", () => this.settle());
  }

  /** @param {Links} links @param {number} position seconds */
  load({ manifestUrl, ladderUrl }, position) {
    this.start = position;
    const Hls = hlsLibrary();
    if (Hls?.isSupported()) this.loadWithHls(Hls, ladderUrl ?? "", position);
    else if (this.video.canPlayType("application/vnd.apple.mpegurl")) this.loadNatively(manifestUrl ?? "", position);
    else this.tell("broken", "This browser cannot play HLS. Use the link for VLC below.");
  }

  /** @param {any} Hls @param {string} ladderUrl @param {number} position */
  loadWithHls(Hls, ladderUrl, position) {
    this.hls?.destroy();
    this.hls = new Hls({
      workerPath: "/static/vendor/hls.worker.js", // a blob: worker would need a weaker policy
      startPosition: position,
      maxBufferLength: BUFFER_SECONDS,
      maxMaxBufferLength: BUFFER_SECONDS, // a small rung would be fetched, and made, for ten minutes ahead
      backBufferLength: 60,
      abrController: this.rungs.controller(Hls.DefaultConfig.abrController),
      capLevelToPlayerSize: this.height === 0, // a phone need not fetch 1080 lines; full screen lifts the cap
      renderTextTracksNatively: false, // its own tracks are `data:` addresses, which the policy refuses
      audioPreference: this.audio ? { lang: this.audio.lang, name: this.audio.name } : undefined,
    });
    const { Events } = Hls;
    this.captions.listen(this.hls, Events);
    this.hls.on(Events.MANIFEST_PARSED, () => this.chooseLevelAgain());
    for (const event of [Events.MANIFEST_PARSED, Events.AUDIO_TRACKS_UPDATED, Events.AUDIO_TRACK_SWITCHED]) {
      this.hls.on(event, () => this.tell("tracks"));
    }
    this.hls.on(Events.LEVEL_SWITCHED, () => this.tell("level"));
    this.hls.on(Events.FRAG_BUFFERED, () => {
      this.recovered();
      this.endMoment(Events);
    });
    this.hls.on(Events.ERROR, (/** @type {string} */ _event, /** @type {any} */ data) => data.fatal && this.onFatal(Hls, data));
    this.hls.loadSource(ladderUrl);
    this.hls.attachMedia(this.video);
  }

  /**
   * hls.js ends a stream with separate sound once a frame is shown; Chromium shows none of a film of a tenth of
   * a second before its stream has ended. Such a film is one segment: where there is a buffer, all is in it.
   * @param {any} Events
   */
  endMoment(Events) {
    if (this.video.duration < MOMENT_SECONDS && this.video.buffered.length) this.hls.trigger(Events.BUFFER_EOS, {});
  }

  /** @param {string} manifestUrl @param {number} position */
  loadNatively(manifestUrl, position) {
    this.video.src = manifestUrl;
    this.video.addEventListener(
      "loadedmetadata",
      () => {
        this.video.currentTime = position;
        this.recovered();
      },
      { once: true },
    );
  }

  /** @param {any} Hls @param {any} data */
  onFatal(Hls, data) {
    if (data.type === Hls.ErrorTypes.NETWORK_ERROR) this.retryLater();
    else if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.mayRepair()) this.hls.recoverMediaError();
    else this.tell("broken", "The film cannot be played any further here.");
  }

  mayRepair() {
    this.repairs += 1;
    this.lastRepair = performance.now();
    return this.repairs <= MEDIA_REPAIRS;
  }

  settle() {
    if (this.repairs && performance.now() - this.lastRepair > CALM_MS) this.repairs = 0;
  }

  /** 1, 2, 4 … 30 s, each time with a fresh token: the old one may be what was refused. */
  retryLater() {
    this.tell("trouble");
    clearTimeout(this.retryTimer);
    const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.failures);
    this.failures += 1;
    this.retryTimer = setTimeout(() => void this.retry(), pause);
  }

  async retry() {
    const links = await this.freshLinks().catch(() => null);
    if (links?.manifestUrl) this.reload(links);
    else this.retryLater();
  }

  /** Start over at the same place, playing if it was. @param {Links} links */
  reload(links) {
    const { currentTime, paused, played, playbackRate } = this.video;
    this.video.defaultPlaybackRate = playbackRate; // what a load sets it to
    // Before anything was shown the element stands at 0, wherever it was meant to begin.
    this.load(links, played.length || currentTime > 0 ? currentTime : this.start);
    if (!paused) this.video.addEventListener("canplay", () => void this.video.play().catch(() => {}), { once: true });
  }

  recovered() {
    if (this.failures === 0) return;
    this.failures = 0;
    this.tell("calm");
  }

  /** Whether rungs that become available are taken as they come, without a reload. */
  get knowsEveryRung() {
    return this.hls !== null;
  }

  /** @param {Level} level @returns {string} */
  nameOf(level) {
    return renditionOf(level);
  }

  /** @returns {Level[]} */
  get levels() {
    return this.hls?.levels ?? [];
  }

  /** @returns {number} the chosen level, -1 for automatic */
  get chosenLevel() {
    return this.hls?.autoLevelEnabled === false ? this.hls.nextLevel : -1;
  }

  /** @returns {Level | undefined} what is on the screen */
  get shownLevel() {
    return this.levels[this.hls?.currentLevel ?? -1];
  }

  /** @param {number} index -1 for automatic; what is in the buffer plays on, so that nothing stutters */
  chooseLevel(index) {
    if (!this.hls) return;
    this.height = this.levels[index]?.height ?? 0;
    this.hls.nextLevel = index;
    this.hls.config.capLevelToPlayerSize = index === -1;
  }

  chooseLevelAgain() {
    const index = this.levels.findIndex((level) => level.height === this.height);
    if (this.height && index !== -1) this.hls.nextLevel = index;
  }

  /** @returns {AudioTrack[]} */
  get audioTracks() {
    return this.hls?.audioTracks ?? [...(/** @type {any} */ (this.video).audioTracks ?? [])].map(nativeTrack);
  }

  get chosenAudio() {
    if (this.hls) return this.hls.audioTrack;
    return [...(/** @type {any} */ (this.video).audioTracks ?? [])].findIndex((track) => track.enabled);
  }

  /** @param {number} index */
  chooseAudio(index) {
    this.audio = this.audioTracks[index] ?? null;
    if (this.hls) this.hls.audioTrack = index;
    else for (const [i, track] of [...(/** @type {any} */ (this.video).audioTracks ?? [])].entries()) track.enabled = i === index;
    this.tell("tracks");
  }

  /** @param {string} type @param {string} [words] */
  tell(type, words) {
    this.dispatchEvent(new CustomEvent(type, { detail: words }));
  }
}

/** @param {any} track of Safari's AudioTrackList @returns {AudioTrack} */
function nativeTrack(track) {
  return { name: track.label || track.language, lang: track.language };
}
