/** Draws the photo, the mask and the clicks. */

import { Viewport } from "./viewport.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./viewport.js").Point} Point */

const MASK_FILL = "rgb(37 99 235 / 0.38)";
const CONTOUR = [
  { width: 4, colour: "rgb(255 255 255 / 0.85)" },
  { width: 2, colour: "rgb(29 78 216)" },
];
const DOT = { select: "rgb(34 197 94)", boundary: "rgb(250 204 21)" };
const DOT_RADIUS = 5.5;
/** From this many device pixels per image pixel on, pixels are shown as squares. */
const SQUARE_PIXELS = 3;

export class Stage {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.viewport = new Viewport();
    /** @type {Session | null} */
    this.session = null;
    this.maskHidden = false;
    /**
     * Where the keyboard points, image pixels.
     * @type {Point | null}
     */
    this.cursor = null;
    this.scheduled = false;
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** @param {Session} session */
  show(session) {
    this.session = session;
    this.cursor = null;
    this.viewport.show(session.photo.width, session.photo.height);
    this.redraw();
  }

  /** Draw with the next frame, once however often it is called before. */
  redraw() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.#draw();
    });
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(clientHeight * devicePixelRatio);
    this.viewport.resize(clientWidth, clientHeight);
    // At once: a canvas that was resized is empty.
    this.#draw();
  }

  #draw() {
    const { context, canvas, session } = this;
    const ratio = devicePixelRatio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    canvas.classList.toggle("zoomed", !this.viewport.fitted);
    if (!session) return;
    const { scale, left, top } = this.viewport;
    context.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
    context.imageSmoothingEnabled = scale * ratio < SQUARE_PIXELS;
    context.imageSmoothingQuality = "high";
    context.drawImage(session.photo.bitmap, 0, 0, session.photo.width, session.photo.height);
    const mask = session.answer?.mask;
    if (mask && !this.maskHidden) this.#drawMask(mask.outline);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    session.clicks.forEach((click, index) => this.#drawClick(click, index + 1));
    if (this.cursor) this.#drawCursor(this.cursor);
  }

  /** @param {Path2D} outline */
  #drawMask(outline) {
    const { context } = this;
    context.fillStyle = MASK_FILL;
    context.fill(outline, "evenodd");
    context.lineJoin = "round";
    for (const { width, colour } of CONTOUR) {
      context.lineWidth = width / this.viewport.scale;
      context.strokeStyle = colour;
      context.stroke(outline);
    }
  }

  /**
   * @param {import("./api.js").Click} click
   * @param {number} number
   */
  #drawClick(click, number) {
    const { context } = this;
    const { x, y } = this.viewport.toScreen(click);
    context.beginPath();
    context.arc(x, y, DOT_RADIUS, 0, 2 * Math.PI);
    context.fillStyle = DOT[click.role];
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "rgb(15 23 42)";
    context.stroke();
    context.font = "600 12px system-ui, sans-serif";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = "rgb(15 23 42 / 0.9)";
    context.strokeText(String(number), x + 8, y - 6);
    context.fillStyle = "white";
    context.fillText(String(number), x + 8, y - 6);
  }

  /** @param {Point} cursor */
  #drawCursor(cursor) {
    const { context } = this;
    const { x, y } = this.viewport.toScreen(cursor);
    for (const [width, colour] of /** @type {[number, string][]} */ ([[4, "black"], [1.5, "white"]])) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 4 * dx, y + 4 * dy);
        context.lineTo(x + 14 * dx, y + 14 * dy);
      }
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    }
  }
}
