// One metric over time: the mean as a line, least and most as a band, alarms as marks. Dragging zooms, the wheel
// too, Shift and dragging (or a finger) pans; buttons and keys do the same.

import uPlot from "../../vendor/uPlot.js";
import { h, icon } from "../dom.js";
import { formatTime, t } from "../i18n.js";
import { formatValue } from "../readings/values.js";

const HEIGHT = 260;
const NEAR_PX = 6; // of a mark that the pointer is at
const SHORTEST_MS = 10_000;
const DAY_S = 86_400;
const LONGEST_MS = 5 * 366 * 86_400_000;

export class Chart {
  /** `onRange({from, to})` is called, in ms, when the person wants to see another range. */
  constructor({ onRange }) {
    this.onRange = onRange;
    this.range = null; // {from, to} that is shown
    this.marks = []; // [{at, text}…]
    this.place = h("div", { class: "chart", tabindex: "0", role: "img", onkeydown: (event) => this.key(event) });
    this.element = h("div", { class: "chart-box" }, this.tools(), this.place);
    this.place.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.place.addEventListener("pointerdown", (event) => this.grab(event), { capture: true });
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this.place);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => this.again();
    this.dark.addEventListener("change", this.recolour);
  }

  end() {
    this.sizes.disconnect();
    this.dark.removeEventListener("change", this.recolour);
    this.plot?.destroy();
    this.plot = null;
  }

  tools() {
    const tool = (key, drawing, run) => h("button", { class: "quiet", type: "button", "aria-label": t(key), title: t(key), onclick: run }, drawing);
    return h("div", { class: "row chart-tools", role: "group", "aria-label": t("chart.tools") },
      tool("chart.earlier", "←", () => this.pan(-0.5)), tool("chart.later", "→", () => this.pan(0.5)),
      tool("chart.in", icon("plus"), () => this.zoom(0.5)), tool("chart.out", "–", () => this.zoom(2)));
  }

  /** `points`: `[[t, min, mean, max, n]…]`; `range`: what is to be seen, in ms; `marks`: `[{at, text}…]`. */
  show({ points, range, marks, label }) {
    Object.assign(this, { points, range, marks, label });
    if (this.plot && this.muted !== resolved(this.place, ["--muted"])["--muted"]) this.again(); // the page has other colours now
    const data = columns(points);
    if (this.plot === null || this.plot === undefined) this.plot = new uPlot(this.options(), data, this.place);
    else this.plot.setData(data, false);
    this.plot.setScale("x", { min: range.from / 1000, max: range.to / 1000 });
    this.describe();
  }

  /** Other marks on what is shown. */
  mark(marks) {
    if (!this.plot) return;
    this.marks = marks;
    this.plot.redraw(false);
    this.describe();
  }

  describe() {
    this.place.setAttribute("aria-label", said(this.label, this.points, this.marksInSight()));
  }

  marksInSight() {
    return this.marks.filter(({ at }) => at >= this.range.from && at <= this.range.to);
  }

  /** A newer point at the end, while its time is in sight. */
  add(t, v) {
    const ahead = t - this.range.to;
    if (ahead > 0) this.range = { from: this.range.from + ahead, to: t };
    const { from } = this.range;
    this.points = [...this.points.filter(([at]) => at >= from), [t, v, v, v, 1]];
    this.plot.setData(columns(this.points), false);
    this.plot.setScale("x", { min: this.range.from / 1000, max: this.range.to / 1000 });
  }

  options() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const probe = resolved(this.place, ["--accent", "--muted", "--line", "--bad"]);
    this.muted = probe["--muted"];
    const axis = { stroke: probe["--muted"], grid: { stroke: probe["--line"], width: 1 }, ticks: { stroke: probe["--line"], width: 1 }, font: `12px ${colour("font-family") || "system-ui, sans-serif"}` };
    const quiet = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      width: this.place.clientWidth || 600, height: HEIGHT, legend: { show: false },
      scales: { x: { time: true }, y: { range: (_, low, high) => padded(low, high) } },
      axes: [{ ...axis, space: 90, values: (_, ticks, __, ___, step) => timeTexts(ticks, step) }, { ...axis, size: 58, values: (_, ticks) => ticks.map(formatValue) }],
      series: [{}, { ...quiet }, { stroke: probe["--accent"], width: 1.6, spanGaps: true }, { ...quiet }],
      bands: [{ series: [3, 1], fill: translucent(probe["--accent"]) }],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      hooks: {
        setSelect: [(plot) => this.selected(plot)],
        draw: [(plot) => this.drawMarks(plot, probe["--bad"])],
        setCursor: [(plot) => this.tell(plot)],
      },
    };
  }

  /** The colours of a plot are those of when it was made. */
  again() {
    if (!this.plot) return;
    this.plot.destroy();
    this.plot = new uPlot(this.options(), columns(this.points), this.place);
    this.plot.setScale("x", { min: this.range.from / 1000, max: this.range.to / 1000 });
  }

  fit() {
    const width = this.place.clientWidth;
    if (this.plot && width > 0 && Math.abs(this.plot.width - width) > 1) this.plot.setSize({ width, height: HEIGHT });
  }

  // -- another range

  ask(from, to) {
    const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, to - from));
    const middle = (from + to) / 2;
    this.onRange({ from: Math.max(0, Math.round(middle - length / 2)), to: Math.round(middle + length / 2) });
  }

  /** By a part of what is seen: 0.5 is half a chart later. */
  pan(part) {
    const by = (this.range.to - this.range.from) * part;
    this.ask(this.range.from + by, this.range.to + by);
  }

  /** `factor` times as much is seen, around `at` (ms). */
  zoom(factor, at = (this.range.from + this.range.to) / 2) {
    const { from, to } = this.range;
    this.ask(at - (at - from) * factor, at + (to - at) * factor);
  }

  key(event) {
    const does = { ArrowLeft: () => this.pan(-0.25), ArrowRight: () => this.pan(0.25), "+": () => this.zoom(0.5), "-": () => this.zoom(2) }[event.key];
    if (does === undefined || event.target !== this.place) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }

  wheel(event) {
    if (!this.plot) return;
    event.preventDefault();
    const left = event.clientX - this.plot.over.getBoundingClientRect().left;
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.plot.posToVal(left, "x") * 1000);
  }

  selected(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.ask(plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000);
  }

  /** Shift, or a finger: the chart goes with the pointer, and what comes into sight is asked for at the end. */
  grab(event) {
    if (!this.plot || !(event.shiftKey || event.pointerType === "touch")) return;
    event.stopPropagation();
    event.preventDefault();
    const { from, to } = this.range;
    const perPixel = (to - from) / this.plot.over.clientWidth;
    const start = event.clientX;
    const ends = new AbortController();
    const move = ({ clientX }) => {
      const by = (start - clientX) * perPixel;
      this.range = { from: from + by, to: to + by };
      this.plot.setScale("x", { min: this.range.from / 1000, max: this.range.to / 1000 });
    };
    const drop = () => {
      ends.abort();
      this.ask(this.range.from, this.range.to);
    };
    addEventListener("pointermove", move, { signal: ends.signal });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, drop, { signal: ends.signal });
  }

  // -- what is read from it

  tell(plot) {
    const at = plot.cursor.idx;
    const point = at === null || at === undefined ? null : this.points[at];
    const near = this.marks.filter((mark) => Math.abs(plot.valToPos(mark.at / 1000, "x") - plot.cursor.left) < NEAR_PX);
    this.place.title = [...(point ? [readout(point)] : []), ...near.map(marked)].join("\n");
  }

  drawMarks(plot, colour) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    for (const { at } of this.marksInSight()) {
      const x = Math.round(plot.valToPos(at / 1000, "x", true));
      ctx.setLineDash([4, 4]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(x, bbox.top + 4 * devicePixelRatio, 4 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.restore();
  }
}

function columns(points) {
  return [points.map(([at]) => at / 1000), points.map(([, low]) => low), points.map(([, , mean]) => mean), points.map(([, , , high]) => high)];
}

/** Texts at times (s) that are `step` s apart; the date stands where a day begins. */
function timeTexts(ticks, step) {
  if (step >= DAY_S) return ticks.map((at) => formatTime(at * 1000, step >= 28 * DAY_S ? { year: "numeric", month: "short" } : { month: "short", day: "numeric" }));
  const style = { hour: "2-digit", minute: "2-digit", ...(step < 60 ? { second: "2-digit" } : {}) };
  let day = new Date().getDate();
  return ticks.map((at) => {
    const before = day;
    day = new Date(at * 1000).getDate();
    const time = formatTime(at * 1000, style);
    return day === before ? time : `${time}\n${formatTime(at * 1000, { month: "short", day: "numeric" })}`;
  });
}

/** Some air above and below; a flat line stands in the middle. */
function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  return [low - air, high + air];
}

