/** Puts the page together. */

import { ApiError } from "./api.js";
import { Asker } from "./asker.js";
import { Gestures } from "./gestures.js";
import { fetchSample, listenForFiles, readPhoto } from "./intake.js";
import { listenForKeys } from "./keyboard.js";
import { element, Panel } from "./panel.js";
import { encodePng } from "./png.js";
import { Session } from "./session.js";
import { Stage } from "./stage.js";
import { watchTroubles } from "./troubles.js";

const ZOOM_STEP = 1.4;

const panel = new Panel();
const stage = new Stage(element("stage", HTMLCanvasElement));
const samples = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("#samples button")]);

/** @type {Session | null} */
let session = null;
/** @type {Asker | null} */
let asker = null;
/** Grows with each photo asked for: only the newest is shown. */
let newest = 0;
let loading = false;

function update() {
  panel.update(session, { loading, asking: asker?.running ?? false });
  stage.redraw();
}

/**
 * The photo before stays until the new one is ready, and if it is refused.
 * @param {() => Promise<Blob>} getFile
 * @param {string} name
 * @param {HTMLButtonElement} [sample] the thumbnail that it came from
 */
async function openPhoto(getFile, name, sample) {
  const turn = ++newest;
  loading = true;
  panel.complain(null);
  update();
  try {
    const photo = await readPhoto(await getFile(), name);
    if (turn !== newest) return;
    for (const button of samples) button.setAttribute("aria-pressed", String(button === sample));
    begin(new Session(photo));
  } catch (error) {
    if (turn !== newest) return;
    complain(error, () => openPhoto(getFile, name, sample));
  }
  loading = false;
  update();
}

/** @param {Session} next */
function begin(next) {
  asker?.close();
  session = next;
  asker = new Asker(next, {
    changed: update,
    failed: (error) => complain(error, () => ask()),
  });
  stage.show(next);
}

/**
 * @param {unknown} error
 * @param {() => void} again
 */
function complain(error, again) {
  const passing = error instanceof ApiError && (error.status === 0 || error.status >= 500);
  panel.complain(error instanceof Error ? error.message : String(error), passing ? again : null);
}

/** Bring the clicks as they stand to the server, and show them at once. */
function ask() {
  panel.complain(null);
  asker?.run();
  update();
}

/** @param {import("./viewport.js").Point} point image pixels */
function click(point) {
  if (!session || !stage.viewport.isInside(point)) return;
  session.add(point);
  ask();
}

const actions = {
  undo() {
    session?.undo();
    ask();
  },
  clear() {
    session?.clear();
    ask();
  },
  async save() {
    if (!session?.answer || session.isWaiting) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await encodePng(session.answer.mask));
    link.download = `${session.photo.name.replace(/\.[^.]*$/, "")}-mask.png`;
    link.click();
    // Some browsers begin to read only after this turn.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  },
  /** @param {boolean} hidden */
  hideMask(hidden) {
    stage.maskHidden = hidden;
    panel.hide.setAttribute("aria-pressed", String(hidden));
    stage.redraw();
  },
  /** @param {number} factor */
  zoom(factor) {
    if (factor === 0) stage.viewport.fit();
    else stage.viewport.zoom(factor, stage.cursor ? stage.viewport.toScreen(stage.cursor) : gestures.hover);
    stage.redraw();
  },
  /**
   * @param {number} dx
   * @param {number} dy
   */
  moveCursor(dx, dy) {
    if (!session) return;
    const { width, height } = session.photo;
    const from = stage.cursor ?? { x: width / 2 - 0.5 - dx, y: height / 2 - 0.5 - dy };
    stage.cursor = {
      x: Math.min(Math.max(from.x + dx, 0), width - 1),
      y: Math.min(Math.max(from.y + dy, 0), height - 1),
    };
    stage.viewport.reveal(stage.cursor);
    stage.redraw();
  },
  clickCursor() {
    if (stage.cursor) click(stage.cursor);
    else actions.moveCursor(0, 0);
  },
};

const gestures = new Gestures(stage, (at) => {
  stage.cursor = null;
  click(stage.viewport.toImage(at));
});
listenForKeys(stage, actions);
listenForFiles(
  { chooser: element("chooser", HTMLInputElement), dropZone: document.body },
  (file) => openPhoto(async () => file, file.name),
  (message) => panel.complain(message),
);

panel.undo.addEventListener("click", actions.undo);
panel.clear.addEventListener("click", actions.clear);
panel.save.addEventListener("click", actions.save);
for (const type of ["pointerdown", "pointerup", "pointerleave", "pointercancel"]) {
  panel.hide.addEventListener(type, () => actions.hideMask(type === "pointerdown"));
}
for (const [type, hidden] of /** @type {[string, boolean][]} */ ([["keydown", true], ["keyup", false], ["blur", false]])) {
  panel.hide.addEventListener(type, (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    if (key === undefined || key === " " || key === "Enter") actions.hideMask(hidden);
  });
}
element("zoom-in", HTMLButtonElement).addEventListener("click", () => actions.zoom(ZOOM_STEP));
element("zoom-out", HTMLButtonElement).addEventListener("click", () => actions.zoom(1 / ZOOM_STEP));
element("zoom-fit", HTMLButtonElement).addEventListener("click", () => actions.zoom(0));

// After a click with the mouse the keys belong to the stage again: Space must not press the same button once more.
document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element && event.target.closest("button");
  if (pressed && event.detail > 0) stage.canvas.focus({ preventScroll: true });
});

for (const button of samples) {
  const picture = /** @type {HTMLImageElement} */ (button.querySelector("img"));
  const name = picture.src.split("/").pop() ?? "sample.jpg";
  button.addEventListener("click", () => openPhoto(() => fetchSample(picture.src), name, button));
}
update();
watchTroubles();
samples[0].click();
