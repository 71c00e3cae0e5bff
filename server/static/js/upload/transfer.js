/** One file on its way: XHR, for fetch tells nothing of what has been sent. */

import { Problem, csrfHeaders, problemOf } from "../http.js";

const SPEED_WINDOW_MS = 5000;

/** @typedef {{ sent: number, total: number, bytesPerSecond: number, secondsLeft: number | null }} Progress */

export class Transfer {
  /** @param {File} file @param {Record<string, string>} fields they go before the file, as the server wants them */
  constructor(file, fields) {
    this.form = new FormData();
    for (const [name, value] of Object.entries(fields)) this.form.append(name, value);
    this.form.append("file", file, file.name);
    this.request = new XMLHttpRequest();
    /** @type {{ at: number, sent: number }[]} */
    this.samples = [];
  }

  /** @param {(progress: Progress) => void} report @returns {Promise<{ mediaFileId: string }>} rejects with a Problem */
  start(report) {
    const { request } = this;
    return new Promise((resolve, reject) => {
      request.upload.onprogress = (event) => report(this.measure(event.loaded, event.total));
      request.onload = () => {
        if (request.status === 200) resolve(JSON.parse(request.responseText));
        else reject(problemOf(request.status, request.responseText));
      };
      request.onerror = () => reject(new Problem("The connection broke off. Try again.", "unreachable", 0));
      request.onabort = () => reject(new Problem("Cancelled.", "cancelled", 0));
      request.open("POST", "/media/upload");
      request.setRequestHeader("Accept", "application/json");
      for (const [name, value] of Object.entries(csrfHeaders())) request.setRequestHeader(name, value);
      request.send(this.form);
    });
  }

  cancel() {
    this.request.abort();
  }

  /** Speed over the last seconds, so that it neither jumps nor lags. @param {number} sent @param {number} total @returns {Progress} */
  measure(sent, total) {
    const now = performance.now();
    this.samples.push({ at: now, sent });
    while (this.samples.length > 2 && now - this.samples[0].at > SPEED_WINDOW_MS) this.samples.shift();
    const [oldest] = this.samples;
    const seconds = (now - oldest.at) / 1000;
    const bytesPerSecond = seconds > 0 ? (sent - oldest.sent) / seconds : 0;
    const secondsLeft = bytesPerSecond > 0 ? (total - sent) / bytesPerSecond : null;
    return { sent, total, bytesPerSecond, secondsLeft };
  }
}
