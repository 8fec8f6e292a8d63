// A rule, made or changed: what to watch, when it is not well, which card to open. It can be tried on the past first.

import { post } from "../../client/api.js";
import { h, setText } from "../dom.js";
import { formatTime, t } from "../i18n.js";
import { ask } from "../shell/ask.js";
import { argsText, parseArgs } from "./commands.js";
import { SpanField } from "./span-field.js";
import { formatSpan } from "../readings/values.js";

const KINDS = ["above", "below", "rate", "silent", "anomaly"];
const PRIORITIES = ["none", "low", "medium", "high", "urgent"];
const LEAST_SPAN_MS = 1000; // of a rate, and of silence
const WEEK_MS = 7 * 86_400_000;
const SHOWN = 5;

/** Resolves to `{rule}`, `{remove: true}`, or null. `rule`: the one to change; null: a new one about `device`. */
export async function editRule({ client, workspace, rule, device, metric }) {
  const form = new RuleForm({ client, workspace, rule, device, metric });
  const choices = [["save", t("save"), "primary"], ...(rule ? [["remove", t("rule.remove"), "danger"]] : [])];
  const answer = await ask({ heading: t(rule ? "rule.edit" : "rule.add"), content: form.content, choices });
  if (answer === "remove") return { remove: true };
  return answer === "save" ? { rule: form.rule } : null;
}

class RuleForm {
  constructor({ client, workspace, rule, device, metric }) {
    Object.assign(this, { client, workspace, known: rule });
    const when = rule?.when ?? { kind: "above" };
    const then = rule?.then ?? { priority: "none" };
    const changed = () => this.changed();
    this.device = select("rule-device", [[device, client.view.devices.get(device)?.name ?? device], ["*", t("rule.every")]], rule?.device ?? device, changed);
    this.metric = h("input", { class: "field", id: "rule-metric", required: true, pattern: "[A-Za-z0-9_.\\-]{1,64}", list: "rule-metrics", value: rule?.metric ?? metric ?? "", oninput: changed });
    const names = new Set(workspace.telemetry.newest(device).map((one) => one.metric));
    this.metrics = h("datalist", { id: "rule-metrics" }, ...[...names].map((name) => h("option", { value: name })));
    this.kind = select("rule-kind", KINDS.map((kind) => [kind, t(`rule.kind_${kind}`)]), when.kind, changed);
    this.value = number("rule-value", when.value, changed);
    this.clear = number("rule-clear", when.clear, changed);
    this.span = new SpanField("rule-span", when.for_ms ?? null, { oninput: changed });
    this.title = h("input", { class: "field", id: "rule-title", required: true, maxlength: "200", pattern: ".*\\S.*", value: then.title ?? t("rule.title_example") });
    this.column = select("rule-column", client.view.sortedColumns().filter(({ done }) => !done).map(({ id, title }) => [id, title]), then.column);
    this.priority = select("rule-priority", PRIORITIES.map((name) => [name, t(`priority.${name}`)]), then.priority ?? "none");
    this.completes = h("input", { type: "checkbox", id: "rule-completes", checked: then.complete_on_clear === true });
    this.command = h("input", { class: "field", id: "rule-command", pattern: "[A-Za-z0-9_.\\-]{1,64}", value: then.command?.name ?? "", placeholder: t("rule.command_none"), oninput: changed });
    this.args = h("textarea", { class: "field", id: "rule-args", rows: "2", spellcheck: "false", placeholder: t("command.args_placeholder"), oninput: changed }, argsText(then.command?.args ?? {}));
    this.assigned = new Set(then.assignees ?? []);
    this.people = h("details", { class: "people-choices" }, (this.chosen = h("summary", { class: "field" })), h("div", {}, ...this.choices()));
    this.result = h("div", { class: "trial", role: "status" });
    this.try = h("button", { class: "quiet", type: "button", onclick: () => this.trial() }, t("rule.try"));
    this.content = this.layout();
    this.changed();
  }

  layout() {
    this.valueRow = field("rule-value", "rule.value", this.value);
    this.clearRow = field("rule-clear", "rule.clear", this.clear);
    this.argsRow = field("rule-args", "command.args", this.args);
    this.spanRow = h("div", { class: "fact" }, (this.spanLabel = h("label", { class: "field-label", for: "rule-span" })), this.span.element);
    return [
      h("div", { class: "rule-grid" },
        field("rule-device", "rule.device", this.device), field("rule-metric", "device.metric", this.metric), this.metrics,
        field("rule-kind", "rule.kind", this.kind), this.valueRow, this.clearRow, this.spanRow),
      h("p", { class: "field-label rule-part" }, t("rule.card")),
      h("div", { class: "rule-grid" },
        field("rule-title", "field.title", this.title), field("rule-column", "field.column", this.column), field("rule-priority", "field.priority", this.priority), h("div", { class: "fact" }, h("span", { class: "field-label" }, t("field.assignees")), this.people),
        field("rule-command", "rule.command", this.command), this.argsRow),
      h("label", { class: "choice" }, this.completes, t("rule.completes")),
      h("div", { class: "row" }, this.try), this.result,
    ];
  }

