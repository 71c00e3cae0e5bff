/** What happens in the library, as it happens. */

/**
 * @typedef {object} Happening
 * @property {"media" | "deleted" | "open"} kind
 * @property {any} data the media file, without the links that are signed for one caller; of a deleted one the id
 */

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
  for (const name of ["status", "progress", "renditions"]) {
    source.addEventListener(name, (event) => hear({ kind: "media", data: JSON.parse(event.data) }));
  }
  source.addEventListener("deleted", (event) => hear({ kind: "deleted", data: JSON.parse(event.data) }));
}
