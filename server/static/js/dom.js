/** Finding and showing: the few words every module needs of the page. */

/**
 * @template {Element} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {T} it is a mistake in a template if it is missing
 */
export function one(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`missing in the page: ${selector}`);
  return /** @type {T} */ (found);
}

/** @param {string} selector @param {ParentNode} [root] @returns {HTMLElement[]} */
export function all(selector, root = document) {
  return /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
}

/** @param {Element} element @param {boolean} shown */
export function show(element, shown) {
  element.toggleAttribute("hidden", !shown);
}

/** Show `text` in `element`, or hide it where there is none. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  show(element, text !== "");
}

/** @param {Element} button @param {string} name of a symbol in img/icons.svg */
export function setIcon(button, name) {
  button.querySelector("use")?.setAttribute("href", `/static/img/icons.svg#${name}`);
}
