// What a rollout is planned from, and what a plan is made of.
import type { DesiredPod } from "../../schemas/fleet.ts";
import type { MissingReason } from "../files/compile.ts";
import type { Jobs } from "../jobs/types.ts";
import type { Pins } from "../images/pins.ts";
import type { CompiledStack, NodeView, PodView, StackRef, Volumes } from "../model.ts";

/** A pod to be made; its uid and time of creation come from who carries the plan out. */
export type PodDraft = Omit<DesiredPod, "uid" | "createdAt" | "name">;

export type Step =
  | { type: "create"; node: string; pod: PodDraft; reason: string }
  /** In one commit: the pod that is gone is forgotten and its successor written. */
  | { type: "replace"; removed: PodView; node: string; pod: PodDraft; reason: string }
  | { type: "markDeleted"; pod: PodView; reason: string; removeVolumes?: boolean }
  | { type: "updateInPlace"; pod: PodView; desired: DesiredPod; reason: string }
  /** The pod is gone: forget it. */
  | { type: "finalize"; pod: PodView; reason: string };

/** What a service is waiting for. `Unplaceable`, `NotPrepared` and what is missing need a person, or a node. */
export interface Wait {
  reason:
    | MissingReason
    | "ContentNotKnown"
    | "Unplaceable"
    | "WaitingForDependency"
    | "WaitingForPods"
    | "NodeNotResponding"
    | "Preparing"
    | "NotPrepared";
  message: string;
}

export interface RolloutInput {
  stack: StackRef;
  compiled: CompiledStack;
  /** Number of the revision that `compiled` is. */
  revision: number;
  /** All of this Stack's. */
  pods: readonly PodView[];
  /** Every node that has a Node object. */
  nodes: ReadonlyMap<string, NodeView>;
  /** Where the named volumes are, as the Stack's status remembers. */
  volumes: Volumes;
  /** What is planned of the services that are jobs. Absent: their pods are left as they are. */
  jobs?: Jobs;
  /** Uids of pods that somebody asked to delete. */
  deletions?: ReadonlySet<string>;
  /** By service: why no pod of it can be made now. What runs goes on running. */
  blocked?: ReadonlyMap<string, Wait>;
  /** By service: the bits its pods run. */
  pins?: Pins;
  /** By service: what its images are pulled with. */
  pullSecrets?: ReadonlyMap<string, NonNullable<DesiredPod["pullSecrets"]>>;
}

export interface RolloutPlan {
  steps: Step[];
  /** By service. */
  waits: Map<string, Wait>;
  /** By service: the slots that shall be filled. */
  slots: Map<string, readonly string[]>;
  volumes: Volumes;
}
