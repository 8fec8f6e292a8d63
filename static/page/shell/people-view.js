// Who is here, in the head: me first, then the others, with the card that each has open.

import { arrange, h, setText } from "../dom.js";
import { t } from "../i18n.js";
import { avatar } from "../people.js";

export class PeopleView {
  /** `rename()` asks for another name; `open(task)` shows the card that somebody has open. */
  constructor(list, { client, rename, open }) {
    Object.assign(this, { list, client, rename, open });
    this.items = new Map(); // session → element
  }

  render() {
    const { session, people, user, name } = this.client;
    const me = { session: "me", user: { id: user?.id ?? this.client.client, name: name || t("name.guest") } };
    const { directory } = this.client.home;
    const others = [...people.values()].filter((person) => person.session !== session && !directory.isMe(person.user.id));
    const shown = [me, ...others];
    const known = new Set(shown.map((person) => person.session));
    for (const gone of [...this.items.keys()].filter((key) => !known.has(key))) this.items.delete(gone);
    arrange(this.list, shown.map((person) => this.item(person, person === me)));
    this.list.dataset.crowd = shown.length > 3 ? "many" : "few";
  }

  item(person, isMe) {
    let item = this.items.get(person.session);
    if (item === undefined || item.dataset.user !== person.user.id + person.user.name) {
      item = isMe ? this.mine(person.user) : this.other(person);
      item.dataset.user = person.user.id + person.user.name;
      this.items.set(person.session, item);
    }
    setText(item.querySelector(".name"), isMe ? t("people.me", { name: person.user.name }) : person.user.name);
    if (!isMe) this.where(item, person);
    return item;
  }

  where(item, person) {
    const task = this.client.view?.tasks.get(person.task);
    const button = item.querySelector("button");
    button.disabled = task === undefined;
    button.title = task ? t("people.has_open", { name: person.user.name, title: task.title }) : person.user.name;
    item.classList.toggle("busy", task !== undefined);
    button.task = person.task;
  }

  other(person) {
    const button = h("button", { class: "them", type: "button", onclick: () => this.open(button.task) }, avatar(person.user), h("span", { class: "name" }));
    return h("li", { class: "person" }, button);
  }

  mine(user) {
    const button = h("button", { class: "me", type: "button", title: t("name.change"), onclick: this.rename });
    button.append(avatar(user), h("span", { class: "name" }));
    return h("li", { class: "person" }, button);
  }
}
