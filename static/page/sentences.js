// What a change did, in words: the lines of client/describe.js in the reader's language.

import { waitText } from "./readings/values.js";
import { formatList, formatTime, t } from "./i18n.js";

const LONG = 60;
const PARTS = /^(column|label|member|device|rule)_(\w+)$/;

/** One line as a sentence without its subject: "moved it from To do to Doing". "" when there is nothing to say. */
export function sentence(line, { name, view = null }) {
  const { what, from, to } = line;
  switch (what) {
    case "priority": return t("did.priority", { to: t(`priority.${to ?? "none"}`) });
    case "completed": return t(to ? "did.completed_yes" : "did.completed_no");
    case "due_at": return to ? t("did.due", { to: formatTime(to) }) : t("did.no_due");
    case "labels": return sets("did.labels", line, (label) => label);
    case "assignees": return sets("did.assignees", line, name);
    case "description": return t(to ? "did.description" : "did.no_description");
    case "device": return to ? t("did.device", { to }) : t("did.no_device");
    case "alarm_at": return t(to ? "did.alarm_on" : "did.alarm_off");
    case "done_when": return to ? t("did.waits", { what: waitText(to) }) : t("did.waits_no");
    case "verified": return t(to ? "did.verified" : "did.verified_no");
    case "command": return t(`did.command_${to}`, { name: quoted(line.name), result: quoted(line.result ?? "") });
    default: return PARTS.test(what) ? ofBoard(line, { name, view }) : t(`did.${what}`, { from: quoted(from), to: quoted(to), name: quoted(line.name) });
  }
}

/** A column, label, member, device or rule: its line names it by id. */
function ofBoard({ what, from, to, name: id }, { name, view }) {
  const [, kind, field] = PARTS.exec(what);
  const verb = ["added", "removed"].includes(field) ? field : "changed";
  const known = {
    column: view?.columns.get(id)?.title, label: view?.labels.get(id)?.name, member: name(id),
    device: view?.devices.get(id)?.name, rule: view?.rules.get(id)?.then.title,
  }[kind];
  const told = verb === "changed" ? known : kind === "member" ? known : (to ?? from);
  return field === "position" ? "" : t(`did.${kind}_${verb}`, { name: quoted(told ?? id) });
}

function sets(key, { added = [], removed = [] }, shown) {
  const part = (verb, items) => (items.length > 0 ? [t(`${key}_${verb}`, { names: formatList([...new Set(items.map(shown))]) })] : []);
  return [...part("added", added), ...part("removed", removed)].join("; ");
}

function quoted(text) {
  const letters = [...String(text ?? "")];
  return letters.length > LONG ? `${letters.slice(0, LONG - 1).join("")}…` : letters.join("");
}
