// Forms: labelled fields, one button, one line that says what was wrong. What was typed stays.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { explain } from "./ask.js";

let made = 0;

/** `{ name, label, type, autocomplete, hint, value, min, pattern, options }` */
export function field(wanted) {
  const { name, label, hint = null, type = "text", options, value = "", ...more } = wanted;
  const id = `account-${name}-${(made += 1)}`;
  const input = options
    ? h("select", { id, name }, ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : h("input", { id, name, type, class: "field", value, "aria-describedby": hint ? `${id}-hint` : null, ...more });
  const row = h("div", { class: "field-row" },
    h("label", { class: "field-label", for: id }, label), input,
    hint ? h("span", { class: "hint", id: `${id}-hint` }, hint) : null);
  return { name, input, row };
}

/** `run(values)` does it; what it throws is shown. `told`: sentences by the code of a refusal. */
export function form({ fields, submit, run, told = {}, done = "" }) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const said = h("p", { class: "done", role: "status" });
  const button = h("button", { class: "primary", type: "submit" }, submit);
  const built = fields.map(field);
  const element = h("form", { novalidate: true }, ...built.map(({ row }) => row), wrong, said, h("div", { class: "line" }, button));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = said.textContent = "";
    const invalid = built.find(({ input }) => !input.checkValidity());
    if (invalid) {
      wrong.textContent = `${invalid.row.querySelector("label").textContent}: ${invalid.input.validationMessage}`;
      return invalid.input.focus();
    }
    button.disabled = true;
    try {
      await run(Object.fromEntries(built.map(({ name, input }) => [name, input.value])));
      said.textContent = done;
      if (done) element.reset();
    } catch (error) {
      wrong.textContent = explain(error, told);
    } finally {
      button.disabled = false;
    }
    return undefined;
  });
  return element;
}

export const loginField = (value = "") => ({
  name: "login", label: t("account.login"), hint: t("account.login_hint"), autocomplete: "username", required: true,
  autocapitalize: "none", spellcheck: "false", pattern: "[A-Za-z0-9][A-Za-z0-9._@+\\-]{0,63}", maxlength: "64", value,
});

export const nameField = (value = "") => ({
  name: "name", label: t("account.name"), autocomplete: "name", required: true, maxlength: "100", value,
});

export const passwordField = () => ({
  name: "password", label: t("account.password"), hint: t("account.password_hint"), type: "password",
  autocomplete: "new-password", required: true, minlength: "10", maxlength: "200",
});

/** Something that is shown once, to be copied. */
export function once(text, hint = t("account.once")) {
  const input = h("input", { class: "field once", readonly: true, value: text, "aria-label": hint });
  const copy = h("button", {
    type: "button",
    onclick: async () => {
      input.select();
      await navigator.clipboard?.writeText(text).catch(() => {});
      copy.textContent = t("account.copied");
    },
  }, t("account.copy"));
  return h("div", {}, h("p", { class: "hint" }, hint), h("div", { class: "line" }, input, copy));
}
