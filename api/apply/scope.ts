// The part of an object that managers can own: without what the server alone decides, and without what the endpoint does not write.
import { isObject, type Json } from "../json.ts";
import type { Kind } from "../kind.ts";
import { difference, type FieldSet, setOf } from "./field-set.ts";
import { fieldStep, valueStep } from "./steps.ts";

type Fields = { [key: string]: Json };

/** Of metadata, what the server alone decides. Source: k8s.io/apimachinery, managedfields/internal/stripmeta.go; and the time of deletion. */
const SERVERS = [
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "managedFields",
];

/**
 * What nobody owns: `metadata`, which is there in every object, and the server's own finalizers. A client that sends back what it
 * read would otherwise own them, and take them away by leaving them out the next time.
 */
export const strip = (set: FieldSet, kind: Pick<Kind, "finalizers">): FieldSet => {
  const metadata = fieldStep("metadata");
  return difference(set, setOf([metadata], ...kind.finalizers.map((f) => [metadata, fieldStep("finalizers"), valueStep(f)])));
};

const pick = (o: Fields, of: (key: string) => boolean): Fields => Object.fromEntries(Object.entries(o).filter(([key]) => of(key)));

export interface Scope {
  /** The part that may be owned. */
  part(object: object): Fields;
  /** `part` changed, put back into the whole. */
  whole(object: object, part: Fields): Fields;
}

const STATUS: Scope = {
  part: (object) => pick(object as Fields, (key) => key === "status"),
  whole: (object, part) => ({ ...pick(object as Fields, (key) => key !== "status"), ...part }),
};

const mainScope = (status: boolean): Scope => {
  const mine = (key: string): boolean => key !== "apiVersion" && key !== "kind" && !(status && key === "status");
  return {
    part: (object) => {
      const part = pick(object as Fields, mine);
      const { metadata } = part;
      return isObject(metadata) ? { ...part, metadata: pick(metadata, (key) => !SERVERS.includes(key)) } : part;
    },
    whole: (object, part) => {
      const { metadata, ...rest } = object as Fields;
      const decided = isObject(metadata) ? pick(metadata, (key) => SERVERS.includes(key)) : {};
      const owned = isObject(part["metadata"]) ? part["metadata"] : {};
      return { ...pick(rest, (key) => !mine(key)), ...part, metadata: { ...decided, ...owned } };
    },
  };
};

const MAIN = mainScope(false);
const MAIN_BESIDE_STATUS = mainScope(true);

/** `/status` writes nothing but the status; every other endpoint everything but. */
export const scopeOf = (kind: Pick<Kind, "status">, subresource: string | undefined): Scope =>
  subresource === "status" ? STATUS : kind.status ? MAIN_BESIDE_STATUS : MAIN;
