/** Mouse, pen and fingers on the stage: tap to click, drag to pan, wheel or two fingers to zoom. */

/** @typedef {import("./viewport.js").Point} Point */
/** @typedef {import("./stage.js").Stage} Stage */

/** How far a pointer may slip (CSS pixels) and still make a click: more where a drag would do nothing else. */
const SLIP = { fitted: 16, zoomed: 4 };
const WHEEL_SPEED = 0.0015;
const LINE_HEIGHT = 24;

/** @typedef {{at: Point, from: Point, dragging: boolean}} Pointer */

export class Gestures {
  /**
   * @param {Stage} stage
   * @param {(at: Point) => void} tap called with CSS pixels from the top left of the stage
   */
  constructor(stage, tap) {
    this.stage = stage;
    this.tap = tap;
    /** @type {Map<number, Pointer>} */
    this.pointers = new Map();
    /**
     * Where the mouse is, if it is on the stage.
     * @type {Point | undefined}
     */
    this.hover = undefined;
    const { canvas } = stage;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => (this.hover = undefined));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point} with fractions, as far as the browser gives them
   */
  #position(event) {
    const box = this.stage.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    const at = this.#position(event);
    this.pointers.set(event.pointerId, { at, from: at, dragging: false });
    this.stage.canvas.setPointerCapture(event.pointerId);
    // Two fingers never make a click.
    if (this.pointers.size > 1) for (const pointer of this.pointers.values()) pointer.dragging = true;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#position(event);
    if (event.pointerType === "mouse") this.hover = at;
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const slip = this.stage.viewport.fitted ? SLIP.fitted : SLIP.zoomed;
    pointer.dragging ||= distance(at, pointer.from) > slip;
    if (this.pointers.size === 2) this.#pinch(pointer, at);
    else if (pointer.dragging) this.stage.viewport.pan(at.x - pointer.at.x, at.y - pointer.at.y);
    if (pointer.dragging) pointer.at = at;
    this.stage.redraw();
  }

  /**
   * @param {Pointer} moved
   * @param {Point} at where it is now
   */
  #pinch(moved, at) {
    const other = [...this.pointers.values()].find((pointer) => pointer !== moved);
    if (!other) return;
    const before = middle(moved.at, other.at);
    const after = middle(at, other.at);
    const { viewport } = this.stage;
    viewport.zoom(distance(at, other.at) / Math.max(distance(moved.at, other.at), 1), before);
    viewport.pan(after.x - before.x, after.y - before.y);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (pointer && !pointer.dragging) this.tap(pointer.from);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * LINE_HEIGHT;
    // Browsers report a pinch on a touch pad as a wheel with Ctrl, in much smaller steps.
    const speed = event.ctrlKey ? 6 * WHEEL_SPEED : WHEEL_SPEED;
    this.stage.viewport.zoom(Math.exp(-pixels * speed), this.#position(event));
    this.stage.redraw();
  }
}

/**
 * @param {Point} a
 * @param {Point} b
 */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/**
 * @param {Point} a
 * @param {Point} b
 */
function middle(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
