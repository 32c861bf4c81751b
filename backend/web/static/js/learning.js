/** The learning page: asks for the state every few seconds, and tells the server what was pressed. */

import { differenceOf, drawChart } from "./chart.js";

const EVERY = 3000;

/**
 * @typedef {import("./chart.js").Version} Version
 * @typedef {{project: string, usable: number, flawed: number, fresh: number, version: string}} Project
 * @typedef {{id: number, project: string, cause: string, state: string, stage: string, progress: number,
 *   result: Record<string, any>, error: string}} Job
 * @typedef {{projects: Project[], jobs: Job[], versions: Version[], shipped: string}} State
 */

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** @param {string} message empty: nothing is wrong */
function complain(message) {
  element("problem").textContent = message;
  element("problem").hidden = message === "";
}

/**
 * @param {string} path
 * @param {object} [body] sent as JSON by POST; without it, the state is asked for
 * @returns {Promise<any>}
 */
async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  const options = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(path, options).catch(() => null);
  if (response === null) throw new Error("The server does not answer. Check that it is running.");
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new Error(answer?.error ?? `The server answered ${response.status}.`);
}

/**
 * @param {string} label
 * @param {string} path
 * @param {object} body
 */
function button(label, path, body) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      await ask(path, body);
      await refresh();
    } catch (error) {
      complain(String(/** @type {Error} */ (error).message));
      made.disabled = false;
    }
  });
  return made;
}

/** @param {(string | Node | null)[]} cells */
function row(...cells) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    const place = document.createElement("td");
    place.append(cell ?? "");
    made.append(place);
  }
  return made;
}

/** @param {string} project */
function nameOf(project) {
  return project || "all projects";
}

/** @param {Job} job */
function isOpen(job) {
  return job.state === "waiting" || job.state === "running";
}

/** @param {Job} job */
function progressOf(job) {
  if (job.state !== "running") return "";
  const made = document.createElement("span");
  const bar = document.createElement("progress");
  bar.value = job.progress;
  made.append(bar, ` ${job.stage}`);
  return made;
}

/** @param {State} state @param {Project} project */
function projectRow(state, project) {
  const buttons = document.createElement("span");
  if (!state.jobs.some((job) => job.project === project.project && isOpen(job))) {
    buttons.append(button("Learn now", "api/learning/jobs", { project: project.project }));
  }
  if (state.versions.some((each) => each.project === project.project && each.state === "promoted")) {
    buttons.append(" ", button("Roll back", "api/learning/rollback", { project: project.project }));
  }
  const counts = [project.usable, project.fresh, project.flawed].map(String);
  const version = project.version === state.shipped ? `${project.version} (shipped)` : project.version;
  return row(nameOf(project.project), ...counts, version, buttons);
}

/** @param {Job} job */
function jobRow(job) {
  const outcome = job.error || job.result.reason || "";
  const cancel = isOpen(job) ? button("Cancel", `api/learning/jobs/${job.id}/cancel`, {}) : null;
  return row(String(job.id), nameOf(job.project), job.cause, job.state, progressOf(job), outcome, cancel);
}

/** @param {Version} version @param {"corrections" | "replay"} part @param {string} figure */
function figureOf(version, part, figure) {
  const found = differenceOf(version, part, figure);
  const digits = figure === "noc85" ? 2 : 3;
  return found ? `${Number(found.first).toFixed(digits)} → ${Number(found.second).toFixed(digits)}` : "";
}

/** @param {Version} version */
function versionRow(version) {
  const promote =
    version.state === "promoted" ? null : button("Promote", "api/learning/promote", { version: version.name });
  return row(
    version.name,
    nameOf(version.project),
    version.state,
    new Date(version.created).toLocaleString(),
    figureOf(version, "corrections", "noc85"),
    figureOf(version, "corrections", "miou1"),
    figureOf(version, "corrections", "miou3"),
    figureOf(version, "replay", "noc85"),
    String(version.figures.reason ?? ""),
    promote,
  );
}

let shown = "";

async function refresh() {
  const state = /** @type {State} */ (await ask("api/learning"));
  complain("");
  const now = JSON.stringify(state);
  if (now === shown) return; // a button that is being pressed stays where it is
  shown = now;
  const collected = state.projects.filter((each) => each.project || each.usable || each.flawed);
  element("nothing").hidden = collected.length > 0;
  element("projects").replaceChildren(...collected.map((each) => projectRow(state, each)));
  element("jobs").replaceChildren(...state.jobs.map(jobRow));
  element("versions").replaceChildren(...state.versions.map(versionRow));
  element("chart").replaceChildren(...[drawChart(state.versions)].filter((each) => each !== null));
}

async function keepUp() {
  try {
    await refresh();
  } catch (error) {
    complain(String(/** @type {Error} */ (error).message));
  }
  setTimeout(keepUp, EVERY);
}

keepUp();
