// Readings, times and rules of devices in words.

import { formatAgo, language, t } from "../i18n.js";

/** A reading as people write it: four digits are enough for a glance. */
export function formatValue(v) {
  if (v === undefined || v === null || !Number.isFinite(v)) return "–";
  const options = Math.abs(v) >= 1e7 || (v !== 0 && Math.abs(v) < 1e-4) ? { notation: "scientific", maximumSignificantDigits: 4 } : Math.abs(v) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 };
  return new Intl.NumberFormat(language(), options).format(v);
}

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]];

/** "5 min", "90 s": the largest unit that needs no fraction. */
export function formatSpan(ms) {
  const [unit, size] = UNITS.find(([, length]) => ms >= length && ms % length === 0) ?? ["s", 1000];
  return t(`span.${unit}`, { n: ms / size });
}

/** What is written in a field with a unit of its own: `[number, unit in ms]`. */
export function splitSpan(ms) {
  const [, size] = UNITS.find(([, length]) => ms >= length && ms % length === 0) ?? ["s", 1000];
  return [ms / size, size];
}

export const SPAN_UNITS = UNITS.map(([unit, size]) => [size, unit]).reverse();

/** "temp above −18 for 5 min": what a rule watches for, without its device. */
export function conditionText({ metric, when }) {
  const held = when.for_ms ? t("rule.held", { span: formatSpan(when.for_ms) }) : "";
  const values = { metric, value: formatValue(when.value), span: formatSpan(when.for_ms ?? 0), held };
  const text = t(`rule.is_${when.kind === "rate" && when.value < 0 ? "fall" : when.kind}`, when.kind === "rate" ? { ...values, value: formatValue(Math.abs(when.value)) } : values);
  return text.trim();
}

/** "temp below 5 for 10 min": what a card waits for. */
export function waitText({ metric, below, above, for_ms: forMs }) {
  const kind = above === undefined ? "below" : "above";
  return conditionText({ metric, when: { kind, value: above ?? below, for_ms: forMs } });
}

/** `{online, text}`: whether a device is here, or when it was last heard of. */
export function presenceOf(device, { client, telemetry }) {
  const online = [...client.people.values()].some(({ kind, user }) => kind === "device" && user.id === device.id);
  const seen = telemetry.lastSeen(device.id);
  if (device.disabled) return { online: false, text: t("device.disabled") };
  if (online) return { online, text: t("device.online") };
  return { online, text: seen === null ? t("device.never") : t("device.seen", { when: formatAgo(seen) }) };
}

/** The metric that matters on a card: its rule's, else the one it waits for, else the first there is. */
export function metricOf(task, view, telemetry) {
  return view.rules.get(task.alarm)?.metric ?? task.done_when?.metric ?? telemetry.newest(task.device)[0]?.metric;
}
