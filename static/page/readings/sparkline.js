// The last hour of a metric in a small drawing, for the corner of an eye: the words beside it say the value.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 72;
const HEIGHT = 18;
const EDGE = 2;

export function makeSparkline() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "sparkline");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "polyline"));
  return svg;
}

/** `points`: `[[t, v]…]`, oldest first; with fewer than two nothing is drawn. */
export function drawSparkline(svg, points) {
  const path = points.length < 2 ? "" : outline(points);
  const line = svg.firstChild;
  if (line.getAttribute("points") !== path) line.setAttribute("points", path);
}

function outline(points) {
  const values = points.map(([, v]) => v);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first] = points[0];
  const span = points.at(-1)[0] - first || 1;
  const x = (t) => EDGE + ((WIDTH - 2 * EDGE) * (t - first)) / span;
  const y = (v) => (high === low ? HEIGHT / 2 : HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (v - low)) / (high - low));
  return points.map(([t, v]) => `${x(t).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
}
