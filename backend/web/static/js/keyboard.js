/** The keys of the page. */

/** CSS pixels that an arrow key moves the cursor; with Shift it is one image pixel. */
const CURSOR_STEP = 12;
const ZOOM_STEP = 1.4;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} Actions
 * @property {() => void} undo
 * @property {() => void} clear
 * @property {() => void} save
 * @property {(hidden: boolean) => void} hideMask
 * @property {(factor: number) => void} zoom a factor of 0 shows the whole photo
 * @property {(dx: number, dy: number) => void} moveCursor image pixels
 * @property {() => void} clickCursor
 */

/**
 * @param {import("./stage.js").Stage} stage
 * @param {Actions} actions
 */
export function listenForKeys(stage, actions) {
  /** @type {Record<string, () => void>} */
  const keys = {
    z: actions.undo,
    Backspace: actions.undo,
    c: actions.clear,
    Escape: actions.clear,
    s: actions.save,
    "+": () => actions.zoom(ZOOM_STEP),
    "=": () => actions.zoom(ZOOM_STEP),
    "-": () => actions.zoom(1 / ZOOM_STEP),
    0: () => actions.zoom(0),
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || isTyping(event.target)) return;
    if (event.ctrlKey || event.metaKey) {
      // With Ctrl only undo is ours: copy, save and zoom of the browser stay the browser's.
      if (event.key.toLowerCase() === "z" && !event.shiftKey) run(event, actions.undo);
    } else if (event.key === " " && !isControl(event.target)) run(event, () => actions.hideMask(true));
    else if (event.target === stage.canvas && event.key === "Enter") run(event, actions.clickCursor);
    else if (event.target === stage.canvas && event.key in ARROWS) {
      const step = event.shiftKey ? 1 : CURSOR_STEP / stage.viewport.scale;
      const [dx, dy] = ARROWS[event.key];
      run(event, () => actions.moveCursor(dx * step, dy * step));
    } else {
      const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (action) run(event, action);
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") actions.hideMask(false);
  });
  // The key may be let go while another window has the focus.
  window.addEventListener("blur", () => actions.hideMask(false));
}

/**
 * @param {KeyboardEvent} event
 * @param {() => void} action
 */
function run(event, action) {
  event.preventDefault();
  action();
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches("textarea, select, input:not([type=file]), [contenteditable]");
}

/**
 * Space presses these.
 * @param {EventTarget | null} target
 */
function isControl(target) {
  return target instanceof HTMLElement && target.matches("button, summary, input, label, a");
}
