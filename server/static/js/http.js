/** Talking to our own API: JSON in, JSON out, problem+json as errors with a sentence to show. */

/** An answer that was no success, or none at all. `message` is for a person. */
export class Problem extends Error {
  /** @param {string} message @param {string} code @param {number} status 0 where no answer came */
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Proves to the server that this page, and no other site, asks (server/access.py). @returns {Record<string, string>} */
export function csrfHeaders() {
  const meta = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="csrf-token"]'));
  return meta ? { "X-CSRF-Token": meta.content } : {};
}

/**
 * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} url
 * @param {unknown} [body]
 * @param {{ keepalive?: boolean }} [options] keepalive: finish even while the page is being left
 * @returns {Promise<any>} parsed JSON, null for an empty answer
 */
export async function call(method, url, body, options = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", ...csrfHeaders() };
  const sent = { method, headers, keepalive: options.keepalive ?? false, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(url, sent);
  } catch {
    throw new Problem("The server cannot be reached. Is it running?", "unreachable", 0);
  }
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return text ? JSON.parse(text) : null;
}

/** @param {number} status @param {string} text the body of the answer @returns {Problem} */
export function problemOf(status, text) {
  try {
    const { detail, title, code } = JSON.parse(text);
    return new Problem(detail || title || `The server said ${status}.`, code || "unknown", status);
  } catch {
    return new Problem(`The server said ${status}.`, "unknown", status);
  }
}
