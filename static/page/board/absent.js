// What stands in place of a board of which there is nothing to show: why, and where to go from here.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { closedBecause } from "../shell/banner.js";
import { nothing } from "../shell/panel.js";

/** Draws it into `root`, or nothing while the board may still come. `ways`: [[label, run]…]. */
export function drawAbsent(root, { view, status: { link, reason } }, name, ways) {
  const closed = link === "closed";
  if (view !== null || (!closed && link !== "waiting" && link !== "stopped")) return;
  const told = closed ? [closedBecause(reason), t("absent.ask")] : [t("absent.heading", { name }), t("absent.hint")];
  if (root.firstChild?.told === told.join()) return;
  const element = nothing(...told);
  element.told = told.join();
  element.append(h("p", { class: "absent" }, ...ways.map(([label, onclick]) => h("button", { type: "button", onclick }, label))));
  root.replaceChildren(element);
  root.removeAttribute("aria-busy");
}
