/** The figures of versions as a picture: what was measured before, a line, and what was measured after. */

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [900, 240, 44, 40, 16];
const MOST = 20;

/**
 * @typedef {{figure: string, first: number | null, second: number | null, low: number | null, high: number | null}} Difference
 * @typedef {{name: string, project: string, state: string, created: string, figures: Record<string, any>}} Version
 */

/**
 * @param {Version} version
 * @param {"corrections" | "replay"} part
 * @param {string} figure
 * @returns {Difference | null} null where it was not measured
 */
export function differenceOf(version, part, figure) {
  const all = /** @type {Difference[]} */ (version.figures[part] ?? []);
  const found = all.find((each) => each.figure === figure);
  return found && found.first !== null && found.second !== null ? found : null;
}

/**
 * @param {Element} parent
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function add(parent, name, attributes, text) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

/**
 * NoC@85 of the newest versions, oldest on the left: hollow before, filled after; lower is better.
 * @param {Version[]} versions newest first
 * @returns {SVGSVGElement | null} null if there is nothing to show
 */
export function drawChart(versions) {
  const shown = versions.filter((each) => differenceOf(each, "corrections", "noc85")).slice(0, MOST).reverse();
  if (!shown.length) return null;
  const svg = /** @type {SVGSVGElement} */ (document.createElementNS(SPACE, "svg"));
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "NoC@85 before and after, for each version; lower is better");
  const parts = /** @type {const} */ (["corrections", "replay"]);
  const values = shown.flatMap((version) =>
    parts.flatMap((part) => {
      const found = differenceOf(version, part, "noc85");
      return found ? [Number(found.first), Number(found.second)] : [];
    }),
  );
  const top = Math.max(...values, 1) * 1.1;
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  for (let step = 0; step <= 4; step += 1) {
    const value = (top * step) / 4;
    add(svg, "line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: "axis" });
    add(svg, "text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(1));
  }
  const column = (WIDTH - LEFT) / shown.length;
  shown.forEach((version, index) => {
    parts.forEach((part, shift) => {
      const found = differenceOf(version, part, "noc85");
      if (!found) return;
      const x = LEFT + column * (index + 0.42 + 0.16 * shift);
      const [before, after] = [y(Number(found.first)), y(Number(found.second))];
      const group = add(svg, "g", { class: part });
      add(group, "title", {}, `${version.name}, ${part}: ${found.first} before, ${found.second} after`);
      add(group, "line", { x1: x, x2: x, y1: before, y2: after, "stroke-width": 2 });
      add(group, "circle", { cx: x, cy: before, r: 5, class: "before" });
      add(group, "circle", { cx: x, cy: after, r: 5 });
    });
    const name = /v\d+/.exec(version.name)?.[0] ?? version.name;
    const label = version.state === "promoted" ? `${name} ✓` : name;
    add(svg, "text", { x: LEFT + column * (index + 0.5), y: HEIGHT - 22, "text-anchor": "middle" }, label);
  });
  add(svg, "text", { x: LEFT, y: HEIGHT - 4, class: "corrections" }, "● held-out corrections");
  add(svg, "text", { x: LEFT + 170, y: HEIGHT - 4, class: "replay" }, "● replay set");
  add(svg, "text", { x: LEFT + 270, y: HEIGHT - 4 }, "NoC@85, hollow before, filled after; lower is better");
  return svg;
}
