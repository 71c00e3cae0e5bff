/** The page of a series: what it is about can be said here. */

import { ask } from "./dialog.js";
import { one, say } from "./dom.js";
import { call } from "./http.js";

const button = one("[data-describe]");

button.addEventListener("click", () =>
  ask("describe", async (form) => {
    const description = String(form.get("description")).trim();
    await call("PATCH", `/api/series/${button.dataset.describe}`, { description });
    say(one("[data-description]"), description);
  }),
);
