// kubectl's own way from client-side to server-side apply: its annotation says which fields it applied before, so that it is not
// in conflict with itself; and the annotation goes on to say what was applied last, so that the way back works, too.
// Source: k8s.io/apimachinery util/managedfields/internal/lastappliedmanager.go and lastappliedupdater.go.
import type { KubeObject } from "../../schemas/meta.ts";
import { MAX_ANNOTATIONS_BYTES, annotationsSize } from "../../schemas/labels.ts";
import { isObject, type Json, parseJson } from "../json.ts";
import type { Kind } from "../kind.ts";
import { LAST_APPLIED } from "../nulls.ts";
import { compare } from "./compare.ts";
import type { Conflict } from "./conflicts.ts";
import { difference, has, union } from "./field-set.ts";
import { occupied } from "./owned.ts";
import type { Scope } from "./scope.ts";
import { canonical } from "./steps.ts";
import { typeOfSchema } from "./type.ts";

/** `kubectl apply --server-side`. Under any other name nothing here happens. */
export const KUBECTL = "kubectl";

const annotationsOf = (object: unknown): { [key: string]: string } => {
  const metadata = isObject(object) ? object["metadata"] : undefined;
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  return isObject(annotations) ? (annotations as { [key: string]: string }) : {};
};

/** Those conflicts that are left when kubectl may have what it last applied, and is still as it applied it. */
export function explained(kind: Pick<Kind, "schema">, conflicts: readonly Conflict[], live: KubeObject, scope: Scope): readonly Conflict[] {
  const text = annotationsOf(live)[LAST_APPLIED];
  if (!text) return conflicts;
  let applied: Json;
  try {
    applied = parseJson(text);
  } catch {
    // Anyone may write anything into an annotation; only kubectl's own text helps here.
    return conflicts;
  }
  if (!isObject(applied) || applied["apiVersion"] !== live.apiVersion) return conflicts;
  const type = typeOfSchema(kind.schema);
  const before = scope.part(applied);
  const { added, modified, removed } = compare(type, before, scope.part(live));
  const own = difference(occupied(type, before).set, union(union(added, modified), removed));
  return conflicts.filter((c) => !has(own, c.path));
}

/** The annotation brought up to date where there is one; dropped when that would make the annotations too large. */
export function withLastApplied(object: { [key: string]: Json }, config: { [key: string]: Json }): { [key: string]: Json } {
  const { metadata } = object;
  const { [LAST_APPLIED]: old, ...others } = annotationsOf(object);
  if (!old || !isObject(metadata)) return object;
  const said = isObject(config["metadata"]) ? config["metadata"] : {};
  const { [LAST_APPLIED]: _, ...annotations } = annotationsOf(config);
  // kubectl ends its text with a line feed, too.
  const text = `${canonical({ ...config, metadata: { ...said, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) } })}\n`;
  const next = { ...others, [LAST_APPLIED]: text };
  return { ...object, metadata: { ...metadata, annotations: annotationsSize(next) > MAX_ANNOTATIONS_BYTES ? others : next } };
}
