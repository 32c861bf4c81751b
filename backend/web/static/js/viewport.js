/** Where the image lies on the screen. The only place that turns screen positions into image pixels and back. */

const MARGIN = 12;
const MAX_SCALE = 40;

/** @typedef {{x: number, y: number}} Point */

export class Viewport {
  constructor() {
    /** Screen (CSS) pixels per image pixel. */
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.width = 0;
    this.height = 0;
    this.imageWidth = 1;
    this.imageHeight = 1;
    /** The whole image is in sight: it stays so when the window changes. */
    this.fitted = true;
  }

  /**
   * @param {number} width of the stage, CSS pixels
   * @param {number} height
   */
  resize(width, height) {
    this.left += (width - this.width) / 2;
    this.top += (height - this.height) / 2;
    this.width = width;
    this.height = height;
    if (this.fitted) this.fit();
    else this.#keepInSight();
  }

  /**
   * @param {number} width of a new image, pixels
   * @param {number} height
   */
  show(width, height) {
    this.imageWidth = width;
    this.imageHeight = height;
    this.fit();
  }

  fit() {
    this.scale = this.fittingScale;
    this.left = (this.width - this.imageWidth * this.scale) / 2;
    this.top = (this.height - this.imageHeight * this.scale) / 2;
    this.fitted = true;
  }

  get fittingScale() {
    const across = (this.width - 2 * MARGIN) / this.imageWidth;
    const down = (this.height - 2 * MARGIN) / this.imageHeight;
    return Math.max(Math.min(across, down, MAX_SCALE), 0.001);
  }

  /**
   * The image pixel under a screen position keeps its place.
   * @param {number} factor
   * @param {Point} [about] CSS pixels from the top left of the stage; its middle if left out
   */
  zoom(factor, about = { x: this.width / 2, y: this.height / 2 }) {
    const wanted = clamp(this.scale * factor, this.fittingScale, MAX_SCALE);
    if (wanted <= this.fittingScale) return this.fit();
    const change = wanted / this.scale;
    this.left = about.x - (about.x - this.left) * change;
    this.top = about.y - (about.y - this.top) * change;
    this.scale = wanted;
    this.fitted = false;
    this.#keepInSight();
  }

  /**
   * @param {number} dx CSS pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    if (this.fitted) return;
    this.left += dx;
    this.top += dy;
    this.#keepInSight();
  }

  /**
   * @param {Point} screen CSS pixels from the top left of the stage
   * @returns {Point} image pixels, pixel centres: (0, 0) is the centre of the top left pixel
   */
  toImage({ x, y }) {
    return { x: (x - this.left) / this.scale - 0.5, y: (y - this.top) / this.scale - 0.5 };
  }

  /**
   * @param {Point} image image pixels, pixel centres
   * @returns {Point} CSS pixels from the top left of the stage
   */
  toScreen({ x, y }) {
    return { x: (x + 0.5) * this.scale + this.left, y: (y + 0.5) * this.scale + this.top };
  }

  /**
   * @param {Point} image
   * @returns {boolean}
   */
  isInside({ x, y }) {
    return x >= -0.5 && y >= -0.5 && x <= this.imageWidth - 0.5 && y <= this.imageHeight - 0.5;
  }

  /**
   * Pan just so far that a point is in sight.
   * @param {Point} image
   */
  reveal(image) {
    const { x, y } = this.toScreen(image);
    const target = { x: clamp(x, MARGIN, this.width - MARGIN), y: clamp(y, MARGIN, this.height - MARGIN) };
    this.pan(target.x - x, target.y - y);
  }

  #keepInSight() {
    this.left = within(this.left, this.imageWidth * this.scale, this.width);
    this.top = within(this.top, this.imageHeight * this.scale, this.height);
  }
}

/**
 * @param {number} start of the image along one axis
 * @param {number} extent of the image
 * @param {number} room of the stage
 * @returns {number} the start, moved so that no more than the margin stays empty; centred if the image is smaller
 */
function within(start, extent, room) {
  if (extent + 2 * MARGIN <= room) return (room - extent) / 2;
  return clamp(start, room - MARGIN - extent, MARGIN);
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
