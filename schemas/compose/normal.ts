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
}

/** Services sorted by name. */
export interface NormalStack {
  services: NormalService[];
}
