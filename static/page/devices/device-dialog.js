// One device: its metrics over time, its rules, its commands, and what there is to know of it.

import { seriesOf, pathOf } from "../../client/telemetry.js";
import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { Panel } from "../shell/panel.js";
import { AlarmTimes } from "./alarm-times.js";
import { Chart } from "./chart.js";
import { Commands } from "./commands.js";
import { RuleList } from "./rule-list.js";
import { formatValue, presenceOf } from "../readings/values.js";

const HOUR_MS = 3_600_000;
const RANGES = [["1h", HOUR_MS], ["6h", 6 * HOUR_MS], ["1d", 24 * HOUR_MS], ["7d", 7 * 24 * HOUR_MS], ["30d", 30 * 24 * HOUR_MS], ["1y", 366 * 24 * HOUR_MS]];
const MOST_POINTS = 1000;

export class DeviceDialog {
  /** `workspace`: as in workspace.js; `manage(device, anchor)` opens the menu of what can be done to it. */
  constructor(workspace, { manage }) {
    Object.assign(this, { workspace, manage });
    this.client = workspace.client;
    this.telemetry = workspace.telemetry;
    this.device = null;
    this.range = RANGES[0][1]; // ms up to now, or {from, to}
    this.asked = 0; // the latest question; answers to earlier ones are too late
    this.alarms = new AlarmTimes(this.client.board, () => this.panel.open && this.chart.mark(this.marks()));
    this.build();
    const { scope } = workspace;
    scope.on(this.client, "change", () => this.panel.open && this.render());
    scope.on(this.client, "presence", () => this.panel.open && this.renderHead());
    scope.on(this.telemetry, "change", ({ detail }) => this.panel.open && detail.has(this.device) && this.moved());
    scope.ending(() => this.chart.end());
  }

  build() {
    const { scope } = this.workspace;
    this.more = h("button", { class: "quiet", type: "button", "aria-label": t("device.menu"), "aria-haspopup": "menu", onclick: () => this.manage(this.device, this.more) }, icon("more"));
    this.panel = new Panel(scope, t("device"), { kind: "panel device-panel", tools: [this.more] });
    this.panel.dialog.addEventListener("close", () => (this.device = null));
    this.heading = this.panel.dialog.querySelector("h2");
    this.state = h("p", { class: "hint device-state", role: "status" });
    this.metric = h("select", { class: "field", id: "device-metric", onchange: () => this.look(this.range) });
    this.now = h("b", { class: "device-now" });
    this.csv = h("a", { class: "link", download: "" }, t("device.csv"));
    this.ranges = h("div", { class: "tabs", role: "group", "aria-label": t("device.range") }, ...RANGES.map(([name, ms]) =>
      h("button", { class: "tab", type: "button", "data-range": name, onclick: () => this.look(ms) }, t(`range.${name}`))));
    this.chart = new Chart({ onRange: (range) => this.look(range) });
    this.problem = h("p", { class: "hint", role: "status" });
    this.commands = new Commands(this.workspace);
    this.rules = new RuleList(this.workspace, { metric: () => this.metric.value });
    this.facts = h("dl", { class: "device-facts" });
    this.row = h("div", { class: "row device-row" }, h("label", { class: "unseen", for: "device-metric" }, t("device.metric")), this.metric, this.now, h("span", { class: "space" }), this.ranges);
    this.foot = h("p", { class: "row chart-foot" }, h("span", { class: "hint" }, t("chart.hint")), h("span", { class: "space" }), this.csv);
    this.content = [this.state, this.row, this.chart.element, this.problem, this.foot, this.rules.element, this.commands.element, this.facts];
  }

  open(device, metric) {
    this.device = device;
    this.rules.device = device;
    this.metric.replaceChildren();
    this.panel.show(...this.content);
    this.commands.about({ device });
    this.render();
    if (metric && [...this.metric.options].some(({ value }) => value === metric)) this.metric.value = metric;
    this.look(RANGES[0][1]);
  }

