/** Everything on the page beside the stage: hint, figures, buttons, errors. */

/** @typedef {import("./session.js").Session} Session */

/** Milliseconds before the page speaks of waiting. */
const PATIENCE = 300;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`#${id}: expected a ${type.name} in the page, got ${found}`);
  return found;
}

export class Panel {
  constructor() {
    this.root = document.documentElement;
    this.hint = element("hint", HTMLElement);
    this.progress = element("progress", HTMLElement);
    this.problem = element("problem", HTMLElement);
    this.problemText = element("problem-text", HTMLElement);
    this.retry = element("retry", HTMLButtonElement);
    this.undo = element("undo", HTMLButtonElement);
    this.clear = element("clear", HTMLButtonElement);
    this.hide = element("hide", HTMLButtonElement);
    this.save = element("save", HTMLButtonElement);
    this.figures = {
      model: element("figure-model", HTMLElement),
      roundTrip: element("figure-round-trip", HTMLElement),
      score: element("figure-score", HTMLElement),
      area: element("figure-area", HTMLElement),
    };
    this.version = element("version", HTMLElement);
    this.steps = [...document.querySelectorAll("#steps li")];
    this.hintTimer = 0;
    /** @type {(() => void) | null} */
    this.again = null;
    this.retry.addEventListener("click", () => this.again?.());
    element("dismiss", HTMLButtonElement).addEventListener("click", () => (this.problem.hidden = true));
  }

  /**
   * @param {string | null} message one line, null takes the line away
   * @param {(() => void) | null} [again] what to do when the person wants to try again
   */
  complain(message, again = null) {
    this.problem.hidden = message === null;
    this.problemText.textContent = message;
    this.again = again;
    this.retry.hidden = again === null;
  }

  /**
   * @param {Session | null} session
   * @param {{loading: boolean, asking: boolean}} going whether a photo, or an answer, is on its way
   */
  update(session, { loading, asking }) {
    const answer = session?.answer ?? null;
    const unanswered = session?.isWaiting ?? false;
    const waiting = unanswered && asking;
    const failed = unanswered && !asking;
    const hasMask = answer !== null && answer.mask.area > 0;
    this.#showHint(hintFor(session, loading, failed), loading || waiting);
    this.progress.hidden = !loading && !waiting;
    this.undo.disabled = !session?.canUndo;
    this.clear.disabled = !session?.clicks.length;
    this.hide.disabled = !hasMask;
    this.save.disabled = !hasMask || unanswered;
    this.#showFigures(answer);
    const step = !session?.clicks.length ? 0 : 1;
    this.steps.forEach((item, index) => {
      if (index === step && session) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    // For whoever drives the page by program; the page itself reads none of it.
    Object.assign(this.root.dataset, {
      image: session?.photo.image ?? "",
      clicks: String(session?.clicks.length ?? 0),
      area: String(answer?.mask.area ?? 0),
      state: loading ? "loading" : waiting ? "waiting" : failed ? "failed" : session ? "ready" : "empty",
    });
  }

  /**
   * @param {string} text
   * @param {boolean} passing only of interest if it lasts; quick answers would make the line flicker
   */
  #showHint(text, passing) {
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => setText(this.hint, text), passing ? PATIENCE : 0);
  }

  /** @param {import("./session.js").Answer | null} answer */
  #showFigures(answer) {
    const { model, roundTrip, score, area } = this.figures;
    model.textContent = answer ? duration(answer.modelMs) : "–";
    roundTrip.textContent = answer ? duration(answer.roundTripMs) : "–";
    score.textContent = answer ? answer.score.toFixed(2) : "–";
    area.textContent = answer ? share(answer.mask) : "–";
    area.title = answer ? `${answer.mask.area.toLocaleString("en")} pixels` : "";
    this.version.textContent = answer ? answer.model : "";
  }
}

/**
 * @param {Session | null} session
 * @param {boolean} loading
 * @param {boolean} failed
 */
function hintFor(session, loading, failed) {
  if (loading) return "Opening the photo…";
  if (failed) return "The last click has no answer yet. Try again, or undo.";
  if (!session) return "Choose a sample photo or one of yours to begin.";
  const count = session.clicks.length;
  if (count === 0) return "Click the middle of an object.";
  if (session.isWaiting) return count === 1 ? "Looking for the object…" : "Moving the outline…";
  if (!session.answer?.mask.area) return "Nothing found here. Undo, then click the middle of an object.";
  if (count === 1) return "Is the outline off somewhere? Click where it should run.";
  return "Go on clicking where the outline should run, or save the mask.";
}

/**
 * Screen readers announce a status line with every change, so it changes only when it says something new.
 * @param {HTMLElement} target
 * @param {string} text
 */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** @param {number} value milliseconds */
function duration(value) {
  if (value >= 10_000) return `${Math.round(value / 1000)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** @param {import("./mask.js").Mask} mask */
function share({ area, width, height }) {
  const percent = (100 * area) / (width * height);
  return `${percent < 1 ? percent.toPrecision(1) : percent.toFixed(1)} %`;
}
