// What a plan is made of: what goes in, what comes out, and every step an agent can take. Types only.
import type { DesiredPod, HookSpec } from "../../schemas/fleet.ts";
import type { Drift } from "../drift.ts";
import type { EndpointConfig, Resources, RestartPolicy } from "../engine.ts";
import type { ImageWish } from "../images/images.ts";
import type { Comparable, ContainerFacts } from "../observe.ts";
import type { Complaint } from "../resources.ts";
import type { Share } from "../shares/share.ts";
import type { NetworkRequest, Rendered, VolumeRequest } from "../render.ts";

/** Every step an agent can take. `container`: an id; absent: the one that an earlier step of the same plan created. */
interface Steps {
  /** Fails when something is in the way, before anything is touched. `mine`: containers that will be gone by then. */
  preflight: { mine: string[] };
  ensureImage: { wish: ImageWish };
  ensureNetwork: { network: NetworkRequest };
  ensureVolume: { volume: VolumeRequest };
  create: object;
  connect: { container?: string; network: string; endpoint: EndpointConfig };
  disconnect: { container: string; network: string };
  start: { container?: string };
  unpause: { container: string };
  rename: { container: string; to: string };
  update: { container: string; change: Resources & { RestartPolicy: RestartPolicy } };
  /** `preStop`: run before, within the grace period. */
  stop: { container: string; graceMs: number; preStop?: HookSpec[] };
  /** `start`: which one they belong to. */
  postStart: { container: string; hooks: HookSpec[]; start: string };
  remove: { container: string; networks: string[] };
  /** Removes it when it is ours and nobody uses it. */
  releaseNetwork: { name: string };
  removeVolume: { name: string };
}
export type ActionType = keyof Steps;
export type ActionOf<T extends ActionType> = { type: T } & Steps[T];
export type Action = { [T in ActionType]: ActionOf<T> }[ActionType];

export interface Desired {
  pod: DesiredPod;
  rendered: Rendered;
  /** What its container should look like. */
  expected: Comparable;
  /** Id of the image that `pod.imageDigest` is, where this engine has it. */
  pinnedId?: string | undefined;
}

export interface PlanInput {
  desired: Desired | undefined;
  /** Ours by label, of this namespace and pod name, whatever their uid. */
  containers: readonly ContainerFacts[];
  /** Set: somebody else's container has our name. */
  nameHolder?: string | undefined;
  /** False: what is missing in desired may only be unseen (no sync yet, an engine that has just started). I8. */
  mayRemove: boolean;
  networkIds: ReadonlyMap<string, string>;
  /** Set: a dependency that holds the start. */
  waitingFor?: string | undefined;
  /** Containers whose namespaces or volumes it needs. */
  shares: readonly Share[];
  /** What is wrong with the networks and volumes of a container that runs. */
  complaints: readonly Complaint[];
  /** The start that the postStart hooks have run for. */
  hooked?: string | undefined;
  /** What failed last was a postStart hook, after which it was stopped. */
  hookFailed?: boolean;
  /** How many times it was restarted or made again for its health within the window of its policy. */
  cures: number;
  /** It was restarted for the pod's `restartAfter` already. */
  restarted: boolean;
  /** How an earlier container of this uid ended for good. */
  finished?: "Succeeded" | "Failed" | undefined;
  /** There was a container of this uid before. */
  hadContainer: boolean;
  /** Networks and volumes were given back after the last container went. */
  released: boolean;
  /** The last failure, while it is not yet time to try again. */
  backoff?: { reason: string; message: string; untilMs: number } | undefined;
  now: number;
}

export type PlanKind = "none" | "create" | "heal" | "restart" | "replace" | "delete" | "orphan";

export interface Plan {
  kind: PlanKind;
  actions: Action[];
  drift: Drift[];
  /** It is done because the health check fails. */
  cure?: true;
  /** In words, why there is something to do. */
  cause?: string;
  /** Why the pod is not as desired though there is nothing to do now. */
  waiting?: {
    reason: string;
    message: string;
    /** When it is tried again. */
    untilMs?: number;
    /** When to look again at what goes on by itself. */
    lookAtMs?: number;
  };
  /** The container that stands for the pod. */
  current?: ContainerFacts;
  /** Nothing of the pod is left, and nothing should be. */
  gone: boolean;
  /** Ended for good, by its restart policy. */
  finished?: "Succeeded" | "Failed";
}
