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
    /** One byte per pixel, 0 or 1, row by row. */
    this.pixels = new Uint8Array(width * height);
    /** Number of pixels that are on. */
    this.area = 0;
    let at = 0;
    runs.forEach((length, index) => {
      if (index % 2 === 1) {
        this.pixels.fill(1, at, at + length);
        this.area += length;
      }
      at += length;
    });
    this.outline = tracePath(this);
  }

  /**
   * @param {number} column
   * @param {number} row
   * @returns {boolean} false outside the image
   */
  has(column, row) {
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return false;
    return this.pixels[row * this.width + column] === 1;
  }
}

/** Steps along pixel edges, and where the pixels ahead lie, seen from the corner: right, down, left, up. */
const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const AHEAD_RIGHT = [[0, 0], [-1, 0], [-1, -1], [0, -1]];
const AHEAD_LEFT = [[0, -1], [0, 0], [-1, 0], [-1, -1]];

/**
 * The outline along the edges of the pixels, in corner coordinates (0..width, 0..height). As vectors it is exact and
 * crisp at any zoom and costs no second image. Fill it with the rule "evenodd".
 * @param {Mask} mask
 * @returns {Path2D}
 */
function tracePath(mask) {
  const path = new Path2D();
  const { width, height, pixels } = mask;
  const seen = new Uint8Array(pixels.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const index = row * width + column;
      // Every loop, hole or not, has an edge with "on" below and "off" above.
      if (pixels[index] === 1 && seen[index] === 0 && !mask.has(column, row - 1)) {
        traceLoop(mask, seen, path, column, row);
      }
    }
  }
  return path;
}

/**
 * Walk once around with the mask on the right-hand side, beginning along the top edge of (column, row).
 * @param {Mask} mask
 * @param {Uint8Array} seen marks the top edges that were walked along
 * @param {Path2D} path
 * @param {number} column
 * @param {number} row
 */
function traceLoop(mask, seen, path, column, row) {
  let [x, y, heading] = [column, row, 0];
  path.moveTo(x, y);
  do {
    if (heading === 0) seen[y * mask.width + x] = 1;
    x += STEP[heading][0];
    y += STEP[heading][1];
    const turn = turnAt(mask, x, y, heading);
    if (turn !== 0) path.lineTo(x, y);
    heading = (heading + turn + 4) % 4;
  } while (x !== column || y !== row || heading !== 0);
  path.closePath();
}

/**
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 * @param {number} heading
 * @returns {-1 | 0 | 1} left, straight on, right; pixels that touch at a corner only are kept apart
 */
function turnAt(mask, x, y, heading) {
  if (!mask.has(x + AHEAD_RIGHT[heading][0], y + AHEAD_RIGHT[heading][1])) return 1;
  return mask.has(x + AHEAD_LEFT[heading][0], y + AHEAD_LEFT[heading][1]) ? -1 : 0;
}
