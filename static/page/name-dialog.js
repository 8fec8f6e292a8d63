// Asks for a name, once; it is kept on this device.

import { h } from "./dom.js";

const KEY = "boardcast.name";

export const knownName = () => localStorage.getItem(KEY) ?? "";

/** Resolves to the name given, or the one before when the question is waved away. */
export function askName() {
  const before = knownName();
  const input = h("input", {
    class: "field", id: "your-name", maxlength: "100", autocomplete: "nickname", value: before, placeholder: "Ada",
  });
  const form = h("form", { method: "dialog" },
    h("h2", { id: "name-title" }, before ? "Your name" : "Welcome"),
    h("p", { class: "hint" }, "Who are you? Others see this name beside what you do."),
    h("label", { class: "field-label", for: "your-name" }, "Name"), input,
    h("div", { class: "row buttons" },
      h("button", { class: "primary", type: "submit" }, before ? "Save" : "Open the board")));
  const dialog = h("dialog", { class: "name-dialog", "aria-labelledby": "name-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const name = input.value.trim() || before || "Guest";
      localStorage.setItem(KEY, name);
      resolve(name);
    });
  });
}