  /** A box for each person, also for who is assigned and has left; somebody with several ids is taken off with all of them. */
  choices() {
    const people = this.workspace.directory.people(this.client);
    const gone = [...this.assigned].filter((id) => !people.some(({ ids }) => ids.includes(id)));
    const all = [...people, ...gone.map((id) => ({ id, name: this.workspace.name(id), me: false, ids: [id] }))];
    return all.map(({ id, name, me, ids }) => {
      const toggle = ({ target }) => {
        if (target.checked) this.assigned.add(id);
        else ids.forEach((one) => this.assigned.delete(one));
        this.changed();
      };
      const box = h("input", { type: "checkbox", checked: ids.some((one) => this.assigned.has(one)), onchange: toggle });
      return h("label", { class: "choice" }, box, me ? t("people.me", { name }) : name);
    });
  }

  /** What does not belong to the kind is not asked for. */
  changed() {
    const kind = this.kind.value;
    const valued = ["above", "below", "rate"].includes(kind);
    this.valueRow.hidden = this.clearRow.hidden = !valued;
    this.value.required = valued;
    const spanned = kind === "rate" || kind === "silent";
    this.span.number.required = spanned;
    setText(this.spanLabel, t(spanned ? "rule.within" : "rule.for"));
    this.argsRow.hidden = this.command.value.trim() === "";
    this.args.setCustomValidity(this.argsRow.hidden || parseArgs(this.args.value) ? "" : t("command.bad_args"));
    const names = [...new Set([...this.assigned].map((id) => this.workspace.name(id)))];
    setText(this.chosen, names.join(", ") || t("people.assign"));
    setText(this.result, "");
  }

  /** As the protocol has it. */
  get rule() {
    const kind = this.kind.value;
    const when = { kind };
    if (!this.valueRow.hidden) {
      when.value = Number(this.value.value);
      if (this.clear.value !== "") when.clear = Number(this.clear.value);
    }
    const least = this.span.number.required ? LEAST_SPAN_MS : 0;
    when.for_ms = Math.min(WEEK_MS, Math.max(least, this.span.ms));
    const then = { ...this.known?.then, title: this.title.value.trim(), column: this.column.value, priority: this.priority.value, complete_on_clear: this.completes.checked, assignees: [...this.assigned] };
    const name = this.command.value.trim();
    if (name === "") delete then.command;
    else if (then.command?.name !== name || argsText(then.command.args ?? {}) !== this.args.value) { // lists are left as they are
      then.command = { ...(then.command?.name === name ? then.command : {}), name, args: parseArgs(this.args.value) ?? {} };
    }
    return { id: this.known?.id ?? this.client.newId("r"), device: this.device.value, metric: this.metric.value.trim(), when, then };
  }

  async trial() {
    const wrong = [this.metric, this.value, this.span.number, this.title, this.args].find((one) => !one.checkValidity());
    if (wrong) return wrong.reportValidity();
    setText(this.result, t("loading"));
    try {
      const to = Date.now();
      const found = await post(`/api/boards/${encodeURIComponent(this.client.board)}/rules/trial`, { rule: this.rule, from: to - WEEK_MS, to });
      return this.result.replaceChildren(...this.told(found));
    } catch (error) {
      return setText(this.result, t("rule.try_failed", { reason: error.message ?? error }));
    }
  }

  told({ cards, devices, more }) {
    const name = (id) => this.client.view.devices.get(id)?.name ?? id;
    const openings = devices.flatMap(({ device, turns }) => turns.filter(({ turn }) => turn === "opened").map((one) => ({ ...one, device })));
    const items = openings.sort((x, y) => y.at - x.at).slice(0, SHOWN).map(({ device, at, reason }) => h("li", {}, `${formatTime(at)}, ${name(device)}: ${reason}`));
    const note = more ? [h("p", { class: "hint" }, t("rule.tried_part"))] : [];
    return [h("p", {}, h("strong", {}, t("rule.tried", { n: cards, span: formatSpan(WEEK_MS) }))), ...note, ...(items.length > 0 ? [h("ul", { class: "hint" }, ...items)] : [])];
  }
}

function field(id, key, control) {
  return h("div", { class: "fact" }, h("label", { class: "field-label", for: id }, t(key)), control);
}

function number(id, value, oninput) {
  return h("input", { class: "field", id, type: "number", step: "any", value: value ?? "", oninput });
}

function select(id, options, value, onchange = () => {}) {
  const element = h("select", { class: "field", id, onchange }, ...options.map(([key, label]) => h("option", { value: key }, label)));
  if (value !== undefined && value !== null) element.value = value;
  return element;
}
