// Containers that another one needs: which they are now, whether they can be joined, and whether the one that has joined must follow. Pure.
import type { ContainerSpec, SharedWith } from "../../schemas/fleet.ts";
import type { ContainerFacts } from "../observe.ts";
import { shareKey } from "../render/namespaces.ts";
import { isLooping } from "../report.ts";
import type { Joined } from "./joined.ts";

export type ShareKind = "network" | "pid" | "ipc" | "volumes";

/** One of the containers that a pod needs, as it is now. */
export interface Share {
  kind: ShareKind;
  /** `service:x` or `container:name`, as in the manifest. */
  key: string;
  /** Absent: there is none, or it was not looked at yet. */
  id?: string;
  /** When it was last started; absent while it does not run. */
  startedAt?: string;
  /** Why it cannot be joined now, in words that follow the key. */
  why?: string;
  /** Nothing is known yet: that says nothing about a container that runs. */
  unseen?: true;
}

export const sharesWanted = (c: ContainerSpec): { kind: ShareKind; of: SharedWith }[] => {
  const wanted: { kind: ShareKind; of: SharedWith }[] = [];
  if (typeof c.networkMode === "object") wanted.push({ kind: "network", of: c.networkMode });
  if (typeof c.pid === "object") wanted.push({ kind: "pid", of: c.pid });
  if (typeof c.ipc === "object") wanted.push({ kind: "ipc", of: c.ipc });
  for (const of of c.volumesFrom ?? []) wanted.push({ kind: "volumes", of });
  return wanted;
};

/** What is known of the container that is meant. `none`: why there is none. */
export type Candidate = ContainerFacts | { none: string; unseen?: true };

export const shareOf = (kind: ShareKind, of: SharedWith, found: Candidate, now: number): Share => {
  const share = { kind, key: shareKey(of) };
  if ("none" in found) return { ...share, why: found.none, ...(found.unseen ? { unseen: true } : {}) };
  const runs = found.state === "running" || found.state === "paused";
  const known = { ...share, id: found.id, ...(runs && found.startedAt !== undefined ? { startedAt: found.startedAt } : {}) };
  // Volumes are there as long as the container is.
  if (kind === "volumes") return known;
  if (isLooping(found, now)) return { ...known, why: "exits again and again" };
  if (!runs) return { ...known, why: found.startedAt === undefined ? "has not started yet" : `is ${found.state}` };
  return known;
};

/** Why the container cannot be made, started or put right now. */
export const shareHold = (shares: readonly Share[]): string | undefined => {
  const held = shares.find((s) => s.why !== undefined);
  return held && `waiting for ${held.key}: it ${held.why}`;
};

/** By the keys that render() asks for. Of one that is not known, what the container has now: that is no difference. */
export const shareIds = (shares: readonly Share[], has: Joined | undefined): Map<string, string> => {
  const ids = new Map<string, string>();
  for (const share of shares) {
    const id = share.id ?? joinedId(share, shares, has);
    if (id !== undefined) ids.set(share.key, id);
  }
  return ids;
};

const joinedId = (share: Share, shares: readonly Share[], has: Joined | undefined): string | undefined =>
  share.kind === "volumes" ? has?.volumes[shares.filter((s) => s.kind === "volumes").indexOf(share)] : has?.[share.kind];

export interface Repair {
  how: "replace" | "restart";
  cause: string;
}

const WORDS: Record<ShareKind, string> = {
  network: "its network namespace",
  pid: "its process namespace",
  ipc: "its IPC namespace",
  volumes: "its volumes",
};

/**
 * Whether a container still is where it belongs: another container has taken the place of the one it joined (`replace`: which one it
 * joins is fixed at its creation), or that one was started again since (`restart`: a namespace lives as long as a run).
 */
export const shareRepair = (shares: readonly Share[], c: ContainerFacts): Repair | undefined => {
  const moved = shares.find((s) => s.id !== undefined && joinedId(s, shares, c.joined) !== s.id);
  if (moved) return { how: "replace", cause: `${moved.key} is another container now, and ${WORDS[moved.kind]} with it` };
  // What does not run joins when it starts.
  if (c.state !== "running" && c.state !== "paused") return undefined;
  const again = shares.find((s) => s.kind !== "volumes" && s.startedAt !== undefined && later(s.startedAt, c.startedAt ?? ""));
  return again && { how: "restart", cause: `${again.key} was started again, and ${WORDS[again.kind]} is another one` };
};

/** Whether `a` is after `b`: RFC 3339 with up to nine digits of a second, as engines write them. */
export const later = (a: string, b: string): boolean => {
  const [first, second] = [Date.parse(a), Date.parse(b)];
  if (Number.isNaN(second)) return !Number.isNaN(first);
  return first === second ? digits(a) > digits(b) : first > second;
};
const digits = (time: string): string => (/\.(\d+)/.exec(time)?.[1] ?? "").padEnd(9, "0");
