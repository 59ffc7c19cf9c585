// The agent's reconcile around a given engine, without etcd, files and timers: a test says when it looks.
import { pino } from "pino";
import { aContainer } from "../../schemas/testing/container.ts";
import { LABELS } from "../../schemas/constants.ts";
import type { ContainerSpec, DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import type { Engine } from "../engine.ts";
import { type DesiredEntry, Pods } from "../pods.ts";
import { blindHost, type HostView } from "../preflight/host.ts";
import { Images } from "../images/images.ts";
import { Resources } from "../resources.ts";
import { podKeyOf, World } from "../world.ts";

export const CLUSTER = "cluster-1";

const container = aContainer({
  image: "bb:1",
  env: { A: "b" },
  stopGraceMs: 1_000,
  networks: [{ key: "default", name: "shop_default", external: false, aliases: [] }],
});

/** A desired pod with defaults; `container` is merged into the default one. */
export const aPod = (o: Partial<Omit<DesiredPod, "container">> & { container?: Partial<ContainerSpec> } = {}): DesiredPod => ({
  name: "shop-web-0-aaaaa",
  namespace: "default",
  uid: "uid-1",
  stack: "shop",
  stackUid: "stack-1",
  stackGeneration: 1,
  service: "web",
  slot: "0",
  revision: 1,
  templateHash: "t1",
  labels: {},
  createdAt: "2026-01-01T00:00:00.000Z",
  dependsOn: [],
  ...o,
  container: { ...container, ...o.container },
});

export const ourLabels = (pod: DesiredPod): Record<string, string> => ({
  [LABELS.cluster]: CLUSTER,
  [LABELS.namespace]: pod.namespace,
  [LABELS.pod]: pod.name,
  [LABELS.uid]: pod.uid,
});

export class Rig {
  readonly desired = new Map<string, DesiredEntry>();
  /** As in etcd. */
  readonly reports = new Map<string, ObservedPod>();
  readonly queued = new Set<string>();
  world = new World(CLUSTER);
  resources: Resources;
  pods: Pods;
  synced = true;
  private revision = 0;
  private readonly stop = new AbortController();

  constructor(
    readonly engine: Engine,
    readonly env: ManualEnv = new ManualEnv(),
    private readonly host: HostView = blindHost,
  ) {
    this.resources = new Resources(engine, CLUSTER, new Images({ engine, env }));
    this.pods = this.boot();
  }

  want(...pods: DesiredPod[]): void {
    for (const pod of pods) this.desired.set(keyOf(pod), { pod, revision: ++this.revision });
  }
  unwant(pod: DesiredPod): void {
    this.desired.delete(keyOf(pod));
  }
  report(pod: DesiredPod): ObservedPod | undefined {
    return this.reports.get(keyOf(pod));
  }

  /** A new process: what the old one had in memory is gone, reports are read back as from etcd. */
  restart(engine: Engine = this.engine): Rig {
    const next = new Rig(engine, this.env, this.host);
    for (const [key, entry] of this.desired) next.desired.set(key, entry);
    next.revision = this.revision;
    for (const [key, observed] of this.reports) {
      next.reports.set(key, observed);
      next.pods.recall(key, observed);
    }
    return next;
  }

  /** One pass: list, then each pod once. */
  async pass(): Promise<void> {
    this.resources.forgetAll();
    await this.world.refresh(() => this.engine.list());
    const keys = new Set([...this.desired.keys(), ...this.world.podKeys(), ...[...this.pods.allObserved()].map(([key]) => key)]);
    for (const key of [...keys].toSorted()) {
      this.pods.stale(key);
      await this.pods.reconcile(key, this.stop.signal);
    }
  }

  /** Passes with time between them, until nothing is left to do; throws when that never happens. */
  async converge(passes = 60): Promise<void> {
    let before = "";
    for (let n = 0; n < passes; n++) {
      await this.pass();
      const now = JSON.stringify([[...this.reports.entries()].map(([k, r]) => [k, { ...r, nextRetryAt: "" }]), await this.picture()]);
      if (now === before && this.calm()) return;
      before = now;
      await this.env.advance(20_000);
    }
    throw new Error(`no convergence after ${passes} passes: ${before}`);
  }

  /** Names, uids and states of our containers, sorted. */
  async picture(): Promise<string[]> {
    const list = await this.engine.list();
    return list
      .filter((c) => podKeyOf(c.labels, CLUSTER))
      .map((c) => `${c.name} ${c.labels[LABELS.uid]} ${c.state}`)
      .toSorted();
  }

  private calm(): boolean {
    return [...this.reports.values()].every(
      (r) => r.reason === undefined || r.inSync || r.reason.startsWith("Waiting") || r.reason === "NameConflict",
    );
  }

  private boot(): Pods {
    return new Pods({
      engine: this.engine,
      env: this.env,
      log: pino({ level: "silent" }),
      world: this.world,
      resources: this.resources,
      host: this.host,
      desired: (key) => this.desired.get(key),
      allDesired: () => this.desired.entries(),
      mayRemove: () => this.synced,
      available: () => true,
      suspect: () => {},
      write: (key, observed) => void (observed ? this.reports.set(key, structuredClone(observed)) : this.reports.delete(key)),
      enqueue: (key) => void this.queued.add(key),
    });
  }
}

export const keyOf = (pod: DesiredPod): string => `${pod.namespace}/${pod.name}`;

/** The process dies at the nth change it makes: before it reaches the engine, or after, with the answer lost. Everything later fails. */
export const crashing = (engine: Engine, n: number, when: "before" | "after"): { engine: Engine; crashed: () => boolean } => {
  const changing = new Set<string>(
    "create start stop kill remove rename unpause update createNetwork removeNetwork connect disconnect createVolume removeVolume pull".split(
      " ",
    ),
  );
  let left = n;
  let dead = false;
  const proxy = new Proxy(engine, {
    get(target, property: keyof Engine) {
      const method = target[property] as unknown as (...args: unknown[]) => Promise<unknown>;
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        if (dead) throw new Crash();
        if (!changing.has(property) || --left > 0) return await method.apply(target, args);
        dead = true;
        if (when === "after") await method.apply(target, args);
        throw new Crash();
      };
    },
  });
  return { engine: proxy, crashed: () => dead };
};

export class Crash extends Error {
  override name = "Crash";
}
