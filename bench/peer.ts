// What a peer must be able to do to be compared. Times are taken by the runner, from outside, the same way for all.
import type { EngineClient } from "./engine.ts";

export type PeerName = "ours" | "cli" | "raw" | "compose" | "swarm";

export interface Peer {
  readonly name: PeerName;
  readonly engine: EngineClient;
  /** True for containers of the peer's current project. */
  owns(labels: Record<string, string>): boolean;
  /** Asks for `size` containers under a fresh project name; resolves when that is accepted (or, for peers that block, done). */
  submit(project: string, size: number): Promise<void>;
  /** The same request again, with nothing to do. */
  noop(): Promise<void>;
  /** What a person has to do after container `id` was removed or killed; nothing for those that heal by themselves. */
  heal(kind: "rm" | "kill", id: string): Promise<void>;
  /** Removes all of the project; resolves when that is accepted (or done). */
  remove(): Promise<void>;
  close(): Promise<void>;
}

export const COMMAND = ["/bin/sleep", "1000000"];
