// The parts of API objects that the CLI reads. Everything optional: an older or newer server may leave things out.
import type { Condition, Health, KubeObject } from "../../schemas/meta.ts";

export interface ServiceView {
  mode: string;
  desired: number;
  updated: number;
  ready: number;
  replicas?: number;
  image: string;
  paused?: boolean;
  message?: string;
  job?: JobView;
}

export interface JobView {
  runs: { state: string; scheduledTime?: string; failed?: number; message?: string }[];
  backoffLimit?: number;
  nextScheduleTime?: string;
  suspended?: boolean;
}

export interface StackObject extends KubeObject {
  spec?: Record<string, unknown>;
  status?: {
    observedGeneration?: number;
    health?: Health;
    revision?: number;
    progress?: number;
    ready?: string;
    conditions?: Condition[];
    services?: Record<string, ServiceView>;
    nodes?: string[];
    volumes?: Record<string, { node: string }>;
  };
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode?: number; reason?: string; message?: string; startedAt?: string; finishedAt?: string };
}

export interface PodObject extends KubeObject {
  spec?: {
    nodeName?: string;
    containers?: { name: string; image?: string; ports?: { containerPort: number; hostPort?: number; protocol?: string }[] }[];
  };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
    containerStatuses?: {
      ready?: boolean;
      restartCount?: number;
      health?: string;
      state?: ContainerState;
      lastState?: ContainerState;
      imageID?: string;
      containerID?: string;
    }[];
  };
}
