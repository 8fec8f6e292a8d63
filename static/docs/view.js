// Operations and schemas as elements.

import { h } from "../page/dom.js";
import { boundsOf, descriptionOf, nameOf, partsOf, resolve, typeOf } from "./schema.js";
import { tryOut } from "./try.js";

/** Text with `code` in backticks and empty lines between paragraphs. */
export function prose(text) {
  return text.split(/\n\s*\n/).map((paragraph) => h("p", {}, ...inline(paragraph)));
}

function inline(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** One operation, closed until somebody wants it. */
export function operation(path, method, spec, components) {
  const body = spec.requestBody?.content["application/json"].schema;
  const parts = [
    section("Parameters", spec.parameters.length ? parameters(spec.parameters) : null),
    section("Body", body ? shape(body, components, "required") : null),
    section("Answers", answers(spec.responses, components)),
    tryOut(path, method, spec, components),
  ];
  return h(
    "details",
    { class: "operation", id: spec.operationId },
    h("summary", {}, badge(method), h("code", { class: "path" }, path), h("span", { class: "hint" }, ...inline(spec.summary))),
    ...parts.filter(Boolean),
  );
}

export function badge(method) {
  return h("span", { class: "method", "data-method": method }, method.toUpperCase());
}

function section(title, content) {
  return content && h("section", {}, h("h3", {}, title), content);
}

function parameters(list) {
  return table(list.map((one) => row(one.name, one.schema, one.required ? "required" : "", one.description, one.in)));
}

function table(rows) {
  return h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, ...rows)));
}

function row(name, schema, mark, description, place = "") {
  const notes = [place && place !== "query" ? `in the ${place}` : "", ...boundsOf(schema)].filter(Boolean);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, name), mark ? h("span", { class: "mark" }, mark) : null),
    h("td", {}, typeOf(schema), ...notes.map((note) => h("span", { class: "bound" }, note))),
    h("td", {}, ...inline(description)),
  );
}

/** The fields of a schema, and below them the schemas that they speak of. `mark`: "required" marks those that must
 * be there, "may be absent" the others. `seen`: what stands above already. */
function shape(schema, components, mark, seen = []) {
  const own = resolve(schema, components);
  const name = nameOf(schema);
  const inside = [...seen, name];
  const fields = Object.entries(own.properties ?? {});
  const marked = (field) => (own.required ?? []).includes(field) === (mark === "required");
  const rows = fields.map(([field, part]) => row(field, part, marked(field) ? mark : "", descriptionOf(part)));
  const spoken = name ? fields.flatMap(([, part]) => partsOf(part)) : partsOf(own);
  const below = new Map(spoken.map((part) => [nameOf(part), part]));
  return h(
    "div",
    { class: "shape" },
    ...(name ? prose(own.description ?? "") : [h("p", {}, typeOf(own))]),
    rows.length ? table(rows) : null,
    ...[...below]
      .filter(([part]) => !inside.includes(part))
      .map(([part, inner]) => unfold(part, () => shape(inner, components, mark, inside))),
  );
}

/** Made when it is opened: schemas may speak of each other. */
function unfold(title, make) {
  const details = h("details", { class: "unfold" }, h("summary", {}, title));
  details.addEventListener("toggle", () => details.append(make()), { once: true });
  return details;
}

function answers(responses, components) {
  const items = Object.entries(responses).map(([status, answer]) => {
    const [media, { schema }] = Object.entries(answer.content ?? {})[0] ?? ["", {}];
    const good = status < "300";
    const json = media === "application/json";
    return h(
      "li",
      { "data-kind": good ? "good" : "other" },
      h("code", { class: "status" }, status),
      h("div", {}, ...prose(answer.description), good && schema ? (json ? told(schema, components) : h("p", {}, `As ${media}.`)) : null),
    );
  });
  return h("ul", { class: "answers" }, ...items);
}

function told(schema, components) {
  return unfold(nameOf(schema) ?? typeOf(schema), () => shape(schema, components, "may be absent"));
}

/** What a refusal looks like, and what each status stands for: once, for all operations. */
export function errors(paths, components) {
  const found = new Map();
  for (const operations of Object.values(paths))
    for (const { responses } of Object.values(operations))
      for (const [status, { description }] of Object.entries(responses)) if (status >= "400") found.set(status, description);
  const rows = [...found].sort().map(([status, description]) =>
    h("tr", {}, h("th", { scope: "row" }, h("code", {}, status)), h("td", {}, ...inline(description))),
  );
  const failure = shape({ $ref: "#/components/schemas/Failure" }, components, "may be absent");
  const intro = prose("Every refusal is `{\"error\": {…}}` with these four fields.");
  return h("section", { id: "errors" }, h("h2", {}, "Errors"), ...intro, failure, table(rows));
}
