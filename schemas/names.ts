// How things are called: pods in the API, and containers, networks and volumes on the engine.
import { createHash } from "node:crypto";

/** Longest names. A pod's name is also a host name, hence 63 (RFC 1123). */
export const MAX_POD_NAME = 63;
export const MAX_STACK_NAME = 30;
/** It is a label's value and a name in the stack's DNS. */
export const MAX_SERVICE_NAME = 63;

const SUFFIX_LENGTH = 5;
const SUFFIX_SPACE = 36n ** BigInt(SUFFIX_LENGTH);

/** What decides the suffix of a pod's name. */
export interface PodIdentity {
  stack: string;
  stackUid: string;
  service: string;
  /** Ordinal of a replica, or the node's name for a global service. */
  slot: string;
  templateHash: string;
  node: string;
}

/** Compose names may have upper case, `_` and `.`; host names may not. */
const hostPart = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** Five characters of [a-z0-9] that depend on all of the identity and on `n`. */
export const podSuffix = (pod: PodIdentity, n: number): string => {
  const text = JSON.stringify([pod.stackUid, pod.service, pod.slot, pod.templateHash, pod.node, n]);
  const hash = createHash("sha256").update(text).digest().readBigUInt64BE(0);
  return (hash % SUFFIX_SPACE).toString(36).padStart(SUFFIX_LENGTH, "0");
};

/**
 * `<stack>-<service>-<slot>-<suffix>`, at most 63 characters: what is too long is cut before the suffix, which stays whole.
 * Deterministic given `taken`: the suffix is of the smallest n whose name is free.
 */
export const podName = (pod: PodIdentity, taken: (name: string) => boolean): string => {
  const readable = [pod.stack, pod.service, pod.slot].map(hostPart).join("-");
  const base = readable.slice(0, MAX_POD_NAME - SUFFIX_LENGTH - 1).replace(/-+$/, "");
  for (let n = 0; ; n++) {
    const name = `${base}-${podSuffix(pod, n)}`;
    if (!taken(name)) return name;
  }
};

/**
 * The Deployment that shows a service: `<stack>-<service>`, at most 94 characters. Two pairs may come to the same name
 * (`a-b` and `c`, `a` and `b-c`); admission refuses the Stack that comes second.
 */
export const deploymentName = (stack: string, service: string): string => `${stack}-${hostPart(service)}`;

/** What Docker tools group by; also the prefix of the stack's networks and volumes. */
export const projectName = (namespace: string, stack: string): string => (namespace === "default" ? stack : `${namespace}_${stack}`);
/** Name on the engine of the container of a pod. */
export const containerName = (namespace: string, pod: string): string => (namespace === "default" ? pod : `${namespace}_${pod}`);
/** Name on the engine of a network that is ours. */
export const networkName = (project: string, key: string): string => `${project}_${key}`;
/** Name on the engine of a volume that is ours. */
export const volumeName = (project: string, key: string): string => `${project}_${key}`;
