// Where things lie in etcd: the only place that spells a key. Every prefix ends in "/".
import { ROOT } from "../schemas/constants.ts";

/** `group` is "" for the core group; `namespaced` decides whether the namespace is part of the key or "_". */
export interface ResourceRef {
  group: string;
  resource: string;
  namespaced: boolean;
}

const part = (s: string): string => {
  if (s === "" || s.includes("/")) throw new TypeError(`not a key part: ${JSON.stringify(s)}`);
  return s;
};

export const rootPrefix = `${ROOT}/`;
export const objectPrefix = (r: ResourceRef, namespace?: string): string =>
  `${ROOT}/objects/${part(r.group || "core")}/${part(r.resource)}/${r.namespaced ? (namespace ? `${part(namespace)}/` : "") : "_/"}`;
export const objectKey = (r: ResourceRef, namespace: string | undefined, name: string): string => {
  if (r.namespaced && !namespace) throw new TypeError(`${r.resource} needs a namespace`);
  return objectPrefix(r, namespace) + part(name);
};
/** What an object's key says of it; `namespace` is absent in cluster scope. */
export interface ObjectPlace {
  /** "" for the core group. */
  group: string;
  resource: string;
  namespace?: string;
  name: string;
}
/** Undefined for what is no key of an object. */
export const parseObjectKey = (key: string): ObjectPlace | undefined => {
  const prefix = `${ROOT}/objects/`;
  if (!key.startsWith(prefix)) return undefined;
  const [group, resource, namespace, name, ...rest] = key.slice(prefix.length).split("/");
  if (!group || !resource || !namespace || !name || rest.length > 0) return undefined;
  return { group: group === "core" ? "" : group, resource, name, ...(namespace === "_" ? {} : { namespace }) };
};
export const nodesPrefix = `${ROOT}/nodes/`;
export const nodePrefix = (node: string): string => `${nodesPrefix}${part(node)}/`;
export const desiredPrefix = (node: string): string => `${nodePrefix(node)}desired/`;
export const desiredKey = (node: string, namespace: string, pod: string): string => `${desiredPrefix(node)}${part(namespace)}/${part(pod)}`;
export const observedPrefix = (node: string): string => `${nodePrefix(node)}observed/`;
export const observedKey = (node: string, namespace: string, pod: string): string =>
  `${observedPrefix(node)}${part(namespace)}/${part(pod)}`;
/** Contents of configs and secrets for the pods of a node (schemas/fleet.ts, Delivery). */
export const sealedPrefix = (node: string): string => `${nodePrefix(node)}sealed/`;
export const sealedKey = (node: string, namespace: string, name: string, hash: string): string =>
  `${sealedPrefix(node)}${part(namespace)}/${part(name)}@${part(hash)}`;
/** Undefined for what is no key of a Delivery. */
export const parseSealedKey = (key: string): { node: string; namespace: string; name: string; hash: string } | undefined => {
  const [, node, namespace, name, hash] =
    /^([^/]+)\/sealed\/([^/]+)\/([^/@]+)@([^/@]+)$/.exec(key.startsWith(nodesPrefix) ? key.slice(nodesPrefix.length) : "") ?? [];
  return node && namespace && name && hash ? { node, namespace, name, hash } : undefined;
};
export const infoKey = (node: string): string => `${nodePrefix(node)}info`;
export const sessionKey = (node: string): string => `${nodePrefix(node)}session`;
/** A person's wish that a pod be deleted, as the pod's uid says: written by the API, taken away by the controller in the commit that acts on it. */
export const podDeletionsPrefix = `${ROOT}/requests/pod-deletions/`;
export const podDeletionKey = (namespace: string, pod: string): string => `${podDeletionsPrefix}${part(namespace)}/${part(pod)}`;
export const leaderKey = `${ROOT}/controller/leader`;
export const tokensPrefix = `${ROOT}/auth/tokens/`;
export const tokenKey = (id: string): string => tokensPrefix + part(id);
/** Which key Secrets are encrypted with (store/at-rest): made once, by whoever comes first. */
export const encryptionKey = `${ROOT}/auth/encryption`;
/** API servers that run, each under its own lease: where the others reach it. */
export const replicasPrefix = `${ROOT}/api/replicas/`;
export const replicaKey = (id: string): string => replicasPrefix + part(id);
/** Which API server holds the tunnel of a node: written by that server, under its lease. */
export const tunnelsPrefix = `${ROOT}/tunnels/`;
export const tunnelKey = (node: string): string => tunnelsPrefix + part(node);
/** What API servers know each other by; made once, by whoever comes first. */
export const replicaSecretKey = `${ROOT}/auth/replicas`;
/** Written once, by whoever comes first: the cluster's id, which is the value of the cluster label. */
export const clusterKey = `${ROOT}/cluster`;

/** What a key below `/steadfleet/nodes/` is of. */
export type NodeKey =
  | { kind: "desired" | "observed"; node: string; namespace: string; pod: string }
  | { kind: "info" | "session"; node: string };

export const parseNodeKey = (key: string): NodeKey | undefined => {
  if (!key.startsWith(nodesPrefix)) return undefined;
  const [node, kind, namespace, pod, ...rest] = key.slice(nodesPrefix.length).split("/");
  if (!node || rest.length > 0) return undefined;
  if ((kind === "info" || kind === "session") && namespace === undefined) return { kind, node };
  if ((kind === "desired" || kind === "observed") && namespace && pod) return { kind, node, namespace, pod };
  return undefined;
};
