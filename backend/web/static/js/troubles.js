/** What went wrong lately in annotation tools, which do not show it themselves. */

import { element } from "./panel.js";

/** @typedef {{time: string, line: string, count: number}} Trouble */

const box = element("troubles", HTMLDetailsElement);
const list = element("trouble-list", HTMLUListElement);

/** Ask the server and show its answer; without one, whatever the page does next will say so. */
async function refresh() {
  const answer = await fetch("ready")
    .then((response) => response.json())
    .catch(() => null);
  if (answer) show(answer.errors ?? []);
}

/** @param {Trouble[]} troubles */
function show(troubles) {
  box.hidden = troubles.length === 0;
  list.replaceChildren(
    ...troubles.map(({ time, line, count }) => {
      const item = document.createElement("li");
      const when = document.createElement("time");
      when.dateTime = time;
      when.textContent = new Date(time).toLocaleTimeString();
      item.append(when, ` ${line}${count > 1 ? ` (${count} times)` : ""}`);
      return item;
    }),
  );
}

/** From now on, whenever somebody looks at the page. */
export function watchTroubles() {
  window.addEventListener("focus", refresh);
  box.addEventListener("toggle", () => box.open && refresh());
  refresh();
}
