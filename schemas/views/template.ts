// What the pods of a service are made from, in the words of a Kubernetes pod template; of a Stack as of its revisions.
import { createHash } from "node:crypto";
import { normalize } from "../compose/normalize.ts";
import type { NormalService } from "../compose/normal.ts";
import { EXTENSION, KUBERNETES, LABELS } from "../constants.ts";
import type { ComposeService, PodTemplateSpec, StackSpec } from "../types.ts";
import { templateSpecOf } from "./pod-spec.ts";

/** A Stack, or what one of its revisions had. The views of an object are kept as long as the object is. */
export interface Body {
  metadata: { name: string; namespace?: string };
  spec: StackSpec;
}

const known = new WeakMap<StackSpec, ReadonlyMap<string, NormalService>>();

/** The services spelled out, by name; none where the spec is one that cannot be read any more. */
const servicesOf = (body: Body): ReadonlyMap<string, NormalService> => {
  const had = known.get(body.spec);
  if (had) return had;
  const found = new Map(normalServices(body).map((s) => [s.name, s]));
  known.set(body.spec, found);
  return found;
};

/** An older version may have admitted what this one cannot read; the controller says so in the Stack's status. */
const normalServices = (body: Body): NormalService[] => {
  try {
    return normalize(body).normal?.services ?? [];
  } catch {
    return [];
  }
};

export const isGlobal = (service: Partial<ComposeService>): boolean => service.deploy?.mode?.startsWith("global") === true;
/** Runs to its end, once or on a schedule. */
export const isJob = (service: Partial<ComposeService>): boolean =>
  service.deploy?.mode?.endsWith("-job") ?? service[EXTENSION]?.schedule !== undefined;

/** Labels that all pods of the service carry, and no others. */
export const selectorOf = (stack: string, service: string): Record<string, string> => ({
  [LABELS.stack]: stack,
  [LABELS.service]: service,
});

/** `revision`: the one that the template is of, where that is known. */
export const templateOf = (body: Body, name: string, revision: number | undefined): PodTemplateSpec => {
  const service: Partial<ComposeService> = body.spec.services[name] ?? {};
  const normal = servicesOf(body).get(name);
  const restartedAt = service["x-steadfleet"]?.restartedAt;
  const annotations = {
    ...(revision === undefined ? {} : { [KUBERNETES.revision]: String(revision) }),
    ...(restartedAt === undefined ? {} : { [KUBERNETES.restartedAt]: restartedAt }),
  };
  return {
    metadata: {
      labels: selectorOf(body.metadata.name, name),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: normal ? templateSpecOf(name, normal.container) : { containers: [{ name, image: service.image ?? "" }] },
  };
};

/** A uid for what is worked out: the same for the same parts, everywhere. Source: RFC 9562, version 8. */
export const derivedUid = (...parts: readonly string[]): string => {
  const hex = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
};
