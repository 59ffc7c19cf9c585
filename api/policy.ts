// Who may do what. Default deny: a route without a policy cannot be registered, and an unknown group may do nothing.
import { type Kind, READ_VERBS, type Verb } from "./kind.ts";
import type { User } from "./auth.ts";
import { forbidden } from "./status.ts";

export type Policy =
  /** Without a token: what probes and `kubectl version` need, and tells nothing about the cluster. */
  | { type: "open" }
  /** Any valid token: discovery and schemas. */
  | { type: "discovery" }
  /** Readers and masters: measurements tell names of things. Loopback is no credential: a proxy may run there. */
  | { type: "metrics" }
  /** The agent of the node that the path names, and nobody else. */
  | { type: "node" }
  /** Another API server of this cluster, which shows that it knows what only etcd tells. No token makes anybody that. */
  | { type: "replica" }
  | { type: "resource"; kind: Kind; subresource?: string };

export interface Attributes {
  verb: Verb | "get";
  namespace?: string | undefined;
  name?: string | undefined;
}

const MASTERS = "system:masters";
const READERS = "system:readers";
const NODES = "system:nodes";
/** Of the user that a node's agent is. Source: Kubernetes, "Using Node Authorization". */
export const nodeUser = (node: string): string => `system:node:${node}`;

/** Another API server. Compared as it is, not by its name: whoever has a token of this name is somebody else. */
export const REPLICA: User = { name: "system:steadfleet:api-server", groups: [], tokenId: "" };

/** What would be done to objects, in words that a client may have chosen. `*` stands for all there is. */
export interface Access {
  verb: string;
  group: string;
  resource: string;
  subresource?: string | undefined;
}

/** Questions about oneself, which everybody may ask. */
const QUESTIONS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
/** Parts of an object that act on it, whatever the HTTP method. */
const ACTS = ["exec", "attach", "portforward", "proxy", "*"];

/** Who may do what to objects: the one place that decides, for requests and for those who ask beforehand. */
export const mayAccess = (user: User, { verb, group, resource, subresource }: Access): boolean => {
  if (verb === "create" && QUESTIONS.includes(resource) && ["authorization.k8s.io", "authentication.k8s.io"].includes(group)) return true;
  if (user.groups.includes(MASTERS)) return true;
  if (!user.groups.includes(READERS)) return false;
  if (subresource !== undefined && ACTS.includes(subresource)) return false;
  return (READ_VERBS as readonly string[]).includes(verb) && resource !== "secrets" && resource !== "*";
};

/** Who may read a path that is no object. */
export const mayRead = (user: User, policy: "open" | "discovery" | "metrics"): boolean =>
  policy !== "metrics" || user.groups.includes(MASTERS) || user.groups.includes(READERS);

export const allowed = (user: User, policy: Policy, a: Attributes): boolean => {
  if (policy.type === "node") return user.groups.includes(NODES) && a.name !== undefined && user.name === nodeUser(a.name);
  if (policy.type === "replica") return user === REPLICA;
  if (policy.type !== "resource") return mayRead(user, policy.type);
  const { group, resource } = policy.kind.resource;
  return mayAccess(user, { verb: a.verb, group, resource, subresource: policy.subresource });
};

/** @throws ApiError 403 in Kubernetes' words, which kubectl shows as they are */
export function authorise(user: User, policy: Policy, a: Attributes): void {
  if (allowed(user, policy, a)) return;
  if (policy.type !== "resource") throw forbidden(`forbidden: User "${user.name}" cannot ${a.verb} this path`);
  const { group, resource } = policy.kind.resource;
  const what = policy.subresource ? `${resource}/${policy.subresource}` : resource;
  const qualified = group ? `${resource}.${group}` : resource;
  const object = a.name ? `${qualified} "${a.name}"` : qualified;
  const where = a.namespace ? ` in the namespace "${a.namespace}"` : " at the cluster scope";
  throw forbidden(`${object} is forbidden: User "${user.name}" cannot ${a.verb} resource "${what}" in API group "${group}"${where}`, {
    ...(a.name ? { name: a.name } : {}),
    ...(group ? { group } : {}),
    kind: resource,
  });
}
