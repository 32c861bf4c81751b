/** Brings the clicks of a session to the server, one request at a time, so that answers never overtake each other. */

import { segment } from "./api.js";
import { Mask } from "./mask.js";

/** @typedef {import("./session.js").Session} Session */

export class Asker {
  /**
   * @param {Session} session
   * @param {{changed: () => void, failed: (error: unknown) => void}} listener
   */
  constructor(session, listener) {
    this.session = session;
    this.listener = listener;
    this.running = false;
    this.closed = false;
  }

  /** Nobody looks at this session any more. */
  close() {
    this.closed = true;
  }

  /** Ask until the newest click is answered. Clicks that come meanwhile go into the next request together. */
  async run() {
    if (this.running) return;
    this.running = true;
    try {
      while (this.session.isWaiting && !this.closed) await this.#askOnce();
    } catch (error) {
      if (!this.closed) this.listener.failed(error);
    } finally {
      this.running = false;
      if (!this.closed) this.listener.changed();
    }
  }

  async #askOnce() {
    const { photo, clicks } = this.session;
    const started = performance.now();
    const answer = await segment(photo.image, clicks, photo.file);
    this.session.accept(clicks, {
      roundTripMs: performance.now() - started,
      modelMs: answer.ms.model,
      score: answer.score,
      model: answer.model,
      mask: new Mask(answer.width, answer.height, answer.runs),
    });
    if (!this.closed) this.listener.changed();
  }
}
