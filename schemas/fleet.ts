// What the controller and the agents say to each other through etcd. One writer per key:
// DesiredPod is the controller's; ObservedPod, NodeInfo and NodeSession are the agent's.
// Units: milliseconds and bytes, unless a name says otherwise. Times on the wire are RFC 3339 with milliseconds.
import type { ContainerSpec } from "./container.ts";

export type * from "./container.ts";

export type DependencyCondition = "service_started" | "service_healthy" | "service_completed_successfully";
export interface Dependency {
  service: string;
  condition: DependencyCondition;
  /** When the other service was updated (not merely restarted by its policy), this one is restarted. */
  restart?: true;
  /** `required: false`: one that is not there, or has failed for good, holds up nobody. */
  optional?: true;
}

/** `/steadfleet/nodes/<node>/desired/<namespace>/<pod>` */
export interface DesiredPod {
  name: string;
  namespace: string;
  /** New for every pod, also for one of the same name: ownership is decided by it. */
  uid: string;
  stack: string;
  stackUid: string;
  /** The Stack generation that this was last written for. */
  stackGeneration: number;
  service: string;
  /** Ordinal of a replica ("0", "1", …), or the node's name for a global service. */
  slot: string;
  /** Number of the stack's revision that this pod's template belongs to. */
  revision: number;
  /** Hash over what makes a replacement necessary. */
  templateHash: string;
  /** Labels of the API Pod (not of the container). */
  labels: Record<string, string>;
  createdAt: string;
  /** Set: stop it, remove it, then report `phase: "Removed"`. */
  deletionTimestamp?: string;
  /** Why it is being deleted, in words. */
  deletionReason?: string;
  /** Only with the user's explicit consent: also remove the stack's named volumes on this node that are ours. */
  removeVolumes?: boolean;
  dependsOn: Dependency[];
  container: ContainerSpec;
  /**
   * The bits that all pods of this template run: `sha256:…` of the manifest that `container.image` meant when it was first pulled
   * for it. Absent until known, and for images that no registry knows. No part of the template.
   */
  imageDigest?: string;
  /** Secrets of type kubernetes.io/dockerconfigjson, delivered like files: `pullSecretKey(node, namespace, {name, hash})` (store/deliveries.ts). */
  pullSecrets?: { name: string; hash: string }[];
  /** What the pod's successor on this node will be: pull its image and look for what would keep it from starting, touch nothing. */
  next?: { templateHash: string; container: ContainerSpec; imageDigest?: string; pullSecrets?: { name: string; hash: string }[] };
  /** RFC 3339: a container that was started before is restarted once (`depends_on: {x: {restart: true}}`, x having been updated). */
  restartAfter?: string;
  /** What to do about a container whose health check fails; at most so often in the window. Absent: it is reported, and left to run. */
  unhealthy?: { action: "restart" | "recreate"; budget: { times: number; withinMs: number } };
  /** The container that was found under this Compose project and service is taken over when it is what it should be. */
  adopt?: {
    project: string;
    service: string;
    number: number;
    /** With the user's consent: one that is not what it should be is replaced. Else it stays, and its pod says what differs. */
    replace?: true;
  };
}

/**
 * `/steadfleet/nodes/<node>/sealed/<namespace>/<name>@<hash>`: the content of a config or secret for the pods of this node. Written by
 * the controller in (or before) the commit that first writes a pod that needs it, removed when no desired pod of the node does.
 */
export type Delivery =
  /** Base64. Configs only. */
  | { type: "plain"; data: string }
  /** Base64 of ephemeral X25519 public key, nonce, ciphertext and tag; the etcd key is bound in. See store/seal.ts. */
  | { type: "sealed"; recipient: string; data: string };

/**
 * `/steadfleet/requests/pod-deletions/<namespace>/<pod>`: `kubectl delete pod`. The API writes it because `desired` is the
 * controller's alone (I3); the controller deletes it in the commit that sets the pod's deletionTimestamp. The same pod is
 * asked for once: writing it again changes nothing.
 */
