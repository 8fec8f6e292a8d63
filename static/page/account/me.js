// One's own account: name, password, where one is signed in, tokens for programs; invitations, for administrators.

import { nameOf, openStore } from "../../client/store.js";
import { h } from "../dom.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { ask as askPerson } from "../shell/ask.js";
import { ask, askAll, explain } from "./ask.js";
import { forget } from "./door.js";
import { form, nameField, once, passwordField } from "./form.js";

const section = (title, ...content) => h("section", { class: "panel", "aria-label": title }, h("h2", {}, title), ...content);

/** A list that is read again after each change. `row(item)` → [text, hint, action text, path]. */
export function list(path, row) {
  const entries = h("ul", { class: "entries" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const show = async () => {
    const items = await askAll(path);
    entries.replaceChildren(...items.map((item) => entry(row(item), show, wrong)));
    if (items.length === 0) entries.replaceChildren(h("li", { class: "hint" }, t("account.none")));
  };
  show().catch((error) => { wrong.textContent = explain(error); });
  return { element: h("div", {}, entries, wrong), show };
}

function entry([text, hint, action, path], show, wrong) {
  const end = async () => {
    try {
      await ask("DELETE", path);
      await show();
    } catch (error) {
      wrong.textContent = explain(error);
    }
  };
  return h("li", {}, h("div", { class: "what" }, h("div", {}, text), h("div", { class: "hint" }, hint)),
    action ? h("button", { type: "button", class: "danger", onclick: end, "aria-label": `${action}: ${text}` }, action) : null);
}

export async function me(who) {
  const programs = tokens();
  const parts = [name(who), password(programs.show), sessions(), programs.section];
  if (who.admin) parts.push(invitations("/api/invitations"));
  return [h("h1", {}, t("account.mine")), h("p", { class: "hint" }, t("account.signed_in_as", { login: who.login })), ...parts, signOut(who)];
}

function name(who) {
  return section(t("account.name"), form({
    fields: [nameField(who.name)], submit: t("save"), run: async (values) => { await ask("PATCH", "/api/me", values); }, 
  }));
}

/** `ended()` is called when the tokens may have ended with it. */
function password(ended) {
  return section(t("account.change_password"), h("p", { class: "hint" }, t("account.change_hint")), form({
    fields: [
      { name: "current", label: t("account.current"), type: "password", autocomplete: "current-password", required: true, maxlength: "200" },
      { ...passwordField(), label: t("account.new_password") },
      { name: "end", label: t("account.end_tokens"), options: [["", t("account.keep_them")], ["yes", t("account.end_them")]] },
    ],
    submit: t("account.change_password"),
    run: async ({ end, ...values }) => {
      await ask("POST", "/api/me/password", { ...values, end_tokens: end !== "" });
      await ended();
    },
    told: { forbidden: t("account.wrong_current") },
    done: t("account.changed"),
  }));
}

function sessions() {
  const { element } = list("/api/me/sessions", (one) => [
    one.agent || t("account.some_browser"),
    one.current ? t("account.this_one") : t("account.seen", { when: formatAgo(one.seen_at) }),
    one.current ? "" : t("account.end"),
    `/api/me/sessions/${one.id}`,
  ]);
  return section(t("account.sessions"), element);
}

function tokens() {
  const shown = h("div");
  const { element, show } = list("/api/me/tokens", (one) => [
    one.name,
    `${t(one.write ? "account.writes" : "account.reads")} · ${one.boards === null ? t("account.all_boards") : one.boards.join(", ")} · ${t("account.until", { day: formatTime(one.expires_at, { dateStyle: "medium" }) })}`,
    t("account.revoke"),
    `/api/me/tokens/${one.id}`,
  ]);
  const all = section(t("account.tokens"), h("p", { class: "hint" }, t("account.tokens_hint")), element, shown, form({
    fields: [
      { ...nameField(), label: t("account.token_name"), autocomplete: "off" },
      { name: "write", label: t("account.may"), options: [["", t("account.reads")], ["yes", t("account.writes")]] },
      { name: "boards", label: t("account.boards"), hint: t("account.boards_hint"), autocomplete: "off", pattern: "[A-Za-z0-9_\\-, ]*" },
      { name: "days", label: t("account.days"), type: "number", value: "90", min: "1", max: "400", required: true },
    ],
    submit: t("account.make_token"),
    run: async ({ name: called, write, boards, days }) => {
      const only = boards.split(/[ ,]+/).filter(Boolean);
      const { text } = await ask("POST", "/api/me/tokens", { name: called, write: write !== "", boards: only.length > 0 ? only : null, days: Number(days) });
      shown.replaceChildren(once(text));
      await show();
    },
  }));
  return { section: all, show };
}

/** `roles`: the choice of a role, for a board; `names`: of its people, by id: of those who made invitations, too. */
export function invitations(path, roles = null, names = new Map()) {
  const shown = h("div");
  const { element, show } = list(path, (one) => [
    one.role === null ? t("account.to_server") : t(`role.${one.role}`),
    `${t("account.uses_left", { n: one.uses })} · ${t("account.until", { day: formatTime(one.expires_at, { dateStyle: "medium" }) })}${names.has(one.created_by) ? ` · ${t("account.made_by", { name: names.get(one.created_by) })}` : ""}`,
    t("account.revoke"),
    `${path}/${one.id}`,
  ]);
  return section(t("account.invitations"), h("p", { class: "hint" }, t("account.invitations_hint")), element, shown, form({
    fields: [
      ...(roles === null ? [] : [{ name: "role", label: t("account.role"), options: roles, value: "editor" }]),
      { name: "uses", label: t("account.uses"), type: "number", value: "1", min: "1", max: "1000", required: true },
      { name: "days", label: t("account.days"), type: "number", value: "7", min: "1", max: "400", required: true },
    ],
    submit: t("account.invite"),
    run: async ({ uses, days, ...more }) => {
      const made = await ask("POST", path, { ...more, uses: Number(uses), days: Number(days) });
      shown.replaceChildren(once(new URL(made.path, location.origin).href, t("account.send")));
      await show();
    },
  }));
}

function signOut(who) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const out = async () => {
    if (!(await mayLose(who.id))) return;
    try {
      await ask("DELETE", "/api/session");
    } catch (error) {
      if (error.code !== "unauthenticated") { // then it has ended already
        wrong.textContent = explain(error);
        return;
      }
    }
    takeAway(who.id);
    location.assign("/account/sign-in");
  };
  return h("div", {}, wrong, h("div", { class: "line" }, h("button", { type: "button", onclick: out }, t("account.sign_out"))));
}

/** Whether what was not sent may go, too. */
async function mayLose(owner) {
  const store = await openStore(owner);
  const unsent = (await store.keys("queue").catch(() => [])).length;
  store.end();
  if (unsent === 0) return true;
  const choices = [["out", t("account.sign_out"), "danger"]];
  return (await askPerson({ heading: t("account.sign_out"), content: [h("p", {}, t("account.unsent", { n: unsent }))], choices })) === "out";
}

/** What this browser keeps of boards is not for whoever sits here next. Their other pages close their stores. */
function takeAway(owner) {
  forget();
  const name = nameOf(owner);
  try {
    indexedDB.deleteDatabase(name);
    sessionStorage.clear();
    for (const key of Object.keys(localStorage)) if (key.startsWith(`${name}.`)) localStorage.removeItem(key);
  } catch {
    // it keeps nothing
  }
}
