// The people of one board: who may what, who is invited, who may read it; and what was done about that.

import { h } from "../dom.js";
import { formatTime, t } from "../i18n.js";
import { ask, askAll, explain } from "./ask.js";
import { form } from "./form.js";
import { leaveBoard } from "./leave.js";
import { invitations } from "./me.js";

const ROLES = ["owner", "editor", "commenter", "viewer"];
const VISIBILITIES = ["private", "members", "link"];
const roles = () => ROLES.map((role) => [role, t(`role.${role}`)]);
const section = (title, ...content) => h("section", { class: "panel", "aria-label": title }, h("h2", {}, title), ...content);

/** `me`: as `/api/me` tells. Whoever is no owner sees who is here, and may leave. */
export async function people(me) {
  const board = new URLSearchParams(location.search).get("board") ?? "";
  const base = `/api/boards/${encodeURIComponent(board)}`;
  const info = await ask("GET", base);
  const owns = me.admin || info.members.some(({ user, role }) => user === me.id && role === "owner");
  const wrong = h("p", { class: "wrong", role: "alert" });
  const attempt = async (work) => {
    wrong.textContent = "";
    try {
      await work();
    } catch (error) {
      wrong.textContent = explain(error, { conflict: t("account.last_owner"), forbidden: t("account.owners_only") });
    }
  };
  const names = new Map();
  const members = h("ul", { class: "entries" });
  const show = async () => {
    const items = await askAll(`${base}/members`);
    for (const { user, name } of items) names.set(user, name || user);
    members.replaceChildren(...items.map((member) => row(member)));
  };
  const change = (path, method, body) => attempt(() => ask(method, path, body)).then(show);
  const leave = () => leaveBoard({ board, name: info.name, me: me.id }).catch(({ message }) => { wrong.textContent = message; });
  const row = ({ user, name, role }) => {
    const [path, mine] = [`${base}/members/${user}`, user === me.id];
    const gone = h("button", {
      type: "button", class: "danger", "aria-label": mine ? t("account.leave") : `${t("account.remove")}: ${name || user}`,
      onclick: mine ? leave : () => change(path, "DELETE"),
    }, t(mine ? "account.leave" : "account.remove"));
    return h("li", {}, h("div", { class: "what" }, name || user), h("div", { class: "line" },
      roleOf({ name: name || user, role, fixed: !owns }, (chosen) => change(path, "PATCH", { role: chosen })),
      owns || mine ? gone : null));
  };
  await show();
  const head = h("h1", {}, t("account.people_of", { board: info.name }));
  const back = h("a", { href: `/b/${encodeURIComponent(board)}` }, t("account.to_board"));
  if (!owns) return [head, wrong, section(t("account.members"), h("p", { class: "hint" }, t("account.owners_only")), members), back];
  return [
    head, wrong,
    section(t("account.visibility"), visibility(base, info, attempt)),
    section(t("account.members"), members, newMember(base, show)),
    invitations(`${base}/invitations`, roles(), names),
    await record(base, names),
    back,
  ];
}

function roleOf({ name, role, fixed }, choose) {
  return h("select", { "aria-label": t("account.role_of", { name }), disabled: fixed, onchange: ({ target }) => choose(target.value) },
    ...roles().map(([key, text]) => h("option", { value: key, selected: key === role }, text)));
}

function newMember(base, show) {
  return form({
    fields: [
      { name: "login", label: t("account.login"), required: true, autocomplete: "off", autocapitalize: "none", maxlength: "64" },
      { name: "role", label: t("account.role"), options: roles(), value: "editor" },
    ],
    submit: t("account.add"),
    run: async ({ login, role }) => {
      await ask("POST", `${base}/members`, { login: login.toLowerCase(), role });
      await show();
    },
    told: { not_found: t("account.nobody"), forbidden: t("account.owners_only") },
  });
}

function visibility(base, info, attempt) {
  const select = h("select", {
    "aria-label": t("account.visibility"),
    onchange: () => attempt(() => ask("PATCH", base, { visibility: select.value })),
  }, ...VISIBILITIES.map((one) => h("option", { value: one, selected: one === (info.visibility ?? "private") }, t(`visibility.${one}`))));
  return select;
}

async function record(base, names) {
  const named = (about) => about.replace(/u_[0-9a-f]{16}/g, (id) => names.get(id) ?? id);
  const { items } = await ask("GET", `${base}/audit?limit=20`).catch(() => ({ items: [] }));
  return section(t("account.audit"), h("ul", { class: "entries" }, ...items.map((one) =>
    h("li", {}, h("div", { class: "what" }, noted(one, named(one.about ?? ""))), h("span", { class: "hint" }, formatTime(one.at))))));
}

/** An entry of the record in the reader's language; as it was written where there is no sentence for it. */
function noted({ who, what, about }, named) {
  const said = named.replace(/: removed\b/g, "").replace(/\b(owner|editor|commenter|viewer)\b/g, (role) => t(`role.${role}`))
    .replace(/^visibility: (private|members|link)$/, (_, one) => t(`visibility.${one}`));
  const text = t(`audit.${what}`, { who: who.name, about: said });
  return text.startsWith("audit.") ? `${who.name}: ${what} ${about ?? ""}` : text;
}
