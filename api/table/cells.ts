// Helpers that the tables share.
import type { KubeObject } from "../../schemas/meta.ts";
import type { Column } from "../kind.ts";
import { ageOf } from "./duration.ts";

/** What kubectl prints where there is nothing. */
export const NONE = "<none>";

/** A column that always shows. */
export const column = (name: string, description: string, type: Column["type"] = "string"): Column => ({
  name,
  type,
  format: "",
  description,
  priority: 0,
});
/** A column that shows with `-o wide` only. */
export const wide = (name: string, description: string, type: Column["type"] = "string"): Column => ({
  ...column(name, description, type),
  priority: 1,
});

/** kubectl makes `stack/shop` of this one. */
export const NAME: Column = { ...column("Name", "Name of the object."), format: "name" };
export const AGE: Column = column("Age", "Time since the object was created.");

export const age = (o: KubeObject, now: number): string => ageOf(o.metadata.creationTimestamp, now);

/** `a,b,c + 2 more...`, as kubectl shortens lists. */
export const some = (values: readonly string[], most = 3): string => {
  if (values.length === 0) return NONE;
  return values.slice(0, most).join(",") + (values.length > most ? ` + ${values.length - most} more...` : "");
};
