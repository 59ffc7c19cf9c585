// Shapes in words, for `kubectl explain`: kubectl shows no unions, so their forms are told in the description.
import type { Shape } from "./shape.ts";

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);

/** `string`, `list of string`, `map of ComposeNetwork`, `integer or string`. */
export function typeWords(shape: Shape): string {
  switch (shape.type) {
    case "array":
      return `list of ${typeWords(shape.items)}`;
    case "map":
      return shape.values.type === "any" ? "map" : `map of ${typeWords(shape.values)}`;
    case "union":
      return shape.forms.map(typeWords).join(" or ");
    case "any":
      return "any value";
    default:
      return shape.type;
  }
}

/** Name for the type of a union that has none: `IntegerOrString`, `ListOrMap`. */
export const unionName = (forms: readonly Shape[]): string =>
  forms.map((f) => (f.type === "array" ? "List" : (f.title ?? capital(f.type)))).join("Or");

/** Fields of an object, or of what a list or map holds, one line each and down to the leaves; `path` is what leads there. */
function fieldLines(shape: Shape, path: string): string[] {
  if (shape.type === "array") return fieldLines(shape.items, path);
  if (shape.type === "map") return fieldLines(shape.values, path);
  if (shape.type === "union") return shape.forms.flatMap((f) => fieldLines(f, path));
  if (shape.type !== "object") return [];
  return Object.entries(shape.properties).flatMap(([name, field]) => {
    const required = shape.required.includes(name) ? ", required" : "";
    return [`* ${path}${name} (${typeWords(field)}${required}): ${field.description}`, ...fieldLines(field, `${path}${name}.`)];
  });
}

/**
 * The forms of a union: in one line where they say nothing of themselves, else a line for each, with its `fields` down to the leaves if wanted.
 * Lines begin with `-` and `*`, which every kubectl leaves as they are when it wraps text.
 */
export function formsText(forms: readonly Shape[], fields: boolean): string {
  if (forms.every((f) => f.description === "")) return `Type: ${forms.map(typeWords).join(" or ")}.`;
  const lines = forms.flatMap((f) => [
    `- ${typeWords(f)}${f.description ? `: ${f.description}` : ""}`,
    ...(fields ? fieldLines(f, "") : []),
  ]);
  return ["One of:", ...lines].join("\n");
}

/** What a value is and holds, for readers that get no structure: the description, then its forms and fields down to the leaves. */
export function wholeText(shape: Shape): string {
  const inside =
    shape.type === "union" ? formsText(shape.forms, true) : [`Type: ${typeWords(shape)}.`, ...fieldLines(shape, "")].join("\n");
  return shape.description ? `${shape.description}\n\n${inside}` : inside;
}
