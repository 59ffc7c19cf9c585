// What the planners reason about. Plain data: the loops build it from informers, tests from tables.
import type { PlacementGroup } from "../schemas/compose/groups.ts";
import type { Constraint, JobSpec, UnhealthyPolicy } from "../schemas/compose/normal.ts";
import type { Taint } from "../schemas/types.ts";
import type { ContainerSpec, Dependency, DesiredPod, ObservedPod } from "../schemas/fleet.ts";

/** Which Stack a plan is for. `labels` are the Stack's own: its pods carry them too. */
export interface StackRef {
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  labels: Readonly<Record<string, string>>;
  /** The Compose project whose containers its pods take over. */
  adopt?: { project: string; replace?: true };
}

export interface CompiledService {
  name: string;
  mode: "replicated" | "global";
  replicas: number;
  constraints: readonly Constraint[];
  dependsOn: readonly Dependency[];
  container: ContainerSpec;
  restartedAt?: string;
  /** Runs to its end. */
  job?: JobSpec;
  unhealthy?: UnhealthyPolicy;
  /** No pod is replaced because of its template. */
  paused?: true;
  /** Over the container without what Docker changes live, and over `restartedAt`: another one means another pod. */
  templateHash: string;
  /** Placement group that puts all pods of this service on one node. Absent: each pod is placed by itself, or the service is global. */
  group?: string;
}

export interface CompiledStack {
  /** Sorted by name. */
  services: readonly CompiledService[];
  groups: readonly PlacementGroup[];
  /** Over everything a rollout needs, replica counts included: a rollout ends in one whole revision. */
  revisionHash: string;
}

/** One desired pod, with its node's answer where there is one. */
export interface PodView {
  node: string;
  desired: DesiredPod;
  /** mod revision of the desired key: what a write compares. */
  mod: number;
  /** Only ever of the same uid. */
  observed?: ObservedPod;
}

export interface PortUse {
  published: number;
  protocol: string;
  /** Absent: every address. */
  hostIp?: string;
  /** `<namespace>/<stack>` */
  stack: string;
  pod: string;
}

/** An engine gives a name to one container only. */
export interface NameUse {
  name: string;
  /** `<namespace>/<stack>` */
  stack: string;
  pod: string;
}

/** A node that has a Node object. */
export interface NodeView {
  name: string;
  /** As the machine calls itself; the name where it has not said. */
  hostname: string;
  /** Those of the Node object and those the agent reports; the object's win. */
  labels: Readonly<Record<string, string>>;
  /** A session holds and the agent says Ready. */
  ready: boolean;
  /** Why not, as a short phrase: "not responding", "Docker does not answer". */
  notReady?: string;
  unschedulable: boolean;
  /** Marks that keep pods away; nothing tolerates one yet. */
  taints: readonly Taint[];
  /** Desired pods of all stacks. */
  pods: number;
  /** Host ports of all desired pods of all stacks. */
  ports: readonly PortUse[];
  /** What secrets for the node are sealed to. */
  publicKey?: string;
  /** Container names (`container_name`) of all desired pods of all stacks. Absent: none. */
  names?: readonly NameUse[];
}

export type Volumes = Readonly<Record<string, { node: string }>>;

export const stackKeyOf = (o: { namespace: string; name: string }): string => `${o.namespace}/${o.name}`;

/** By name, code unit by code unit: the order of etcd's keys. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
