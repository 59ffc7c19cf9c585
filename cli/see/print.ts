// Objects as JSON or YAML. Who manages which field is left out unless it is asked for, as kubectl does: it is longer than the object.
import type { Context } from "../command.ts";
import type { KubeObject } from "../../schemas/meta.ts";

export interface PrintOptions {
  managedFields?: boolean;
  /** One of several YAML documents. */
  document?: boolean;
}

const shown = (object: KubeObject): object => {
  const { managedFields: _hidden, ...metadata } = object.metadata;
  return { ...object, metadata };
};

/** One object as such, `several` as a List. */
export async function printObjects(
  ctx: Context,
  output: string,
  value: KubeObject | { several: readonly KubeObject[] },
  o: PrintOptions = {},
): Promise<void> {
  const one = (object: KubeObject): object => (o.managedFields ? object : shown(object));
  const printed = "several" in value ? { apiVersion: "v1", kind: "List", metadata: {}, items: value.several.map(one) } : one(value);
  if (output === "json") return ctx.io.stdout.write(`${JSON.stringify(printed, undefined, 2)}\n`);
  const { stringify } = await import("yaml");
  ctx.io.stdout.write(`${o.document ? "---\n" : ""}${stringify(printed, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false })}`);
}
