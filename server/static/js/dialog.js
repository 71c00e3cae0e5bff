/** Native dialogs: focus is held inside, Escape closes, the caller learns what was chosen. */

import { all, one, say } from "./dom.js";
import { Problem } from "./http.js";

/**
 * Open the dialog, and on its confirming button run `act`; a problem is shown in the dialog, which stays open.
 * @param {string} name its data-dialog
 * @param {(form: FormData) => Promise<void> | void} act
 */
export function ask(name, act) {
  const dialog = /** @type {HTMLDialogElement} */ (one(`[data-dialog="${name}"]`));
  const form = /** @type {HTMLFormElement} */ (one("form", dialog));
  const problem = dialog.querySelector("[data-dialog-problem]");
  if (problem) say(problem, "");
  for (const button of all("[data-close]", dialog)) button.onclick = () => dialog.close();
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      await act(new FormData(form));
      dialog.close();
    } catch (error) {
      if (!(error instanceof Problem) || !problem) throw error;
      say(problem, error.message);
    }
  };
  dialog.showModal();
}

/**
 * @param {{ question: string, detail: string, verb: string }} words
 * @param {() => Promise<void>} act
 */
export function confirm(words, act) {
  one("[data-confirm-question]").textContent = words.question;
  one("[data-confirm-detail]").textContent = words.detail;
  one("[data-confirm-verb]").textContent = words.verb;
  ask("confirm", act);
}
