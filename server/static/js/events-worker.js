/**
 * One connection a browser, however many tabs: a shared worker holds the event stream and passes it on.
 * Six tabs with a stream each would use up all connections that HTTP/1.1 browsers allow to one host.
 */

const STREAM = "/events";
const AGAIN_MS = 5000;
// What the server calls a change; whichever it is, its data is the whole media file.
const KINDS = { status: "media", progress: "media", renditions: "media", deleted: "deleted" };

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {EventSource | null} */
let source = null;

function open() {
  source = new EventSource(STREAM);
  for (const [name, kind] of Object.entries(KINDS)) {
    source.addEventListener(name, (event) => tell({ kind, data: JSON.parse(event.data) }));
  }
  source.onopen = () => tell({ kind: "open" });
  source.onerror = () => {
    // A refused stream (signed out meanwhile) is closed for good by the browser; others it retries itself.
    if (source?.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
  };
}

/** @param {unknown} message */
function tell(message) {
  for (const port of ports) port.postMessage(message);
}

self.addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  ports.add(port);
  port.onmessage = () => ports.delete(port); // the only thing a page ever says: goodbye
  if (source === null) open();
  else if (source.readyState === EventSource.OPEN) port.postMessage({ kind: "open" });
});
