/** Edit, delete, try again, stop: what can be done to a film. */

import { ask } from "../dialog.js";
import { all, one, say, show } from "../dom.js";
import { Problem, call } from "../http.js";
import { toast } from "../toast.js";

/** @typedef {import("../media.js").Media} Media */

export class FilmActions {
  /** @param {string} mediaId @param {{ refresh: () => Promise<void>, leave: () => void }} page */
  constructor(mediaId, { refresh, leave }) {
    this.url = `/media-files/${encodeURIComponent(mediaId)}`;
    this.refresh = refresh;
    this.leave = leave;
    this.button("edit").addEventListener("click", () => this.edit());
    this.button("delete").addEventListener("click", () => this.delete());
    this.button("retry").addEventListener("click", () => void this.post("retry", "Trying again"));
    this.button("cancel").addEventListener("click", () => void this.post("cancel", "Stopping"));
  }

  /** @param {string} name */
  button(name) {
    return one(`[data-do="${name}"]`);
  }

  /** @param {Media} media */
  draw(media) {
    show(this.button("retry"), media.status === "FAILED");
    show(this.button("cancel"), media.status === "UPLOADED" || media.status === "PROCESSING");
  }

  /** An episode has a title and nothing more: its form holds no other field. */
  edit() {
    ask("edit", async (form) => {
      const { title, description } = await call("PATCH", this.url, Object.fromEntries(form));
      for (const place of all("[data-title]:not([data-watch])")) place.textContent = title;
      say(one("[data-description]"), description);
      document.title = `${title} · Homereel`;
    });
  }

  delete() {
    ask("delete", async () => {
      await call("DELETE", this.url);
      this.leave();
    });
  }

  /** @param {"retry" | "cancel"} verb @param {string} words */
  async post(verb, words) {
    const failure = one("[data-failure]");
    say(failure, "");
    try {
      await call("POST", `${this.url}/${verb}`);
      toast(words);
      await this.refresh();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(failure, error.message);
    }
  }
}