  // -- the series

  look(range) {
    this.range = range;
    this.renderHead();
    for (const button of this.ranges.children) {
      const [, ms] = RANGES.find(([name]) => name === button.dataset.range);
      button.setAttribute("aria-pressed", String(ms === range));
    }
    return this.load();
  }

  get span() {
    if (typeof this.range === "object") return this.range;
    const now = Date.now();
    return { from: now - this.range, to: now };
  }

  async load() {
    const { device, span } = this;
    const metric = this.metric.value;
    const number = ++this.asked;
    for (const part of [this.row, this.chart.element, this.foot]) part.hidden = metric === "";
    if (metric === "") return setText(this.problem, t("device.no_data"));
    this.csv.href = `${pathOf(this.client.board, device)}/telemetry.csv?${new URLSearchParams({ metric, from: span.from, to: span.to })}`;
    try {
      const points = Math.max(100, Math.min(MOST_POINTS, this.chart.place.clientWidth || MOST_POINTS));
      const found = await seriesOf(this.client.board, device, { metric, ...span, points });
      if (number !== this.asked) return null;
      this.resolution = found.resolution_ms;
      this.chart.show({ points: found.points, range: span, marks: this.marks(), label: this.label(metric) });
      this.alarms.learn(this.cards(), { again: true });
      return setText(this.problem, found.points.length === 0 ? t("device.none_in_range") : "");
    } catch (error) {
      return number === this.asked ? setText(this.problem, t("device.failed", { reason: error.message ?? error })) : null;
    }
  }

  label(metric) {
    return `${this.client.view.devices.get(this.device)?.name ?? this.device}, ${metric}`;
  }

  /** Of rules about the metric that is shown, on this device. */
  cards() {
    const { tasks, rules } = this.client.view;
    return [...tasks.values()].filter((task) => task.alarm && task.device === this.device && rules.get(task.alarm)?.metric === this.metric.value);
  }

  marks() {
    return this.cards().flatMap((task) => this.alarms.of(task).map((at) => ({ at, text: task.title })));
  }

  /** New values have come. */
  moved() {
    this.renderMetrics();
    this.renderHead();
    const value = this.telemetry.value(this.device, this.metric.value);
    if (!value || typeof this.range === "object" || !this.chart.points) return;
    const last = this.chart.points.at(-1)?.[0] ?? 0;
    if (this.resolution === 0 && value.t > last) this.chart.add(value.t, value.v);
    else if (value.t > last + 2 * this.resolution) this.load();
  }

  // -- drawing

  render() {
    const device = this.client.view?.devices.get(this.device);
    if (device === undefined) return this.panel.close();
    this.renderMetrics();
    this.renderHead();
    this.rules.render();
    this.commands.render();
    this.alarms.learn(this.cards());
    this.more.hidden = !this.workspace.mayManage;
    const facts = [[t("device.id"), device.id], [t("device.tags"), device.tags.join(", ")], ...Object.entries(device.metadata)];
    this.facts.replaceChildren(...facts.filter(([, text]) => text).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
    return undefined;
  }

  renderHead() {
    const device = this.client.view?.devices.get(this.device);
    if (device === undefined) return;
    setText(this.heading, device.name);
    const { online, text } = presenceOf(device, this);
    this.state.classList.toggle("online", online);
    setText(this.state, text);
    const value = this.telemetry.value(this.device, this.metric.value);
    setText(this.now, value ? formatValue(value.v) : "");
  }

  renderMetrics() {
    const names = this.telemetry.newest(this.device).map(({ metric }) => metric);
    const shown = [...this.metric.options].map(({ value }) => value);
    if (names.join("\n") === shown.join("\n")) return;
    const chosen = this.metric.value || names[0];
    this.metric.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    if (names.includes(chosen)) this.metric.value = chosen;
    if (shown.length === 0 && this.asked > 0) this.load();
  }
}
