/** What every page has: appearance, the account sheet, search as you type. */

import { all } from "./dom.js";

const YEAR_SECONDS = 365 * 86_400;
const TYPING_MS = 250;

function wireThemes() {
  for (const choice of all("[data-themes] input")) {
    choice.addEventListener("change", () => {
      const theme = /** @type {HTMLInputElement} */ (choice).value;
      if (theme) document.documentElement.dataset.theme = theme;
      else delete document.documentElement.dataset.theme;
      // The server writes it into the next page, which is therefore never drawn in the wrong colours first.
      document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR_SECONDS : 0}; samesite=lax`;
    });
  }
}

function wireAccountSheet() {
  const sheet = /** @type {HTMLDetailsElement | null} */ (document.querySelector("details.account"));
  if (!sheet) return;
  document.addEventListener("pointerdown", (event) => {
    if (!sheet.contains(/** @type {Node} */ (event.target))) sheet.open = false;
  });
  sheet.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    sheet.open = false;
    sheet.querySelector("summary")?.focus();
  });
}

/** On the library page results appear while typing; elsewhere Enter goes there. */
function wireSearch() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-search]"));
  if (!field) return;
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
    }
  });
  if (location.pathname !== "/") return;
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(field.value.trim()), TYPING_MS);
  });
}

let latestSearch = 0;

/** @param {string} query */
async function search(query) {
  const number = ++latestSearch;
  const shelves = document.querySelector("[data-shelves]");
  if (!shelves) return;
  shelves.setAttribute("aria-busy", "true");
  const url = query ? `/?q=${encodeURIComponent(query)}` : "/";
  const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  if (number !== latestSearch) return; // something newer was typed meanwhile
  shelves.setAttribute("aria-busy", "false");
  if (!answer?.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-shelves]");
  if (!found || number !== latestSearch) return;
  shelves.replaceChildren(...found.childNodes);
  history.replaceState(null, "", url);
}

wireThemes();
wireAccountSheet();
wireSearch();
