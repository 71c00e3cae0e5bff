/** What the stage says while there is no picture: how far the preparing is, or why it failed. */

import { one, say, show } from "../dom.js";
import { percent } from "../format.js";
import { overall } from "../media.js";

export class Curtain {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    this.number = one("[data-curtain-number]", stage);
    this.line = one("[data-curtain-line]", stage);
    this.detail = one("[data-curtain-detail]", stage);
    this.strip = /** @type {HTMLProgressElement} */ (one("[data-curtain-strip]", stage));
  }

  /** @param {import("../media.js").Media} media one that cannot be played yet */
  draw(media) {
    if (media.status === "FAILED") this.failed(media.errorMessage ?? "");
    else this.preparing(media);
  }

  /** @param {import("../media.js").Media} media */
  preparing(media) {
    const done = overall(media);
    const waiting = media.status !== "PROCESSING";
    this.stage.dataset.mode = "preparing";
    this.number.textContent = waiting ? "" : percent(done);
    this.say(waiting ? "Waiting its turn" : "Being prepared"); // the strip says how far, and does not interrupt
    this.detail.textContent = waiting
      ? "It starts as soon as a worker is free. This page follows along."
      : "It plays here as soon as the first picture quality is done.";
    this.strip.value = done;
    show(this.strip, !waiting);
  }

  /** @param {string} reason */
  failed(reason) {
    this.stage.dataset.mode = "failed";
    this.number.textContent = "";
    this.say("This film could not be prepared");
    this.detail.textContent = reason;
    show(this.strip, false);
  }

  /** @param {string} reason */
  broken(reason) {
    this.failed(reason);
    this.say("The projector has stopped");
  }

  /** Said aloud by screen readers, so only when it changes. @param {string} words */
  say(words) {
    say(this.line, words);
  }
}
