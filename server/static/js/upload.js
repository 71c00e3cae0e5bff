/** The upload page: choose or drop files, one goes after the other, leaving is warned of. */

import { one, show } from "./dom.js";
import { Parcel } from "./upload/parcel.js";

const uploader = one("[data-uploader]");
const drop = one("[data-drop]", uploader);
const picker = /** @type {HTMLInputElement} */ (one("[data-picker]", uploader));
const list = one("[data-parcels]", uploader);
const uploadAll = one("[data-upload-all]", uploader);
const template = /** @type {HTMLTemplateElement} */ (one("[data-parcel]", uploader));

/** @type {Parcel[]} */
const parcels = [];

/** @param {FileList} files one or more */
function take(files) {
  const taken = [...files].map((file) => new Parcel(file, template, next));
  parcels.push(...taken);
  list.append(...taken.map((parcel) => parcel.element));
  drawAll();
  // A whole season is most often sent as it is guessed; one film's title is most often looked over.
  if (taken.length > 1) uploadAll.focus();
  else taken[0].input("title").focus();
}

/** One button for a whole season. */
function drawAll() {
  const asking = parcels.filter((parcel) => parcel.state === "asking");
  show(uploadAll, asking.length > 1);
  uploadAll.textContent = `Upload all ${asking.length}`;
}

uploadAll.addEventListener("click", () => {
  for (const parcel of parcels) if (parcel.state === "asking") parcel.form.requestSubmit();
});

/** Two films at once would each take twice as long, and the first be watched later. */
function next() {
  drawAll();
  if (parcels.some((parcel) => parcel.state === "sending")) return;
  void parcels.find((parcel) => parcel.state === "waiting")?.send();
}

/** @param {DragEvent} event */
function holdsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

picker.addEventListener("change", () => {
  if (picker.files?.length) take(picker.files);
  picker.value = "";
});

// The whole window takes the drop: a file let go beside the frame would otherwise replace the page.
window.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  drop.dataset.over = "";
});
window.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) delete drop.dataset.over;
});
window.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  delete drop.dataset.over;
  if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
});

window.addEventListener("beforeunload", (event) => {
  if (parcels.some((parcel) => parcel.state === "sending" || parcel.state === "waiting")) event.preventDefault();
});
