// Starts a page of `/account`: which one stands in the address. Nobody who is not signed in is left waiting.

import { h } from "../dom.js";
import { LANGUAGES, chooseLanguage, language, learn, switchLanguage, t } from "../i18n.js";
import { applyTheme } from "../theme.js";
import { ask, askWho, explain } from "./ask.js";
import { remember } from "./door.js";
import { join, reset, setup, signIn, signUp } from "./entry.js";
import { me } from "./me.js";
import { people } from "./people.js";
import { TEXTS } from "./texts.js";

const AT_THE_DOOR = { "sign-in": signIn, "sign-up": signUp, setup, join, reset };
const INSIDE = { me, people };

async function content(page) {
  const entrance = await ask("GET", "/api/entrance");
  if (page in AT_THE_DOOR) return AT_THE_DOOR[page](entrance);
  if (entrance.mode === "open") return signIn(entrance);
  const who = await askWho();
  if (who !== null) {
    remember(who);
    return INSIDE[page](who);
  }
  location.replace(`/account/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  return [];
}

async function show() {
  const page = location.pathname.split("/").at(-1);
  const main = document.getElementById("account");
  let shown;
  try {
    shown = await content(page);
  } catch (error) {
    const again = h("button", { type: "button", onclick: () => show() }, t("try_now"));
    shown = [h("p", { class: "wrong", role: "alert" }, explain(error, { not_found: t("account.no_board") })), h("div", { class: "line" }, again)];
  }
  main.classList.toggle("wide", page in INSIDE);
  main.replaceChildren(brand(), ...shown.filter((part) => part !== null));
  main.setAttribute("aria-busy", "false");
  document.title = `${main.querySelector("h1")?.textContent ?? t("app")} · ${t("app")}`;
  main.querySelector("input:not([readonly])")?.focus();
}

function brand() {
  const [other] = Object.keys(LANGUAGES).filter((tag) => tag !== language());
  const change = async () => {
    await switchLanguage(other);
    await show();
  };
  return h("div", { class: "brand" }, h("a", { href: "/" }, t("app")),
    h("button", { type: "button", lang: other, onclick: change }, LANGUAGES[other]));
}

applyTheme();
addEventListener("hashchange", () => show()); // another invitation, pasted into this page
learn(TEXTS).then(() => chooseLanguage()).then(show);
