/** Text subtitles: the browser draws them itself, in full screen and picture in picture too. */

export class PlainSubtitles {
  /** @param {HTMLVideoElement} video @param {import("../subtitles.js").Track} track */
  constructor(video, track) {
    this.element = Object.assign(document.createElement("track"), {
      kind: "subtitles",
      label: track.label,
      srclang: track.language,
      src: track.url,
    });
    video.append(this.element);
    this.element.track.mode = "showing";
  }

  stop() {
    this.element.track.mode = "disabled";
    this.element.remove();
  }
}