export interface PodDeletion {
  /** The DesiredPod's uid: a request never hits a successor of the same name. */
  uid: string;
  requestedAt: string;
  /** Who asked, for the Event. */
  by?: string;
}

/** Docker's state in Docker's words; `absent` before create and after remove. */
export type ContainerState = "absent" | "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** `Removed` is the answer to a deletionTimestamp: nothing of this pod is left on the node. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown" | "Removed";

/** Something an agent did to bring the world back, or could not do. The controller makes an Event of each. */
export interface AgentNote {
  /** Rises by one per pod and process; with the pod's uid and `at` it names the Event. */
  seq: number;
  at: string;
  type: "Normal" | "Warning";
  /** CamelCase: Healed, Pulled, Created, Started, Replaced, Updated, Killing, Unhealthy, BackOff, Failed, … */
  reason: string;
  message: string;
  /** JSON Patch operations from observed to desired, for drift. Never a secret or environment value. */
  drift?: { op: string; path: string; value?: unknown }[];
}

/** `/steadfleet/nodes/<node>/observed/<namespace>/<pod>` */
export interface ObservedPod {
  uid: string;
  /** mod revision of the DesiredPod that this answers; the container agrees with it when `inSync`. */
  desiredRevision: number;
  inSync: boolean;
  phase: PodPhase;
  state: ContainerState;
  /** Running, and healthy where there is a check. */
  ready: boolean;
  health?: "starting" | "healthy" | "unhealthy";
  /** CamelCase word and a sentence for whatever is not as desired: Pulling, WaitingForDependency, CrashLoopBackOff, ImageNotFound, PortConflict, … */
  reason?: string;
  message?: string;
  /** The engine's last error, verbatim; gone when it was overcome. */
  lastError?: string;
  /** Since when `reason` holds. */
  since: string;
  /** When the agent (or the engine) tries again. */
  nextRetryAt?: string;
  containerId?: string;
  image?: string;
  imageId?: string;
  /** `name@sha256:…` where the engine knows one. */
  imageDigest?: string;
  restarts: number;
  exitCode?: number;
  oomKilled?: boolean;
  startedAt?: string;
  finishedAt?: string;
  /** Addresses inside the engine's networks: network name → IP. */
  addresses?: Record<string, string>;
  /** Host ports that are open now. */
  ports?: { target: number; published: number; protocol: string; hostIp: string }[];
  /** Last lines of the container's log, after a failure only. At most 10 lines of 500 characters. */
  logTail?: string[];
  /** Which start of which container the `postStart` hooks have run for. */
  postStart?: string;
  /** The answer to `next`: ready, or what would keep it from starting. */
  prepared?: { templateHash: string; ready: boolean; reason?: string; message?: string; imageDigest?: string };
  /** The last 10 things done, oldest first. */
  notes: AgentNote[];
}

export interface NodeCondition {
  type: "Ready" | "RuntimeUnavailable" | "DiskPressure";
  status: "True" | "False";
  reason: string;
  message: string;
  since: string;
}

/** `/steadfleet/nodes/<node>/info` */
export interface NodeInfo {
  hostname: string;
  addresses: { type: "InternalIP" | "Hostname"; address: string }[];
  os: string;
  arch: string;
  osImage: string;
  kernelVersion: string;
  engineVersion: string;
  engineApiVersion: string;
  agentVersion: string;
  cpus: number;
  memoryBytes: number;
  disk: { totalBytes: number; freeBytes: number };
  /** From the agent's configuration, e.g. topology.kubernetes.io/region and zone. */
  labels: Record<string, string>;
  containers: { ours: number; foreign: number };
  /** X25519, raw, base64: what secrets for this node are sealed to. The private half never leaves the node. */
  publicKey?: string;
  conditions: NodeCondition[];
}

/** `/steadfleet/nodes/<node>/session`: lives by the agent's lease. Every write of the agent compares its create revision. */
export interface NodeSession {
  nonce: string;
  hostname: string;
  pid: number;
  startedAt: string;
}
