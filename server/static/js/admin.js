/** People and API keys: a table and a form each. */

import { wireCopying } from "./copy.js";
import { confirm } from "./dialog.js";
import { one, say, show } from "./dom.js";
import { Problem, call } from "./http.js";
import { toast } from "./toast.js";

/** @typedef {{ id: number, name: string, isAdmin: boolean, createdAt: number, user?: string, key?: string }} Row */

const KINDS = {
  users: {
    url: "/api/users",
    verb: "Remove",
    note: (/** @type {Row} */ row) => (row.isAdmin ? "Administrator" : ""),
    question: (/** @type {Row} */ row) => `Remove ${row.name}?`,
    detail: "The account, its keys and its remembered places will be gone. Films stay.",
    body: (/** @type {FormData} */ form) => ({
      name: form.get("name"),
      password: form.get("password"),
      isAdmin: form.get("isAdmin") !== null,
    }),
  },
  keys: {
    url: "/api/keys",
    verb: "Revoke",
    note: (/** @type {Row} */ row) => row.user ?? "",
    question: (/** @type {Row} */ row) => `Revoke “${row.name}”?`,
    detail: "Programs that use this key will be refused at once.",
    body: (/** @type {FormData} */ form) => ({ name: form.get("name") }),
  },
};

const root = one("[data-admin]");
const kind = KINDS[/** @type {keyof typeof KINDS} */ (root.dataset.admin)];
const problem = one("[data-problem]", root);
const form = /** @type {HTMLFormElement} */ (one("[data-create]", root));

async function load() {
  const { items } = await call("GET", kind.url);
  one("[data-rows]", root).replaceChildren(...items.map(tableRow));
}

/** @param {Row} row @returns {HTMLTableRowElement} */
function tableRow(row) {
  const line = document.createElement("tr");
  const name = line.insertCell();
  name.append(Object.assign(document.createElement("bdi"), { textContent: row.name }));
  if (kind.note(row)) {
    const note = Object.assign(document.createElement("bdi"), { className: "hint", textContent: kind.note(row) });
    name.append(document.createElement("br"), note);
  }
  line.insertCell().textContent = new Date(row.createdAt * 1000).toLocaleDateString("en", { dateStyle: "medium" });
  const remove = Object.assign(document.createElement("button"), { type: "button", className: "button danger", textContent: kind.verb });
  remove.setAttribute("aria-label", `${kind.verb} ${row.name}`);
  remove.addEventListener("click", () => ask(row));
  line.insertCell().append(remove);
  return line;
}

/** @param {Row} row */
function ask(row) {
  confirm({ question: kind.question(row), detail: kind.detail, verb: kind.verb }, async () => {
    await call("DELETE", `${kind.url}/${row.id}`);
    await load();
  });
}

/** @param {Row} made a key is shown this once */
function showFresh(made) {
  if (!made.key) return toast(`${made.name} can sign in now.`);
  const panel = one("[data-fresh]", root);
  const field = /** @type {HTMLInputElement} */ (one("input", panel));
  field.value = made.key;
  show(panel, true);
  field.focus();
  field.select();
}

/** Say what went wrong above the table, whatever it was that was tried. @param {() => Promise<void>} act */
async function trying(act) {
  say(problem, "");
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(problem, error.message);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void trying(async () => {
    const made = await call("POST", kind.url, kind.body(new FormData(form)));
    form.reset();
    await load();
    showFresh(made);
  });
});
wireCopying(root);
void trying(load);
