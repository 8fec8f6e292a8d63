// All devices of the board: who is here, what they measure now; a new one, and what can be done to each.

import { post } from "../../client/api.js";
import { pathOf } from "../../client/telemetry.js";
import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "../shell/ask.js";
import { copy } from "../shell/collisions.js";
import { Panel, nothing } from "../shell/panel.js";
import { drawSparkline, makeSparkline } from "../readings/sparkline.js";
import { formatValue, presenceOf } from "../readings/values.js";

const SHOWN_METRICS = 3; // of one device, in the list

export class DevicesPanel {
  /** `open(device, metric)` shows one. */
  constructor(workspace, { open }) {
    Object.assign(this, { workspace, open });
    this.client = workspace.client;
    this.telemetry = workspace.telemetry;
    this.rows = new Map(); // device → its parts that change
    const add = h("button", { class: "primary", type: "button", onclick: () => this.add() }, icon("plus"), t("device.add"));
    this.adder = add;
    this.panel = new Panel(workspace.scope, t("devices"), { tools: [add], kind: "panel devices-panel" });
    const { scope } = workspace;
    scope.on(this.client, "change", () => this.panel.open && this.render());
    scope.on(this.client, "presence", () => this.panel.open && this.refresh());
    scope.on(this.telemetry, "change", ({ detail }) => this.panel.open && this.refresh(detail));
  }

  show() {
    this.print = null;
    this.panel.show();
    this.render();
  }

  get devices() {
    return [...(this.client.view?.devices.values() ?? [])].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }

  render() {
    const { devices } = this;
    const print = JSON.stringify([devices, this.workspace.mayManage]);
    if (print === this.print) return;
    this.print = print;
    this.adder.hidden = !this.workspace.mayManage;
    this.rows.clear();
    const list = h("ul", { class: "entries" }, ...devices.map((device) => this.row(device)));
    this.panel.show(devices.length > 0 ? list : nothing(t("device.none"), t("device.none_hint")));
    this.refresh();
  }

  row(device) {
    const state = h("p", { class: "hint device-state" });
    const values = h("ul", { class: "readings" });
    const more = h("button", { class: "quiet", type: "button", "aria-label": t("device.menu_of", { name: device.name }), "aria-haspopup": "menu", hidden: !this.workspace.mayManage, onclick: () => this.manage(device.id, more) }, icon("more"));
    const others = h("button", { class: "link", type: "button", hidden: true, onclick: () => this.enter(device.id) });
    this.rows.set(device.id, { state, values, others, drawn: new Map() });
    const shared = this.devices.filter(({ name }) => name === device.name).length > 1;
    const open = h("button", { class: "entry-open", type: "button", onclick: () => this.enter(device.id) }, device.name);
    const tags = device.tags.map((tag) => h("span", { class: "label" }, tag));
    return h("li", { class: `entry ${device.disabled ? "disabled" : ""}`, "data-device": device.id }, icon("device"), h("div", {}, open, shared ? h("code", { class: "hint" }, device.id) : null, state, tags.length > 0 ? h("p", { class: "labels" }, ...tags) : null, values, others), more);
  }

  enter(device, metric) {
    this.panel.close();
    this.open(device, metric);
  }

  /** Puts newest values in place: of the devices given, else of all. */
  refresh(changed = null) {
    for (const device of this.devices) {
      const row = this.rows.get(device.id);
      if (row === undefined) continue;
      const { online, text } = presenceOf(device, this);
      row.state.classList.toggle("online", online);
      setText(row.state, text);
      if (changed === null || changed.has(device.id)) this.readings(device.id, row);
    }
  }

  readings(device, { values, others, drawn }) {
    const newest = this.telemetry.newest(device);
    others.hidden = newest.length <= SHOWN_METRICS;
    setText(others, t("device.more_metrics", { n: newest.length - SHOWN_METRICS }));
    for (const { metric, v } of newest.slice(0, SHOWN_METRICS)) {
      if (!drawn.has(metric)) {
        const parts = { value: h("b", {}), line: makeSparkline() };
        drawn.set(metric, parts);
        values.append(h("li", {}, h("button", { class: "reading", type: "button", onclick: () => this.enter(device, metric) }, h("span", {}, metric), parts.line, parts.value)));
      }
      const { value, line } = drawn.get(metric);
      setText(value, formatValue(v));
      drawSparkline(line, this.telemetry.past(device, metric));
    }
  }

