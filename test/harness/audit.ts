// What is on a Docker host, ours and foreign: a picture before and after shows what was touched.
import { GROUP } from "../../schemas/constants.ts";
import type { Engine } from "./engine.ts";

const CLUSTER_LABEL = `${GROUP}/cluster`;

export interface Thing {
  kind: "container" | "network" | "volume";
  id: string;
  name: string;
  ours: boolean;
  /** What must not change on a foreign thing: state, start time, labels, limits, members. */
  detail: string;
}

interface Inspected {
  Id?: string;
  Name: string;
  Created?: string;
  CreatedAt?: string;
  Driver?: string;
  Labels?: Record<string, string> | null;
  Config?: { Image: string; Labels: Record<string, string> | null };
  State?: { Status: string; StartedAt: string; Paused: boolean };
  HostConfig?: unknown;
  NetworkSettings?: { Networks: Record<string, unknown> };
}

/** Everything on the host, sorted by kind and name. The networks that every engine brings with it count as foreign. */
export async function audit(engine: Engine): Promise<Thing[]> {
  const things: Thing[] = [];
  for (const kind of ["container", "network", "volume"] as const) {
    const list = await engine.docker([kind, "ls", "-q", ...(kind === "container" ? ["-a"] : [])]);
    const ids = list.split("\n").filter(Boolean);
    if (ids.length === 0) continue;
    // A thing may go between the two calls: what is left is still printed, with exit code 1.
    const { stdout } = await engine.dockerAny([kind, "inspect", ...ids]);
    for (const one of JSON.parse(stdout) as Inspected[]) {
      const labels = one.Config?.Labels ?? one.Labels ?? {};
      things.push({
        kind,
        id: one.Id ?? one.Name,
        name: one.Name.replace(/^\//, ""),
        ours: CLUSTER_LABEL in labels,
        detail: JSON.stringify([
          labels,
          one.Created ?? one.CreatedAt,
          one.Driver,
          one.Config,
          one.State?.Status,
          one.State?.StartedAt,
          one.HostConfig,
          Object.keys(one.NetworkSettings?.Networks ?? {}).toSorted(),
        ]),
      });
    }
  }
  return things.toSorted((a, b) => (a.kind + a.name + a.id).localeCompare(b.kind + b.name + b.id));
}

/** What differs between two pictures among the things that are `ours` (or are not), one line each; empty when nothing does. */
export function differences(before: Thing[], after: Thing[], ours: boolean): string[] {
  const mine = (things: Thing[]) => new Map(things.filter((thing) => thing.ours === ours).map((thing) => [thing.kind + thing.id, thing]));
  const [old, now] = [mine(before), mine(after)];
  const lines: string[] = [];
  for (const [key, thing] of old) {
    const current = now.get(key);
    if (!current) lines.push(`${thing.kind} ${thing.name} is gone`);
    else if (current.name !== thing.name) lines.push(`${thing.kind} ${thing.name} is called ${current.name}`);
    else if (current.detail !== thing.detail) lines.push(`${thing.kind} ${thing.name} has changed: ${thing.detail} → ${current.detail}`);
  }
  for (const [key, thing] of now) if (!old.has(key)) lines.push(`${thing.kind} ${thing.name} is new`);
  return lines;
}
