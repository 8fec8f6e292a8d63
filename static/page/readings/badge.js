// What a card shows of its device: name, newest value and, where a rule or a wait is about it, its last hour.
// The value changes many times a minute: it is put in place without drawing the card again.

import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { drawSparkline, makeSparkline } from "./sparkline.js";
import { conditionText, formatValue, metricOf, waitText } from "./values.js";

/** What a card looks like beside the task itself, as far as it depends on devices and rules. */
export function devicePrint(task, view) {
  if (!task.device && !task.alarm && !task.done_when) return "";
  const waits = [...view.commands.values()].filter((command) => command.task === task.id).map(({ state }) => state);
  return JSON.stringify([view.devices.get(task.device)?.name, view.rules.get(task.alarm), waits]);
}

/** The parts of a card's last row that are about its device. */
export function deviceParts(task, view) {
  const parts = [];
  if (task.alarm) parts.push(alarmPart(task, view));
  if (task.done_when) {
    const text = t(task.verified ? "device.verified" : "device.waits", { what: waitText(task.done_when) });
    parts.push(h("span", { class: task.verified ? "wait met" : "wait", title: text }, icon("check"), waitText(task.done_when)));
  }
  if (task.device) parts.push(valuePart(task, view));
  return parts;
}

function alarmPart(task, view) {
  const rule = view.rules.get(task.alarm);
  const text = rule ? conditionText(rule) : t("rule.gone");
  const on = task.alarm_at !== null && task.alarm_at !== undefined;
  return h("span", { class: on ? "urgent" : "alarm-over", title: t(on ? "alarm.on" : "alarm.over", { what: text }) }, icon("activity"), text);
}

function valuePart(task, view) {
  const name = view.devices.get(task.device)?.name ?? task.device;
  const drawn = task.alarm || task.done_when ? [makeSparkline()] : [];
  return h("span", { class: "device", "data-device": task.device, title: t("field.device") }, icon("device"), name, h("b", { class: "live-value" }), ...drawn);
}

/** Puts newest values on the cards in `root`: of the devices given, else of all. */
export function refreshBadges(root, { view, telemetry }, devices = null) {
  for (const badge of root.querySelectorAll(".card [data-device]")) {
    const { device } = badge.dataset;
    if (devices && !devices.has(device)) continue;
    const task = view.tasks.get(badge.closest(".card").dataset.task);
    if (task === undefined) continue;
    const metric = metricOf(task, view, telemetry);
    const value = metric && telemetry.value(device, metric);
    setText(badge.querySelector(".live-value"), value ? formatValue(value.v) : "");
    const drawing = badge.querySelector(".sparkline");
    if (drawing && value) drawSparkline(drawing, telemetry.past(device, metric));
  }
}