/** The colours that custom properties come to here, in the scheme that is in force. */
function resolved(place, names) {
  const probe = h("span", { hidden: true });
  place.append(probe);
  const found = Object.fromEntries(names.map((name) => {
    probe.style.color = `var(${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  return found;
}

function translucent(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g) ?? [80, 80, 200];
  return `rgba(${red}, ${green}, ${blue}, 0.18)`;
}

function marked({ at, text }) {
  return `${formatTime(at, { dateStyle: "medium", timeStyle: "medium" })}: ${text}`;
}

function readout([at, low, mean, high, n]) {
  const when = formatTime(at, { dateStyle: "medium", timeStyle: "medium" });
  if (n === 1 || low === high) return `${when}: ${formatValue(mean)}`;
  return `${when}: ${t("chart.spread", { mean: formatValue(mean), low: formatValue(low), high: formatValue(high), n })}`;
}

/** The chart in a sentence, for those who do not see it. */
function said(label, points, marks) {
  if (points.length === 0) return t("chart.said_none", { label });
  const low = Math.min(...points.map(([, least]) => least));
  const high = Math.max(...points.map(([, , , most]) => most));
  return t("chart.said", { label, low: formatValue(low), high: formatValue(high), last: formatValue(points.at(-1)[2]), n: marks.length });
}
