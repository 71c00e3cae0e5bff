/** What happens in the library, as it happens. */

/**
 * @typedef {object} Media one media file as the API tells it (GET /media-files/{id})
 * @property {string} id
 * @property {string} title
 * @property {"UPLOADING" | "UPLOADED" | "PROCESSING" | "READY" | "FAILED"} status
 * @property {boolean} playable
 * @property {string | null} manifestUrl
 * @property {number | null} duration seconds
 * @property {Record<string, number>} progress 0..1 by lane
 * @property {Rendition[]} renditions
 * @property {string | null} errorMessage
 * @property {boolean} hasArtwork
 *
 * @typedef {object} Rendition
 * @property {string} name
 * @property {boolean} complete
 * @property {number} [height]
 * @property {string} [language]
 * @property {string} [label]
 */

/** @typedef {{ kind: "media" | "deleted" | "open", data: any }} Happening */

/** @param {(happening: Happening) => void} hear called for each; "open" means: something may have been missed */
export function listen(hear) {
  if (typeof SharedWorker === "undefined") return listenAlone(hear);
  const worker = new SharedWorker("/static/js/events-worker.js", { name: "homereel-events" });
  worker.port.onmessage = (event) => hear(event.data);
  window.addEventListener("pagehide", () => worker.port.postMessage("goodbye"));
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back from the cache, no longer connected
  });
}

/** Phones without shared workers have few tabs. @param {(happening: Happening) => void} hear */
function listenAlone(hear) {
  const source = new EventSource("/events");
  source.onopen = () => hear({ kind: "open", data: null });
  for (const kind of /** @type {const} */ (["media", "deleted"])) {
    source.addEventListener(kind, (event) => hear({ kind, data: JSON.parse(event.data) }));
  }
}

/** How much of everything planned is made, 0..1. @param {Media} media @returns {number} */
export function overall(media) {
  const lanes = Object.values(media.progress ?? {});
  return lanes.length ? lanes.reduce((sum, part) => sum + part, 0) / lanes.length : 0;
}
