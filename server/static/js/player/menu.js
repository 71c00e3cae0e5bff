/** A button that opens a menu of choices, one of which holds: arrow keys, Home, End, Escape, as WAI-ARIA says. */

import { one, show } from "../dom.js";

/** @typedef {{ label: string, note?: string, checked: boolean, disabled?: boolean, choose: () => void }} Choice */

export class Menu {
  /** @param {HTMLElement} holder @param {() => Choice[]} choices asked each time it opens */
  constructor(holder, choices) {
    this.holder = holder;
    this.choices = choices;
    this.button = one("button", holder);
    this.sheet = one('[role="menu"]', holder);
    this.button.addEventListener("click", () => (this.open ? this.close() : this.unfold()));
    holder.addEventListener("keydown", (event) => this.onKey(event));
    holder.addEventListener("focusout", (event) => {
      if (!holder.contains(/** @type {Node | null} */ (event.relatedTarget))) this.close(false);
    });
  }

  get open() {
    return !this.sheet.hidden;
  }

  unfold() {
    this.sheet.replaceChildren(...this.choices().map((choice) => this.item(choice)));
    show(this.sheet, true);
    this.button.setAttribute("aria-expanded", "true");
    const first = this.items.find((item) => item.getAttribute("aria-checked") === "true") ?? this.items[0];
    first?.focus();
  }

  /** @param {boolean} [refocus] */
  close(refocus = true) {
    if (!this.open) return;
    const within = this.sheet.contains(document.activeElement);
    show(this.sheet, false);
    this.button.setAttribute("aria-expanded", "false");
    if (refocus && within) this.button.focus();
  }

  get items() {
    return /** @type {HTMLElement[]} */ ([...this.sheet.children]);
  }

  /** @param {Choice} choice @returns {HTMLButtonElement} */
  item({ label, note, checked, disabled, choose }) {
    const item = document.createElement("button");
    item.type = "button";
    item.tabIndex = -1;
    item.setAttribute("role", "menuitemradio");
    item.setAttribute("aria-checked", String(checked));
    item.append(isolated(label));
    if (note) item.append(Object.assign(document.createElement("small"), { textContent: note }));
    if (disabled) item.setAttribute("aria-disabled", "true");
    else
      item.addEventListener("click", () => {
        this.close();
        choose();
      });
    return item;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.open) return;
    const { items } = this;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    if (event.key in moves) {
      const to = moves[/** @type {keyof typeof moves} */ (event.key)];
      items[(to + items.length) % items.length]?.focus();
    } else if (event.key === "Escape") this.close();
    else if (event.key !== "Enter" && event.key !== " ") return;
    if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
    event.stopPropagation(); // an arrow in a menu does not seek
  }
}

/** A name from a film, kept from turning the text round it. @param {string} text @returns {HTMLElement} */
function isolated(text) {
  return Object.assign(document.createElement("bdi"), { textContent: text });
}
