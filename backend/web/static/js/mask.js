/** A binary mask as the server sends it, and its outline. */

export class Mask {
  /**
   * @param {number} width
   * @param {number} height
   * @param {readonly number[]} runs run lengths, row by row, off and on in turn, beginning with off
   */
  constructor(width, height, runs) {
    this.width = width;
    this.height = height;
    this.runs = runs;
    /** Number of pixels that are on. */
    this.area = runs.reduce((sum, length, index) => (index % 2 === 1 ? sum + length : sum), 0);
    this.outline = tracePath(width, height, this.decode());
  }

  /**
   * Made anew with each call: the masks of many clicks on a large photo would fill the memory.
   * @returns {Uint8Array<ArrayBuffer>} one byte per pixel, 0 or 1, row by row
   */
  decode() {
    const pixels = new Uint8Array(this.width * this.height);
    let at = 0;
    this.runs.forEach((length, index) => {
      if (index % 2 === 1) pixels.fill(1, at, at + length);
      at += length;
    });
    return pixels;
  }
}

/** Steps along pixel edges, and where the pixels ahead lie, seen from the corner: right, down, left, up. */
const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const AHEAD_RIGHT = [[0, 0], [-1, 0], [-1, -1], [0, -1]];
const AHEAD_LEFT = [[0, -1], [0, 0], [-1, 0], [-1, -1]];

/** @typedef {(column: number, row: number) => boolean} Lookup whether a pixel is on; false outside the image */

/**
 * The outline along the edges of the pixels, in corner coordinates (0..width, 0..height). As vectors it is exact and
 * crisp at any zoom and costs no second image. Fill it with the rule "evenodd".
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} pixels
 * @returns {Path2D}
 */
function tracePath(width, height, pixels) {
  /** @type {Lookup} */
  const isOn = (column, row) =>
    column >= 0 && row >= 0 && column < width && row < height && pixels[row * width + column] === 1;
  const path = new Path2D();
  const seen = new Uint8Array(pixels.length);
  /** @param {number} column @param {number} row */
  const see = (column, row) => (seen[row * width + column] = 1);
  for (let index = pixels.indexOf(1); index >= 0; index = pixels.indexOf(1, index + 1)) {
    const column = index % width;
    const row = (index - column) / width;
    // Every loop, around the mask or around a hole, has an edge with "on" below and "off" above.
    if (seen[index] === 0 && !isOn(column, row - 1)) traceLoop(isOn, see, path, column, row);
  }
  return path;
}

/**
 * Walk once around with the mask on the right-hand side, beginning along the top edge of (column, row).
 * @param {Lookup} isOn
 * @param {(column: number, row: number) => void} see is told the pixels whose top edge was walked along
 * @param {Path2D} path
 * @param {number} column
 * @param {number} row
 */
function traceLoop(isOn, see, path, column, row) {
  let [x, y, heading] = [column, row, 0];
  path.moveTo(x, y);
  do {
    if (heading === 0) see(x, y);
    x += STEP[heading][0];
    y += STEP[heading][1];
    const turn = turnAt(isOn, x, y, heading);
    if (turn !== 0) path.lineTo(x, y);
    heading = (heading + turn + 4) % 4;
  } while (x !== column || y !== row || heading !== 0);
  path.closePath();
}

/**
 * @param {Lookup} isOn
 * @param {number} x
 * @param {number} y
 * @param {number} heading
 * @returns {-1 | 0 | 1} left, straight on, right; pixels that touch at a corner only are kept apart
 */
function turnAt(isOn, x, y, heading) {
  if (!isOn(x + AHEAD_RIGHT[heading][0], y + AHEAD_RIGHT[heading][1])) return 1;
  return isOn(x + AHEAD_LEFT[heading][0], y + AHEAD_LEFT[heading][1]) ? -1 : 0;
}
