/** A short word at the foot of the page. */

const SHOWN_MS = 6000;

/** @param {string} text */
export function toast(text) {
  const holder = document.querySelector("[data-toasts]");
  const note = document.createElement("p");
  note.className = "toast";
  note.textContent = text;
  holder?.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}
