// What the node and its containers use. Counters become rates between two samples; nobody asks, nothing is sampled.
import { cpus, freemem, totalmem } from "node:os";
import type { Logger } from "pino";
import { LABELS } from "../../schemas/constants.ts";
import type { NodeStats } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import { type Engine, isEngineError } from "../engine.ts";
import type { ContainerStats } from "../engine-io.ts";
import type { World } from "../world.ts";

export interface HostUsage {
  /** Of all processors together, since boot. */
  busyMs: number;
  memoryBytes: number;
}

/** The agent's own machine. Memory in use is what programs could not get: MemTotal − MemAvailable on Linux. */
export const hostUsage = (): HostUsage => ({
  busyMs: cpus().reduce((sum, { times: t }) => sum + t.user + t.nice + t.sys + t.irq, 0),
  memoryBytes: totalmem() - freemem(),
});

/** A rate over less says little, one over more is history. */
const WINDOW = { leastMs: 1_000, mostMs: 60_000 };

interface Counter extends ContainerStats {
  atMs: number;
}
interface Sample {
  atMs: number;
  host: HostUsage;
  containers: Map<string, Counter>;
}
type PodUse = NodeStats["pods"][number];

interface Parts {
  engine: Pick<Engine, "stats">;
  world: Pick<World, "podKeys" | "ofPod">;
  env: Env;
  log: Logger;
  usage?: () => HostUsage;
}

export class Stats {
  private last: Sample | undefined;
  private answer: NodeStats | undefined;
  private running: Promise<NodeStats> | undefined;

  constructor(private readonly o: Parts) {}

  /** Takes a second where there is no sample to compare with. Who asks meanwhile gets the same answer. */
  read(): Promise<NodeStats> {
    this.running ??= this.measure().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async measure(): Promise<NodeStats> {
    const { env } = this.o;
    const age = this.last ? env.monotonic() - this.last.atMs : Infinity;
    if (age < WINDOW.leastMs && this.answer) return this.answer;
    if (!this.last || age > WINDOW.mostMs) {
      this.last = await this.sample();
      await env.sleep(WINDOW.leastMs);
    }
    const before = this.last;
    let now = await this.sample();
    const young = [...now.containers.keys()].filter((id) => rateOf(now, before, id) === undefined);
    const pods = this.podsOf(now, before);
    const answer: NodeStats = {
      at: new Date(env.now()).toISOString(),
      windowMs: Math.round(now.atMs - before.atMs),
      node: {
        cpuCores: Math.max(0, now.host.busyMs - before.host.busyMs) / (now.atMs - before.atMs),
        memoryBytes: now.host.memoryBytes,
      },
      pods,
    };
    if (young.length > 0) {
      // Started since the last sample: a second of their own.
      await env.sleep(WINDOW.leastMs);
      const later = await this.sample(young);
      answer.pods = [...pods, ...this.podsOf(later, now)];
      now = { ...now, containers: new Map([...now.containers, ...later.containers]) };
    }
    this.last = now;
    this.answer = answer;
    return answer;
  }

  private podsOf(now: Sample, before: Sample): PodUse[] {
    const found: PodUse[] = [];
    for (const key of this.o.world.podKeys()) {
      const [namespace = "", pod = ""] = key.split("/");
      for (const { id, labels } of this.o.world.ofPod(key)) {
        const used = rateOf(now, before, id);
        if (used) found.push({ namespace, pod, uid: labels[LABELS.uid] ?? "", ...used });
      }
    }
    return found;
  }

  private async sample(only?: string[]): Promise<Sample> {
    const { engine, world, env, log, usage = hostUsage } = this.o;
    const atMs = env.monotonic();
    const host = usage();
    const containers = new Map<string, Counter>();
    // All of them: what is known of their state may be seconds old, and the engine answers quickly for those that do not run.
    const ids = only ?? world.podKeys().flatMap((key) => world.ofPod(key).map((c) => c.id));
    await Promise.all(
      ids.map(async (id) => {
        try {
          const used = await engine.stats(id);
          if (used) containers.set(id, { ...used, atMs: env.monotonic() });
        } catch (err) {
          // One that has just gone uses nothing; without the engine there is nothing to tell.
          if (!isEngineError(err, "notFound", "conflict")) {
            log.debug({ err, container: id }, "container's use could not be read");
            if (isEngineError(err, "unavailable", "timeout")) throw err;
          }
        }
      }),
    );
    return { atMs, host, containers };
  }
}

/** undefined: it was not there before, or has started anew since. */
const rateOf = (now: Sample, before: Sample, id: string): Pick<PodUse, "cpuCores" | "memoryBytes" | "windowMs"> | undefined => {
  const [a, b] = [before.containers.get(id), now.containers.get(id)];
  if (!a || !b || b.cpuNanos < a.cpuNanos || b.atMs <= a.atMs) return undefined;
  const windowMs = b.atMs - a.atMs;
  return { cpuCores: (b.cpuNanos - a.cpuNanos) / (windowMs * 1e6), memoryBytes: b.memoryBytes, windowMs: Math.round(windowMs) };
};