  // -- what can be done to one

  manage(id, anchor) {
    const device = this.client.view.devices.get(id);
    const { client } = this;
    this.workspace.app.menu.show(anchor, device.name, [
      { label: t("device.edit"), icon: "pencil", run: () => this.edit(device) },
      { label: t("device.new_token"), icon: "share", run: () => this.renew(device) },
      { label: t(device.disabled ? "device.enable" : "device.disable"), icon: "archive", run: () => client.mutate("device.update", { device: id, disabled: !device.disabled }) },
      null,
      { label: t("delete"), icon: "trash", danger: true, run: () => this.remove(device) },
    ], () => anchor.isConnected && anchor.focus());
  }

  async add() {
    const answer = await this.form(t("device.add"), { name: "", tags: [] });
    if (answer === null) return;
    try {
      const { device, token } = await post(`/api/boards/${encodeURIComponent(this.client.board)}/devices`, answer);
      await showToken(device, token);
    } catch (error) {
      this.workspace.toasts.show(t("device.add_failed", { reason: error.message ?? error }));
    }
  }

  async edit(device) {
    const answer = await this.form(t("device.edit"), device);
    if (answer !== null) this.client.mutate("device.update", { device: device.id, ...answer });
  }

  async form(heading, { name, tags }) {
    const named = h("input", { class: "field", id: "device-name", required: true, maxlength: "200", pattern: ".*\\S.*", value: name });
    const tagged = h("input", { class: "field", id: "device-tags", maxlength: "500", value: tags.join(", ") });
    const content = [
      h("label", { class: "field-label", for: "device-name" }, t("device.name")), named,
      h("label", { class: "field-label", for: "device-tags" }, t("device.tags_hint")), tagged,
    ];
    if ((await ask({ heading, content, choices: [["ok", t("save"), "primary"]] })) !== "ok") return null;
    const words = [...new Set(tagged.value.split(",").map((one) => one.trim()).filter(Boolean))];
    return { name: named.value.trim(), tags: words.slice(0, 10).map((one) => one.slice(0, 50)) };
  }

  async renew(device) {
    const sure = await ask({ heading: t("device.new_token"), content: [h("p", {}, t("device.new_token_sure", { name: device.name }))], choices: [["ok", t("device.new_token"), "primary"]] });
    if (sure !== "ok") return;
    try {
      const { token } = await post(`${pathOf(this.client.board, device.id)}/token`);
      await showToken(device, token);
    } catch (error) {
      this.workspace.toasts.show(t("device.add_failed", { reason: error.message ?? error }));
    }
  }

  remove(device) {
    this.client.mutate("device.delete", { device: device.id });
    const back = () => this.client.mutate("device.restore", { device: device.id });
    this.workspace.toasts.show(t("device.removed", { name: device.name }), { actions: [[t("undo"), back]] });
  }
}

/** The token, this once, with the line that sends a first value. */
function showToken(device, token) {
  const line = `curl -s ${location.origin}/api/telemetry -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"temp": 21.5}'`;
  const shown = (id, key, text) => [
    h("label", { class: "field-label", for: id }, t(key)),
    h("div", { class: "row copy-row" }, h("textarea", { class: "field", id, rows: text.length > 80 ? "3" : "2", readonly: true, spellcheck: "false", onfocus: (event) => event.target.select() }, text),
      h("button", { class: "quiet", type: "button", onclick: () => copy(text) }, t("copy"))),
  ];
  const content = [h("p", {}, t("device.token_once", { name: device.name })), ...shown("device-token", "device.token", token), ...shown("device-curl", "device.curl", line)];
  return ask({ heading: device.name, content, choices: [], cancel: t("device.token_kept") });
}
