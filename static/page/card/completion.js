// Completes the names of people after "@" in a text field: a list below it, of which arrows choose and Enter takes.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { beside } from "../menu.js";
import { avatar } from "../people.js";

const BEGUN = /(?<![\p{L}\p{N}_@])@([\p{L}\p{N}_.-]*(?: [\p{L}\p{N}_.-]+)?)$/u;
const MOST = 6;
let made = 0;

/** Makes `field`, a text area, complete names; `people()` → [{name}…], those to offer first. Returns the field. */
export function completing(field, people) {
  const id = `names-${made++}`;
  const list = h("ul", { class: "menu names", id, role: "listbox", popover: "manual", "aria-label": t("people.find") });
  let [found, chosen] = [[], 0];

  const hide = () => {
    found = [];
    list.remove();
    field.removeAttribute("aria-activedescendant");
  };
  const begun = () => BEGUN.exec(field.value.slice(0, field.selectionStart))?.[1];
  const take = (name) => {
    field.setRangeText(`@${name} `, field.selectionStart - begun().length - 1, field.selectionStart, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    hide();
  };
  const option = (name, index) => h("li", {
    class: "option", id: `${id}-${index}`, role: "option", "aria-selected": String(index === chosen),
    onpointerdown: (event) => {
      event.preventDefault(); // the focus stays in the field
      take(name);
    },
  }, avatar({ name }), name);
  const draw = () => {
    list.replaceChildren(...found.map(option));
    field.setAttribute("aria-activedescendant", `${id}-${chosen}`);
  };
  const look = () => {
    const wanted = begun()?.toLocaleLowerCase();
    const fits = ({ name }) => ` ${name.toLocaleLowerCase()}`.includes(` ${wanted}`);
    found = wanted === undefined ? [] : people().filter(fits).slice(0, MOST).map(({ name }) => name);
    if (found.length === 0) return hide();
    chosen = 0;
    draw();
    if (!list.isConnected) field.after(list);
    list.showPopover();
    const { left, top, bottom } = field.getBoundingClientRect();
    return beside(list, { top, bottom, right: left + list.offsetWidth });
  };
  const key = (event) => {
    if (found.length === 0 || event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + found.length) % found.length;
    else if (event.key === "Enter" || event.key === "Tab") take(found[chosen]);
    else if (event.key === "Escape") hide();
    else return;
    if (step) draw();
    event.preventDefault();
    event.stopImmediatePropagation(); // neither the field nor the dialog is meant
  };

  for (const [name, value] of [["autocomplete", "list"], ["haspopup", "listbox"], ["controls", id]]) field.setAttribute(`aria-${name}`, value);
  field.addEventListener("input", look);
  field.addEventListener("blur", hide);
  field.addEventListener("keydown", key, true);
  return field;
}
