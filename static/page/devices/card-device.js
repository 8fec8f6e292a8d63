// The part of an opened card that is about a device: its value now, its chart, its commands, and what must be
// measured before the card can be completed.

import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "../shell/ask.js";
import { Commands } from "./commands.js";
import { SpanField } from "./span-field.js";
import { drawSparkline, makeSparkline } from "../readings/sparkline.js";
import { conditionText, formatValue, metricOf, presenceOf, waitText } from "../readings/values.js";

export class CardDevice {
  /** `showChart(device, metric)`. */
  constructor(workspace, { showChart }) {
    Object.assign(this, { workspace, showChart });
    this.client = workspace.client;
    this.telemetry = workspace.telemetry;
    this.commands = new Commands(workspace);
    this.alarm = h("p", { class: "alarm-line", role: "status" });
    this.select = h("select", { class: "field", id: "card-device", onchange: () => this.choose() });
    this.state = h("p", { class: "hint device-state" });
    this.metric = h("span", {});
    this.value = h("b", { class: "live-value" });
    this.line = makeSparkline();
    this.reading = h("button", { class: "reading", type: "button", title: t("device.chart"), onclick: () => this.showChart(this.task.device, this.measured) }, this.metric, this.line, this.value);
    this.wait = h("div", { class: "wait-line" });
    this.about = h("div", { class: "device-about" }, this.alarm, this.reading, this.state, this.wait, this.commands.element);
    this.element = h("section", { class: "card-section card-device" },
      h("label", { class: "field-label", for: "card-device" }, t("field.device")), this.select, this.about);
    const { scope } = workspace;
    scope.on(this.telemetry, "change", ({ detail }) => this.task && detail.has(this.task.device) && this.renderValue());
    scope.on(this.client, "presence", () => this.task && this.renderValue());
  }

  choose() {
    this.client.mutate("task.update", { task: this.task.id, device: this.select.value || null });
  }

  get measured() {
    return metricOf(this.task, this.client.view, this.telemetry);
  }

  render(task) {
    this.task = task;
    const { view } = this.client;
    this.element.hidden = view.devices.size === 0 && !task.device;
    this.about.hidden = !task.device;
    this.renderSelect(view, task);
    if (!task.device) return;
    const rule = view.rules.get(task.alarm);
    this.alarm.classList.toggle("urgent", Boolean(task.alarm_at));
    setText(this.alarm, task.alarm ? t(task.alarm_at ? "alarm.on" : "alarm.over", { what: rule ? conditionText(rule) : t("rule.gone") }) : "");
    this.renderWait(task);
    this.commands.about({ device: view.devices.has(task.device) ? task.device : null, task: task.id });
    this.commands.render();
    this.renderValue();
  }

  renderSelect(view, task) {
    const options = [["", t("device.no_device")], ...[...view.devices.values()].map(({ id, name }) => [id, name])];
    if (task.device && !view.devices.has(task.device)) options.push([task.device, t("device.gone", { name: task.device })]);
    const print = JSON.stringify(options);
    if (print !== this.print) this.select.replaceChildren(...options.map(([id, name]) => h("option", { value: id }, name)));
    this.print = print;
    this.select.value = task.device ?? "";
    this.select.disabled = !this.workspace.mayEdit;
  }

  renderValue() {
    const { task } = this;
    if (!task?.device) return;
    const device = this.client.view.devices.get(task.device);
    const { measured } = this;
    const value = measured && this.telemetry.value(task.device, measured);
    this.reading.hidden = !value;
    if (value) {
      setText(this.metric, measured);
      setText(this.value, formatValue(value.v));
      drawSparkline(this.line, this.telemetry.past(task.device, measured));
    }
    const { online, text } = device ? presenceOf(device, this) : { online: false, text: "" };
    this.state.classList.toggle("online", online);
    setText(this.state, text);
  }

  // -- completion that waits for a reading

  renderWait(task) {
    const print = JSON.stringify([task.done_when, task.verified, this.workspace.mayEdit]);
    if (print === this.waitPrint) return;
    this.waitPrint = print;
    const change = h("button", { class: "link", type: "button", hidden: !this.workspace.mayEdit, onclick: () => this.editWait() }, t(task.done_when ? "wait.change" : "wait.add"));
    const text = task.done_when ? t(task.verified ? "device.verified" : "device.waits", { what: waitText(task.done_when) }) : "";
    this.wait.replaceChildren(...(text ? [h("p", { class: task.verified ? "met" : "" }, icon("check"), text)] : []), change);
  }

  async editWait() {
    const { task, client } = this;
    const now = task.done_when ?? {};
    const metric = h("input", { class: "field", id: "wait-metric", required: true, pattern: "[A-Za-z0-9_.\\-]{1,64}", value: now.metric ?? this.measured ?? "" });
    const side = h("select", { class: "field", id: "wait-side", "aria-label": t("rule.kind") }, ...["below", "above"].map((kind) => h("option", { value: kind }, t(`rule.kind_${kind}`))));
    side.value = now.above === undefined ? "below" : "above";
    const limit = h("input", { class: "field", id: "wait-value", type: "number", step: "any", required: true, value: now.below ?? now.above ?? "" });
    const span = new SpanField("wait-span", now.for_ms ?? 600_000);
    const completes = h("input", { type: "checkbox", id: "wait-completes", checked: now.completes ?? true });
    const label = (of, key) => h("label", { class: "field-label", for: of }, t(key));
    const content = [h("p", { class: "hint" }, t("wait.hint")), label("wait-metric", "device.metric"), metric, side, label("wait-value", "rule.value"), limit, label("wait-span", "rule.for"), span.element, h("label", { class: "choice" }, completes, t("wait.completes"))];
    const choices = [["ok", t("save"), "primary"], ...(task.done_when ? [["none", t("wait.remove"), "danger"]] : [])];
    const answer = await ask({ heading: t("wait.heading"), content, choices });
    if (answer === null) return;
    const wanted = { device: task.device, metric: metric.value.trim(), [side.value]: Number(limit.value), for_ms: span.ms, completes: completes.checked };
    client.mutate("task.update", { task: task.id, done_when: answer === "none" ? null : wanted });
  }
}
