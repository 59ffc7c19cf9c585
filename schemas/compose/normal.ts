// A Compose body with every short form spelled out and every default said: what the controller compiles.
import type { ContainerSpec, Dependency } from "../fleet.ts";

/** One `deploy.placement.constraints` entry, e.g. `node.labels.disk==ssd`. */
export interface Constraint {
  /** As written, for messages. */
  text: string;
  /** `node.hostname` compares with the node's name and its reported hostname. */
  key: { type: "hostname" } | { type: "label"; name: string };
  operator: "==" | "!=";
  value: string;
}

export interface NormalService {
  name: string;
  mode: "replicated" | "global";
  /** 1 where the manifest is silent; meaningless for global. */
  replicas: number;
  constraints: Constraint[];
  dependsOn: Dependency[];
  container: ContainerSpec;
  /** As written: another text is another template. Absent: no restart was asked for. */
  restartedAt?: string;
  /** Changes other than the number of replicas wait. */
  paused?: true;
  /** Runs to its end, `completions` times (replicated: slots; global: once on each node). */
  job?: JobSpec;
  /** Names of Secrets of type kubernetes.io/dockerconfigjson: the service's, else the Stack's. Absent: the namespace's default. */
  imagePullSecrets?: string[];
  reservations?: { cpus?: number; memoryBytes?: number };
  /** What to do about a container that Docker calls unhealthy. Absent: ignore. */
  unhealthy?: UnhealthyPolicy;
}

export interface JobSpec {
  completions: number;
  /** So many at once. */
  parallelism: number;
  /** Failures of all its pods together before the job has failed. */
  backoffLimit: number;
  schedule?: { cron: string; timeZone: string; concurrencyPolicy: "Allow" | "Forbid" | "Replace"; history: number; suspend?: true };
}

export interface UnhealthyPolicy {
  action: "ignore" | "restart" | "recreate";
  /** At most so many times in the window. */
  budget: { times: number; withinMs: number };
}

/** Services sorted by name. */
export interface NormalStack {
  services: NormalService[];
}
