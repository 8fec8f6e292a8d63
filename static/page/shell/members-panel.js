// Who belongs to a board, and what each may do there, where there are no accounts (those have account/people.js). Owners
// change it; everybody may look.

import { changesOf } from "../../client/api.js";
import { arrange, h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { avatar } from "../people.js";
import { Panel } from "./panel.js";

const ROLES = ["owner", "editor", "commenter", "viewer"];
const LOOK_BACK = 500; // changes
const ID = /^[A-Za-z0-9_-]{1,64}$/;

export class MembersPanel {
  constructor({ scope, client, directory, actions }) {
    Object.assign(this, { client, directory, actions });
    this.rows = new Map(); // user id → element
    this.list = h("ul", { class: "entries" });
    this.open = h("p", { class: "hint panel-note" }, t("members.open"));
    this.known = h("datalist", { id: "members-known" });
    this.input = h("input", { class: "field", maxlength: "100", list: "members-known", placeholder: t("members.who"), "aria-label": t("members.who"), autocomplete: "off", oninput: () => this.input.setCustomValidity("") });
    this.role = roles(t("members.role"));
    this.role.value = "editor";
    this.form = h("form", { class: "row add-row", onsubmit: (event) => this.add(event) }, this.input, this.role, h("button", { class: "primary", type: "submit" }, t("members.add")), this.known);
    this.explained = h("dl", { class: "roles" }, ...ROLES.flatMap((role) => [h("dt", {}, t(`role.${role}`)), h("dd", { class: "hint" }, t(`role.${role}_may`))]));
    this.panel = new Panel(scope, t("members.heading"));
    for (const [source, type] of [[client, "change"], [client, "presence"], [directory, "change"]]) {
      scope.on(source, type, () => this.panel.open && this.render());
    }
  }

  get mayChange() {
    return this.client.role === "owner";
  }

  show() {
    this.panel.show(this.open, this.form, this.list, this.explained);
    this.render();
    this.learn();
  }

  /** The names of those who were not seen here yet, as far as the log has them. */
  async learn() {
    const { client, directory } = this;
    if ([...client.view.members.keys()].every((user) => directory.names.has(user))) return;
    const { items } = await changesOf(client.board, { limit: LOOK_BACK }).catch(() => ({ items: [] }));
    for (const { actor } of items.reverse()) directory.learn(actor);
  }

  render() {
    const { client, directory } = this;
    const { members } = client.view;
    const name = (user) => (directory.isMe(user) ? t("people.me", { name: this.name(user) }) : this.name(user));
    const sorted = [...members.values()].sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || (name(a.user) < name(b.user) ? -1 : 1));
    this.open.hidden = !this.mayChange || members.has(client.user?.id);
    this.form.hidden = !this.mayChange;
    const others = directory.people(client).filter(({ ids }) => !ids.some((id) => members.has(id)));
    this.known.replaceChildren(...others.map((person) => h("option", { value: person.name })));
    for (const user of this.rows.keys()) if (!members.has(user)) this.rows.delete(user);
    const owners = sorted.filter(({ role }) => role === "owner").length;
    arrange(this.list, sorted.map((member) => this.row(member, name(member.user), member.role === "owner" && owners === 1)));
  }

  name(user) {
    return this.directory.names.get(user) ?? user;
  }

  row({ user, role }, name, last) {
    const print = JSON.stringify([role, name, last, this.mayChange]);
    const before = this.rows.get(user);
    if (before?.print === print) return before;
    const choice = roles(t("members.role_of", { name }));
    choice.value = role;
    choice.disabled = last || !this.mayChange;
    choice.title = last ? t("members.last_owner") : "";
    choice.addEventListener("change", () => this.actions.setMember(user, choice.value, name));
    const remove = h("button", { class: "quiet danger", type: "button", disabled: choice.disabled, title: choice.title, "aria-label": t("members.remove", { name }), onclick: () => this.actions.removeMember(user, name) }, icon("close"));
    const id = this.name(user) === user ? null : h("p", { class: "hint" }, user);
    const row = h("li", { class: "entry member-row" }, avatar({ name: this.name(user) }), h("div", {}, h("strong", {}, name), id), choice, remove);
    row.print = print;
    if (before?.contains(document.activeElement)) requestAnimationFrame(() => row.querySelector("select").focus());
    this.rows.set(user, row);
    return row;
  }

  /** A name of somebody who was here, or an id. */
  add(event) {
    event.preventDefault();
    const wanted = this.input.value.trim();
    if (wanted === "") return;
    const known = this.directory.people(this.client).find(({ name }) => name.toLocaleLowerCase() === wanted.toLocaleLowerCase());
    const user = known?.id ?? (ID.test(wanted) ? wanted : null);
    if (user === null) {
      this.input.setCustomValidity(t("members.unknown"));
      this.input.reportValidity();
      return;
    }
    this.actions.setMember(user, this.role.value, known?.name ?? user);
    this.input.value = "";
    this.input.focus();
  }
}

function roles(label) {
  return h("select", { class: "field role", "aria-label": label }, ...ROLES.map((role) => h("option", { value: role }, t(`role.${role}`))));
}
