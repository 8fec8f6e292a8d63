// "Move to…": what dragging does, by choosing.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "./ask.js";

const MOST = 200; // cards that are offered to stand behind

/** Asks where `ids` shall go, and moves them there in one step. True when they were moved. */
export async function moveTo(ids, { actions }) {
  const { view } = actions;
  const [first] = ids.map((id) => view.tasks.get(id)).filter(Boolean);
  if (first === undefined) return false;
  const columns = view.sortedColumns();
  const column = h("select", { class: "field", id: "move-column" }, ...columns.map(({ id, title }) => h("option", { value: id }, title)));
  const place = h("select", { class: "field", id: "move-place" });
  const fill = () => {
    place.replaceChildren(...places(view, column.value, ids));
    const now = column.value === first.column && ids.length === 1 ? view.tasksIn(first.column).indexOf(first) : 0;
    if (now > 0) place.value = `after ${view.tasksIn(first.column)[now - 1].id}`; // where it is
    if (place.value === "") place.value = "end";
  };
  column.value = first.column;
  column.addEventListener("change", fill);
  fill();
  const heading = ids.length === 1 ? t("move.heading", { title: first.title }) : t("move.heading_all", { n: ids.length });
  const content = [
    h("label", { class: "field-label", for: "move-column" }, t("field.column")), column,
    h("label", { class: "field-label", for: "move-place" }, t("move.place")), place,
  ];
  if ((await ask({ heading, content, choices: [["move", t("move.do"), "primary"]] })) !== "move") return false;
  const after = { top: null, end: undefined }[place.value];
  actions.moveAll(ids, column.value, place.value.startsWith("after ") ? place.value.slice(6) : after);
  return true;
}

function places(view, column, ids) {
  const others = view.tasksIn(column).filter((task) => !ids.includes(task.id));
  const after = others.slice(0, MOST).map((task) => h("option", { value: `after ${task.id}` }, t("move.after", { title: task.title })));
  return [h("option", { value: "top" }, t("move.top")), h("option", { value: "end" }, t("move.end")), ...after];
}
