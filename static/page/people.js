// Who is here: avatars in the header, on cards and in the card dialog.

import { arrange, h, setText } from "./dom.js";

export function avatar(user, more = "") {
  const element = h("span", { class: "avatar", title: user.name + more, "aria-hidden": "true" }, initials(user.name));
  element.style.setProperty("--hue", hue(user.id));
  return element;
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase();
}

function hue(id) {
  let hash = 7;
  for (let i = 0; i < id.length; i += 1) hash = (hash * 31 + id.charCodeAt(i)) % 360;
  return hash;
}

/** The other sessions that look at a task. */
export function watchers(client, task) {
  return [...client.people.values()].filter((person) => person.task === task && person.session !== client.session);
}

/** "Ann", "Ann and Bo", "Ann, Bo and 2 more" */
export function names(people) {
  const all = people.map((person) => person.user.name);
  if (all.length < 3) return all.join(" and ");
  return `${all.slice(0, 2).join(", ")} and ${all.length - 2} more`;
}

/** The list in the header: me first, then the others, one entry for each session. */
export class PeopleView {
  constructor(list, client, rename) {
    Object.assign(this, { list, client, rename });
    this.items = new Map();
  }

  render() {
    const { session, people, user, name } = this.client;
    const me = { session: "me", user: { id: user?.id ?? this.client.client, name: name || "Guest" } };
    const others = [...people.values()].filter((person) => person.session !== session);
    const shown = [me, ...others];
    const known = new Set(shown.map((person) => person.session));
    for (const gone of [...this.items.keys()].filter((key) => !known.has(key))) this.items.delete(gone);
    arrange(this.list, shown.map((person) => this.item(person, person === me)));
    this.list.dataset.crowd = shown.length > 4 ? "many" : "few";
  }

  item(person, isMe) {
    let item = this.items.get(person.session);
    if (item === undefined || item.dataset.user !== person.user.id + person.user.name) {
      item = isMe ? this.mine(person.user) : this.other(person.user);
      item.dataset.user = person.user.id + person.user.name;
      this.items.set(person.session, item);
    }
    setText(item.querySelector(".name"), isMe ? `${person.user.name} (you)` : person.user.name);
    return item;
  }

  other(user) {
    return h("li", { class: "person" }, avatar(user), h("span", { class: "name" }));
  }

  mine(user) {
    const button = h("button", { class: "me", title: "Change your name", onclick: this.rename });
    button.append(avatar(user), h("span", { class: "name" }));
    return h("li", { class: "person" }, button);
  }
}
