// The pages of the door: signing in, the first account, an invitation, a new password.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { ask, askWho, explain } from "./ask.js";
import { remember } from "./door.js";
import { form, loginField, nameField, passwordField } from "./form.js";

/** Where somebody wanted to go: a page of ours, never another site. What is behind the # stays there. */
export function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  if (!wanted.startsWith("/") || !URL.canParse(wanted, location.origin)) return "/";
  const { origin, pathname, search, hash } = new URL(wanted, location.origin);
  return origin === location.origin && !pathname.startsWith("//") ? pathname + search + hash : "/"; // `//name` is another site
}

const secret = () => location.hash.slice(1);
const go = (path) => location.assign(path);

/** Signs in, one way or another: the answer says who it is. */
async function enter(path, body) {
  remember(await ask("POST", path, body));
}
const panel = (title, ...content) => [h("h1", {}, title), h("section", { class: "panel" }, ...content)];
const note = (text) => h("p", { class: "hint" }, text);
const link = (path, text) => h("a", { href: path }, text);

const known = () => ({
  conflict: t("account.taken"), unauthenticated: t("account.used"), forbidden: t("account.closed"), not_found: t("account.no_invitation"),
});

export async function signIn(entrance) {
  if (entrance.mode === "open") return panel(t("account.sign_in"), note(t("account.open_mode")), link("/", t("account.to_board")));
  if (entrance.setup) return panel(t("account.setup"), note(t("account.setup_first")));
  const back = `?next=${encodeURIComponent(next())}`;
  return panel(t("account.sign_in"),
    form({
      fields: [
        { name: "login", label: t("account.login"), autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false", maxlength: "200" },
        { name: "password", label: t("account.password"), type: "password", autocomplete: "current-password", required: true, maxlength: "200" },
      ],
      submit: t("account.sign_in"),
      run: async (values) => {
        await enter("/api/session", values);
        go(next() + location.hash);
      },
      told: { unauthenticated: t("account.wrong") },
    }),
    note(t("account.forgotten")),
    entrance.sign_up === "open" ? link(`/account/sign-up${back}${location.hash}`, t("account.sign_up")) : null);
}

export function signUp() {
  return panel(t("account.sign_up"), account((values) => enter("/api/sign-up", values), location.hash));
}

export function setup(entrance) {
  if (entrance.mode === "open" || !entrance.setup) return panel(t("account.setup"), note(t("account.setup_done")), link("/account/sign-in", t("account.sign_in")));
  if (!secret()) return panel(t("account.setup"), note(t("account.setup_first")));
  return panel(t("account.setup"), note(t("account.setup_hint")), account((values) => enter("/api/setup", { ...values, code: secret() })));
}

/** `hash`: what stands behind the # of this page and belongs to the next one. */
function account(make, hash = "") {
  return form({
    fields: [nameField(), loginField(), passwordField()],
    submit: t("account.make"),
    run: async ({ login, ...values }) => {
      await make({ ...values, login: login.toLowerCase() });
      go(next() + hash);
    },
    told: known(),
  });
}

export async function join() {
  const invitation = secret();
  let found;
  try {
    found = await ask("POST", "/api/welcome", { invitation: invitation || "-" });
  } catch (error) {
    return panel(t("account.invitation"), h("p", { class: "wrong", role: "alert" }, explain(error, known())), link("/account/sign-in", t("account.sign_in")));
  }
  const what = found.board === null ? t("account.invited") : t("account.invited_to", { board: found.board, role: t(`role.${found.role}`) });
  const target = ({ board }) => (board === null ? "/" : `/b/${board}`);
  const me = await askWho();
  if (me !== null) {
    return panel(t("account.invitation"), note(what), form({
      fields: [],
      submit: t("account.join_as", { name: me.name }),
      run: async () => go(target(await ask("POST", "/api/invitations/accept", { invitation }))),
      told: known(),
    }));
  }
  return panel(t("account.invitation"), note(what),
    form({
      fields: [nameField(), loginField(), passwordField()],
      submit: t("account.make"),
      run: async ({ login, ...values }) => {
        await enter("/api/sign-up", { ...values, login: login.toLowerCase(), invitation });
        go(target(found));
      },
      told: known(),
    }),
    link(`/account/sign-in?next=${encodeURIComponent("/account/join")}#${invitation}`, t("account.have_one")));
}

export function reset() {
  return panel(t("account.reset"), form({
    fields: [passwordField()],
    submit: t("account.set_password"),
    run: async ({ password }) => {
      await enter("/api/reset", { code: secret() || "-", password });
      go("/");
    },
    told: known(),
  }));
}
