// Pods and Stacks as the API shows them, with defaults.
import { LABELS } from "../../schemas/constants.ts";
import { ANNOTATIONS } from "../../schemas/views.ts";
import type { PodObject, StackObject } from "../rollout/types.ts";

type Status = NonNullable<PodObject["status"]>;

export interface PodOptions {
  service?: string;
  slot?: string;
  node?: string;
  revision?: number;
  deleting?: boolean;
  suffix?: string;
  created?: string;
}

export const pod = (status: Status, o: PodOptions = {}): PodObject => {
  const { service = "web", slot = "0", node = "laptop", revision = 1 } = o;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `shop-${service}-${slot}-${o.suffix ?? "abcde"}`,
      namespace: "default",
      uid: `${service}-${slot}-${o.suffix ?? "abcde"}`,
      resourceVersion: "1",
      creationTimestamp: o.created ?? "2026-11-21T12:00:00Z",
      ...(o.deleting ? { deletionTimestamp: "2026-11-21T12:00:05Z" } : {}),
      labels: { [LABELS.stack]: "shop", [LABELS.service]: service },
      annotations: { [ANNOTATIONS.slot]: slot, [ANNOTATIONS.revision]: String(revision) },
    },
    spec: { nodeName: node, containers: [{ name: service, image: `${service}:1` }] },
    status,
  };
};

export const ready: Status = {
  phase: "Running",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: [{ ready: true, restartCount: 0, state: { running: {} } }],
};

/** Not ready, for a reason. */
export const waiting = (
  reason: string,
  message = "",
  more: { restarts?: number; exitCode?: number; log?: string; phase?: string; oom?: boolean } = {},
): Status => ({
  phase: more.phase ?? "Pending",
  reason,
  ...(message ? { message } : {}),
  conditions: [{ type: "Ready", status: "False", reason }],
  containerStatuses: [
    {
      ready: false,
      restartCount: more.restarts ?? 0,
      state: { waiting: { reason } },
      ...(more.exitCode === undefined
        ? {}
        : {
            lastState: {
              terminated: { exitCode: more.exitCode, reason: more.oom ? "OOMKilled" : "Error", ...(more.log ? { message: more.log } : {}) },
            },
          }),
    },
  ],
});

export const done: Status = {
  phase: "Succeeded",
  conditions: [{ type: "Ready", status: "False" }],
  containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 0, reason: "Completed" } } }],
};

export const stack = (status: StackObject["status"], more: { generation?: number; deleting?: boolean } = {}): StackObject => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: {
    name: "shop",
    namespace: "default",
    uid: "u",
    resourceVersion: "1",
    generation: more.generation ?? 1,
    creationTimestamp: "2026-11-21T12:00:00Z",
    ...(more.deleting ? { deletionTimestamp: "2026-11-21T12:00:05Z" } : {}),
  },
  ...(status ? { status } : {}),
});

const condition = (
  type: string,
  status: "True" | "False",
  reason: string,
  message = "",
): NonNullable<NonNullable<StackObject["status"]>["conditions"]>[number] => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: "2026-11-21T12:00:00Z",
});

export const healthy: NonNullable<StackObject["status"]> = {
  observedGeneration: 1,
  health: "Healthy",
  revision: 1,
  progress: 100,
  ready: "2/2",
  conditions: [condition("Ready", "True", "AllReady"), condition("Progressing", "False", "RolloutComplete")],
  services: { web: { mode: "replicated", desired: 2, updated: 2, ready: 2, image: "web:1" } },
};

export const progressing: NonNullable<StackObject["status"]> = {
  ...healthy,
  health: "Progressing",
  progress: 40,
  ready: "1/2",
  conditions: [condition("Ready", "False", "RollingOut", "web 1/2 ready"), condition("Progressing", "True", "RollingOut", "web 1/2 ready")],
  services: { web: { mode: "replicated", desired: 2, updated: 2, ready: 1, image: "web:1" } },
};

export { condition };
