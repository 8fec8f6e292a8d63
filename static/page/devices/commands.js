// Commands to a device, from its page or from a card: send one, see what has become of those before.

import { h, setText } from "../dom.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { conditionText } from "../readings/values.js";

const SHOWN = 8;
const NAME = "[A-Za-z0-9_.\\-]{1,64}";
const MINUTE_MS = 60_000;
const LIFETIMES = [[5 * MINUTE_MS, "5min"], [60 * MINUTE_MS, "1h"], [24 * 60 * MINUTE_MS, "1d"], [7 * 24 * 60 * MINUTE_MS, "7d"]];
let count = 0;

export class Commands {
  constructor(workspace) {
    this.workspace = workspace;
    this.client = workspace.client;
    this.device = null;
    this.task = null;
    const id = `command-${++count}`;
    this.name = h("input", { class: "field", id, pattern: NAME, maxlength: "64", required: true, list: `${id}-known`, autocomplete: "off", spellcheck: "false", placeholder: t("command.placeholder") });
    this.known = h("datalist", { id: `${id}-known` });
    this.args = h("textarea", { class: "field", id: `${id}-args`, rows: "2", spellcheck: "false", placeholder: t("command.args_placeholder") });
    this.life = h("select", { class: "field", id: `${id}-life` }, ...LIFETIMES.map(([ms, name]) => h("option", { value: ms }, t(`life.${name}`))));
    this.life.value = String(LIFETIMES[1][0]);
    this.problem = h("p", { class: "hint", role: "status" });
    const label = (of, key) => h("label", { class: "field-label", for: of }, t(key));
    this.form = h("form", { class: "command-form", onsubmit: (event) => this.submit(event) },
      label(id, "command.name"), this.name, this.known, label(`${id}-args`, "command.args"), this.args, label(`${id}-life`, "command.life"),
      h("div", { class: "row" }, this.life, h("button", { class: "primary", type: "submit" }, t("command.send"))), this.problem);
    this.compose = h("details", { class: "command-compose" }, h("summary", {}, t("command.new")), this.form);
    this.list = h("ol", { class: "commands" });
    this.element = h("section", { class: "card-section" }, h("h3", {}, t("command.heading")), this.list, this.compose);
    this.element.addEventListener("keydown", (event) => event.key === "Enter" && event.target.localName === "input" && this.submit(event));
  }

  /** Of which device, and from which card, if any. */
  about({ device, task = null }) {
    if (this.device === device && this.task === task) return;
    Object.assign(this, { device, task, print: null });
    this.compose.open = false;
    this.form.querySelectorAll("input, textarea").forEach((field) => (field.value = ""));
    setText(this.problem, "");
  }

  get all() {
    const { view } = this.client;
    const mine = [...view.commands.values()].filter((one) => (this.task ? one.task === this.task : one.device === this.device));
    return mine.sort((a, b) => (b.created_at ?? Infinity) - (a.created_at ?? Infinity));
  }

  render() {
    const { all } = this;
    const print = JSON.stringify([all.slice(0, SHOWN), this.workspace.mayEdit, this.device]);
    if (print === this.print) return;
    this.print = print;
    this.compose.hidden = !this.workspace.mayEdit || this.device === null;
    this.element.hidden = this.compose.hidden && all.length === 0;
    this.list.replaceChildren(...all.slice(0, SHOWN).map((one) => this.row(one)));
    const names = [...new Set([...this.client.view.commands.values()].map(({ name }) => name))];
    this.known.replaceChildren(...names.map((name) => h("option", { value: name })));
  }

  /** One that is not on the server yet is mine, and of now. */
  row({ name, args, state, result, created_at: at = Date.now(), created_by: by = this.client.user?.id ?? "", settled_at: settled }) {
    const told = Object.entries(args).map(([key, value]) => `${key} = ${value}`).join(", ");
    const answer = result === null || result === undefined ? "" : `: ${result}`;
    const when = formatTime(settled ?? at);
    return h("li", { class: `command ${state}` },
      h("p", {}, h("strong", {}, name), told ? ` (${told})` : "", " ", h("span", { class: `command-state ${state}`, title: when }, t(`command.${state}`) + answer)),
      h("p", { class: "hint" }, t("command.by", { who: this.who(by), when: formatAgo(at) })));
  }

  /** A rule is called by what it watches. */
  who(id) {
    if (!id.startsWith("rule.")) return this.workspace.name(id);
    const rule = this.client.view.rules.get(id.slice("rule.".length));
    return rule ? conditionText(rule) : t("rule.gone");
  }

  // -- sending

  submit(event) {
    event.preventDefault();
    event.stopPropagation();
    if (!this.name.reportValidity()) return;
    const args = parseArgs(this.args.value);
    if (args === null) return void setText(this.problem, t("command.bad_args"));
    const { client, device, task } = this;
    const wish = { command: client.newId("c"), device, name: this.name.value.trim(), args, expires_at: Date.now() + Number(this.life.value) };
    client.mutate("command.send", task ? { ...wish, task } : wish);
    setText(this.problem, "");
    this.workspace.say(t("command.said", { name: wish.name }));
    this.name.value = this.args.value = "";
    this.compose.open = false;
    this.compose.firstChild.focus();
  }
}

/** The other way round: what `parseArgs` reads. */
export function argsText(args) {
  return Object.entries(args).map(([name, value]) => `${name} = ${value}`).join("\n");
}

/** Lines of `name = value` as an object; null when one is none. Numbers, `true`, `false` are meant as such. */
export function parseArgs(text) {
  const args = {};
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const [, name, value] = /^\s*([A-Za-z0-9_-]{1,64})\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) return null;
    args[name] = scalar(value);
  }
  return args;
}

function scalar(text) {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text))) return Number(text);
  return text;
}
