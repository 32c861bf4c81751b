/** One photo, the clicks on it, and the answers to them. Knows neither screen nor server. */

import { Mask } from "./mask.js";

/** @typedef {import("./api.js").Click} Click */

/**
 * @typedef {object} Photo
 * @property {Blob} file
 * @property {string} name
 * @property {ImageBitmap} bitmap
 * @property {string} image the server's name for it
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} Answer
 * @property {Mask} mask
 * @property {number} score
 * @property {number} modelMs
 * @property {number} roundTripMs
 * @property {string} model
 */

export class Session {
  /** @param {Photo} photo */
  constructor(photo) {
    this.photo = photo;
    /** @type {readonly Click[]} */
    this.clicks = [];
    /**
     * At n the answer to the first n clicks, if it ever came.
     * @type {(Answer | undefined)[]}
     */
    this.answers = [];
    /** @type {{clicks: readonly Click[], answers: (Answer | undefined)[]} | null} */
    this.cleared = null;
  }

  /** The answer to all clicks; while it is on its way, the newest one to fewer clicks. */
  get answer() {
    for (let count = this.clicks.length; count > 0; count--) {
      const answer = this.answers[count];
      if (answer) return answer;
    }
    return null;
  }

  /** The last click has no answer yet. */
  get isWaiting() {
    return this.clicks.length > 0 && !this.answers[this.clicks.length];
  }

  get canUndo() {
    return this.clicks.length > 0 || this.cleared !== null;
  }

  /**
   * The first click selects the object, each further one marks its outline.
   * @param {{x: number, y: number}} point image pixels, pixel centres
   */
  add({ x, y }) {
    this.cleared = null;
    this.answers.length = Math.min(this.answers.length, this.clicks.length + 1);
    this.clicks = [...this.clicks, { x, y, role: this.clicks.length === 0 ? "select" : "boundary" }];
  }

  /** Takes the last click back; straight after `clear` it brings all clicks back. */
  undo() {
    if (this.clicks.length > 0) {
      this.clicks = this.clicks.slice(0, -1);
    } else if (this.cleared) {
      ({ clicks: this.clicks, answers: this.answers } = this.cleared);
      this.cleared = null;
    }
  }

  clear() {
    if (this.clicks.length === 0) return;
    this.cleared = { clicks: this.clicks, answers: this.answers };
    this.clicks = [];
    this.answers = [];
  }

  /**
   * Keep an answer if the clicks that it belongs to still stand.
   * @param {readonly Click[]} asked
   * @param {Answer} answer
   */
  accept(asked, answer) {
    if (asked.every((click, index) => this.clicks[index] === click)) this.answers[asked.length] = answer;
  }
}
