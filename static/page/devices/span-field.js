// A length of time: a number and its unit.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { SPAN_UNITS, splitSpan } from "../readings/values.js";

export class SpanField {
  /** `ms`: what it says at first; null: nothing. */
  constructor(id, ms, { oninput = () => {} } = {}) {
    const [number, size] = ms ? splitSpan(ms) : ["", 60_000];
    this.number = h("input", { class: "field", id, type: "number", min: "0", step: "any", value: number, oninput });
    this.unit = h("select", { class: "field", "aria-label": t("span.unit"), onchange: oninput }, ...SPAN_UNITS.map(([ms, unit]) => h("option", { value: ms }, t(`span.name_${unit}`))));
    this.unit.value = String(size);
    this.element = h("div", { class: "span-field" }, this.number, this.unit);
  }

  /** In milliseconds; 0 when nothing is said. */
  get ms() {
    return Math.round(Number(this.number.value || 0) * Number(this.unit.value));
  }
}
