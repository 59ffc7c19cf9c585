// What the views share.
import { GROUP } from "../constants.ts";

/** A value of etcd with its mod revision. */
export interface Revised<T> {
  value: T;
  mod: number;
}

export interface PodContext {
  /** An address of the pod's node. */
  hostIp?: string;
  /** False: the node has no session, so what was observed may no longer be true. Default: true. */
  connected?: boolean;
}

export const ANNOTATIONS = {
  /** Ordinal of a replica, or the node of a global service. */
  slot: `${GROUP}/slot`,
  /** Number of the Stack's revision that the pod is of. */
  revision: `${GROUP}/revision`,
  /** When the agent tries again (RFC 3339). */
  nextRetry: `${GROUP}/next-retry`,
  /** Why the pod is being deleted, in words. */
  deletionReason: `${GROUP}/deletion-reason`,
} as const;

/** Kubernetes times have whole seconds. */
export const seconds = (time: string): string => time.replace(/\.\d+(?=Z$)/, "");

/** Adds a field that is worked out when it is first read: most readers of a list never look at it. */
export const lazily = <T extends object, K extends string, V>(object: T, key: K, make: () => V): T & Record<K, V> => {
  const field = { enumerable: true, configurable: true };
  const get = (): V => {
    const value = make();
    Object.defineProperty(object, key, { ...field, value, writable: true });
    return value;
  };
  return Object.defineProperty(object, key, { ...field, get }) as T & Record<K, V>;
};
