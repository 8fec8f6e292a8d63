// Sends a request from the page, and shows the same one for curl. It asks only the server that it came from.

import { h } from "../page/dom.js";
import { sampleOf } from "./schema.js";

/** A form with the parameters and the body; what comes back is shown below it. */
export function tryOut(path, method, spec, components) {
  const inputs = spec.parameters.map((one) => [one, h("input", { class: "field", ...suggestion(one) })]);
  const schema = spec.requestBody?.content["application/json"].schema;
  const body = schema && h("textarea", { class: "field", rows: 5, spellcheck: "false", "aria-label": "Body" });
  if (body) body.value = JSON.stringify(sampleOf(schema, components), null, 2);
  const shown = h("div", { role: "status" });
  const send = async (event) => {
    event.preventDefault();
    const request = compose(path, method, inputs, body);
    const command = h("pre", { class: "curl" }, curl(request));
    shown.replaceChildren(command, h("pre", { class: "answer" }, await answer(request)));
  };
  const form = h(
    "form",
    { class: "try", onsubmit: send },
    ...inputs.map(([one, input]) => h("label", {}, h("code", {}, one.name), input)),
    body ?? null,
    h("div", { class: "row" }, h("button", { class: "primary" }, "Send")),
    shown,
  );
  return h("details", { class: "unfold" }, h("summary", {}, "Try it"), form);
}

function suggestion({ name, required, schema }) {
  const hint = schema.default === undefined ? "" : String(schema.default);
  return { required, placeholder: hint, value: name === "board" && required ? "demo" : "", "aria-label": name };
}

function compose(path, method, inputs, body) {
  const query = new URLSearchParams();
  const headers = {};
  let where = path;
  for (const [one, { value }] of inputs) {
    if (one.in === "path") where = where.replace(`{${one.name}}`, encodeURIComponent(value));
    else if (value && one.in === "query") query.set(one.name, value);
    else if (value) headers[one.name] = value;
  }
  if (body) headers["Content-Type"] = "application/json";
  const asked = query.size ? `?${query}` : "";
  return { url: location.origin + where + asked, method: method.toUpperCase(), headers, body: body?.value };
}

function curl({ url, method, headers, body }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [method === "GET" ? "curl" : `curl -X ${method}`, quote(url)];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (body) parts.push(`-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

async function answer({ url, ...rest }) {
  try {
    const response = await fetch(url, { ...rest, cache: "no-store" });
    const names = ["etag", "location", "retry-after"].filter((name) => response.headers.has(name));
    const lines = names.map((name) => `${name}: ${response.headers.get(name)}`);
    return [`${response.status} ${response.statusText}`, ...lines, "", pretty(await response.text())].join("\n");
  } catch (error) {
    return `No answer: ${error.message}`;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
