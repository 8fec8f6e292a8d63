// People as avatars and names.

import { h } from "./dom.js";
import { formatList, t } from "./i18n.js";

export function avatar(user, more = "") {
  const element = h("span", { class: "avatar", title: user.name + more, "aria-hidden": "true" }, initials(user.name));
  element.style.setProperty("--hue", hue(user.name));
  return element;
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase();
}

/** Of the name: somebody keeps the colour over their tabs. */
function hue(name) {
  let hash = 7;
  for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) % 360;
  return hash;
}

/** The sessions of others that look at a task. */
export function watchers(client, task) {
  return [...client.people.values()].filter((person) => person.task === task && person.session !== client.session && !client.home.directory.isMe(person.user.id));
}

/** "Ann", "Ann and Bo", "Ann, Bo and 2 more" */
export function names(people) {
  const all = [...new Set(people.map((person) => person.user.name))];
  if (all.length < 3) return formatList(all);
  return t("people.more", { names: all.slice(0, 2).join(", "), n: all.length - 2 });
}
