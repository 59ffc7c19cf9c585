// One request to the Docker Engine, and how long each kind of them may take.
import type { RegistryAuth } from "./images/auth.ts";

/** Deadlines in ms. Source: Amazon ECS agent, and what a hung dockerd does to clients that have none (for ever). */
export const DEADLINE = { ping: 5_000, list: 10_000, change: 30_000, create: 240_000, start: 180_000, remove: 60_000, pullIdle: 60_000 };

export interface DockerCall {
  operation: string;
  method: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean> | undefined;
  body?: object;
  deadlineMs: number;
  stream?: boolean;
  signal?: AbortSignal;
  auth?: RegistryAuth;
  /** Before the version is agreed on. */
  bare?: boolean;
  /** On a connection of its own. */
  fresh?: boolean;
}
