/** The player's keys. They work wherever the focus is, but where somebody types or a dialog is open. */

const SMALL_STEP_SECONDS = 5;
const STEP_SECONDS = 10;
const VOLUME_STEP = 0.05;

/**
 * @typedef {object} Actions
 * @property {() => void} playOrPause
 * @property {(seconds: number) => void} skip
 * @property {(part: number) => void} jump
 * @property {(step: number) => void} louder
 * @property {() => void} mute
 * @property {() => void} fullScreen
 * @property {() => void} pictureInPicture
 * @property {() => void} nextAudio
 * @property {() => void} nextSubtitles
 * @property {(step: number) => void} faster
 * @property {(step: number) => void} chapter
 * @property {() => void} showKeys
 */

/** @param {Actions} actions @returns {Record<string, () => void>} by KeyboardEvent.key */
function keyTable(actions) {
  return {
    " ": actions.playOrPause,
    k: actions.playOrPause,
    ArrowLeft: () => actions.skip(-SMALL_STEP_SECONDS),
    ArrowRight: () => actions.skip(SMALL_STEP_SECONDS),
    j: () => actions.skip(-STEP_SECONDS),
    l: () => actions.skip(STEP_SECONDS),
    ArrowUp: () => actions.louder(VOLUME_STEP),
    ArrowDown: () => actions.louder(-VOLUME_STEP),
    m: actions.mute,
    f: actions.fullScreen,
    p: actions.pictureInPicture,
    c: actions.nextAudio,
    s: actions.nextSubtitles,
    "<": () => actions.faster(-1),
    ">": () => actions.faster(1),
    b: () => actions.chapter(-1),
    n: () => actions.chapter(1),
    "?": actions.showKeys,
  };
}

/** @param {Actions} actions @param {() => boolean} active whether there is a film to act on */
export function wireKeys(actions, active) {
  const table = keyTable(actions);
  document.addEventListener("keydown", (event) => {
    if (!active() || event.ctrlKey || event.metaKey || event.altKey || isForSomethingElse(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = /^[0-9]$/.test(key) ? () => actions.jump(Number(key) / 10) : table[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {KeyboardEvent} event */
function isForSomethingElse(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (document.querySelector("dialog[open]")) return true;
  if (target.matches("input:not([type=range]), textarea, select")) return true;
  const scrolls = event.key === "ArrowUp" || event.key === "ArrowDown";
  if (scrolls && !document.fullscreenElement && !target.closest("[data-stage]") && target !== document.body) return true;
  // Space and Enter press the focused button or link, as everywhere.
  return event.key === " " && target.matches("button, a, summary, [role^=menuitem]");
}
