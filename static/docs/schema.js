// What a JSON Schema says, in words. Nothing here touches the page.

const PREFIX = "#/components/schemas/";

/** The schema itself when `schema` only refers to it. */
export function resolve(schema, components) {
  return schema.$ref ? components[schema.$ref.slice(PREFIX.length)] : schema;
}

/** "Page_Task_" is what msgspec makes of Page[Task]. */
export function nameOf(schema) {
  return schema.$ref?.slice(PREFIX.length).replace(/^(.+?)_(.+)_$/, "$1 of $2");
}

/** "integer", "list of Task", "string or null", "one of a, b". */
export function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.enum) return schema.enum.length === 1 ? JSON.stringify(schema.enum[0]) : `one of ${schema.enum.join(", ")}`;
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? typeOf(schema.items) : "anything"}`;
  if (schema.type === "object") return schema.additionalProperties ? `map of ${typeOf(schema.additionalProperties)}` : "object";
  return schema.type ?? "anything";
}

/** Bounds, pattern and default, as short phrases; of the alternative that has them. */
export function boundsOf(schema) {
  const from = schema.anyOf ? { ...schema.anyOf.find((option) => option.type !== "null"), default: schema.default } : schema;
  return [
    range(from.minimum, from.maximum, ""),
    range(from.minLength, from.maxLength, " characters"),
    range(from.minItems, from.maxItems, " items"),
    from.pattern && from.pattern !== "\\S" ? from.pattern : null,
    from.default === undefined || from.default === null ? null : `default ${JSON.stringify(from.default)}`,
  ].filter(Boolean);
}

function range(least, most, unit) {
  if (least === undefined && most === undefined) return null;
  const shown = (number) => (number > 1e9 ? "2^" + Math.round(Math.log2(number)) : String(number));
  if (most === undefined) return `at least ${shown(least)}${unit}`;
  return `${least === undefined ? "at most " : `${shown(least)} to `}${shown(most)}${unit}`;
}

/** Descriptions of the schema and of what it is made of, where there is one. */
export function descriptionOf(schema) {
  return schema.description ?? schema.anyOf?.map((option) => option.description).find(Boolean) ?? "";
}

/** The schemas that `schema` speaks of by name, so that they can be shown below it. */
export function partsOf(schema) {
  if (schema.$ref) return [schema];
  const inner = [schema.items, schema.additionalProperties, ...(schema.anyOf ?? [])];
  return inner.filter((part) => part && typeof part === "object").flatMap(partsOf);
}

/** A body to begin with: only what must be there. */
export function sampleOf(schema, components) {
  const own = resolve(schema, components);
  if (own.anyOf) return sampleOf(own.anyOf[0], components);
  if (own.enum) return own.enum[0];
  if (own.type === "object") {
    const required = (own.required ?? []).map((name) => [name, sampleOf(own.properties[name], components)]);
    return Object.fromEntries(required);
  }
  return { array: [], integer: 0, number: 0, boolean: false, string: "text" }[own.type] ?? null;
}
