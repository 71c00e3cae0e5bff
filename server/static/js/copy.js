/** Copying to the clipboard, also on plain http, where navigator.clipboard does not exist. */

import { all, one } from "./dom.js";

const SAID_MS = 2500;

/** Make every data-copy button under `root` copy the field that it names. @param {ParentNode} root */
export function wireCopying(root) {
  for (const button of all("[data-copy]", root)) {
    button.addEventListener("click", () => {
      const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
      void copy(field).then((done) => answer(button, done ? "Copied" : "Press Ctrl+C"));
    });
  }
}

/** @param {HTMLInputElement} field @returns {Promise<boolean>} */
async function copy(field) {
  field.focus();
  field.select();
  if (!navigator.clipboard) return document.execCommand("copy");
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

/** @param {HTMLElement} button @param {string} text */
function answer(button, text) {
  const word = one("span", button);
  const before = button.dataset.word ?? word.textContent ?? "";
  button.dataset.word = before;
  word.textContent = text;
  setTimeout(() => (word.textContent = before), SAID_MS);
}
