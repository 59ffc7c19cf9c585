// A whole fleet in memory: store, agents, controllers, and a clock that moves only when told.
import { createHash } from "node:crypto";
import { pino } from "pino";
import type { DesiredPod } from "../../schemas/fleet.ts";
import { LABELS, STACK_FINALIZER } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Event, Node, Stack, StackRevision } from "../../schemas/types.ts";
import { EncryptionKeyError } from "../../store/errors.ts";
import { nodesPrefix, objectKey, objectPrefix, parseNodeKey, podDeletionKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import { MemoryKv } from "../../store/memory.ts";
import { ObjectStore } from "../../store/objects.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { type Controller, startController } from "../index.ts";
import { type ServiceOptions, testCompile } from "./builders.ts";
import { FakeAgent, type FakeAgentOptions } from "./fake-agent.ts";

export interface Seen {
  node: string;
  pod: DesiredPod;
  ready: boolean;
}

/** Secrets lie there in the clear; contents are told apart. */
const atRest = {
  hash: (about: string, content: Uint8Array): string =>
    createHash("sha256").update(`${about}\n`).update(content).digest("hex").slice(0, 16),
  rotate: async (): Promise<number> => 0,
  problem: (): string | undefined => undefined,
};
/** Of a server that does not have the cluster's key. */
export const keyless: typeof atRest = {
  hash: () => {
    throw new EncryptionKeyError("this server does not have the cluster's encryption key");
  },
  rotate: async () => 0,
  problem: () => "this server does not have the cluster's encryption key",
};

export class Fleet {
  readonly env = new ManualEnv();
  readonly kv = new MemoryKv(this.env);
  readonly objects = new ObjectStore(this.kv, this.env);
  readonly agents = new Map<string, FakeAgent>();
  private readonly controllers: Controller[] = [];

  /** `wrap` puts faults between the controller and its store. */
  control(id = "c1", wrap: (kv: Kv) => Kv = (kv) => kv, rest = atRest): Controller & { kv: MemoryKv } {
    const own = this.kv.another();
    const controller = startController({
      kv: wrap(own),
      env: this.env,
      log: pino({ level: process.env["LOG"] ?? "silent" }),
      id,
      compile: testCompile,
      atRest: rest,
    });
    this.controllers.push(controller);
    return Object.assign(controller, { kv: own });
  }
  async agent(node: string, o: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
    const agent = new FakeAgent({ kv: this.kv.another(), env: this.env, node, ...o });
    this.agents.set(node, agent);
    await agent.start();
    return agent;
  }
  async close(): Promise<void> {
    const state = { open: true };
    const all = Promise.all([...this.controllers.map((c) => c.close()), ...[...this.agents.values()].map((a) => a.stop())]).then(
      () => (state.open = false),
    );
    while (state.open) await this.env.advance(100);
    await all;
  }

  /** Creates the Stack, or changes its services. */
  async apply(
    name: string,
    services: Record<string, ServiceOptions & { invalid?: string }>,
    more: Record<string, unknown> = {},
    namespace = "default",
  ): Promise<Stack> {
    const spec = { services, ...more } as unknown as Stack["spec"];
    const key = objectKey(RESOURCES.stacks, namespace, name);
    if (!(await this.kv.get(key)).item) {
      return this.objects.create<Stack>(RESOURCES.stacks, {
        apiVersion: "steadfleet.dev/v1",
        kind: "Stack",
        metadata: { name, namespace, finalizers: [STACK_FINALIZER] },
        spec,
      });
    }
    const old = await this.objects.get<Stack>(RESOURCES.stacks, namespace, name);
    return this.objects.update(RESOURCES.stacks, { ...old, metadata: { ...old.metadata, resourceVersion: "" }, spec });
  }
  stack(name: string, namespace = "default"): Stack | undefined {
    const item = this.kv.server.at(objectKey(RESOURCES.stacks, namespace, name));
    return item && (JSON.parse(item.value) as Stack);
  }
  /** Of the Stack of that name, oldest first. */
  revisions(name: string, namespace = "default"): StackRevision[] {
    const items = this.kv.server.below(objectPrefix(RESOURCES.stackrevisions, namespace), this.kv.server.revision);
    return items
      .map((i) => JSON.parse(i.value) as StackRevision)
      .filter((r) => r.metadata.labels?.[LABELS.stack] === name)
      .toSorted((a, b) => a.revision - b.revision);
  }
  healthy(name: string): boolean {
    const s = this.stack(name);
    return s?.status?.health === "Healthy" && s.status.observedGeneration === s.metadata.generation;
  }
  pods(stack?: string): Seen[] {
    const items = this.kv.server.below(nodesPrefix, this.kv.server.revision);
    const values = new Map(items.map((i) => [i.key, i.value]));
    return items
      .flatMap(({ key, value }): Seen[] => {
        const where = parseNodeKey(key);
        if (where?.kind !== "desired") return [];
        const pod = JSON.parse(value) as DesiredPod;
        const answer = values.get(key.replace("/desired/", "/observed/"));
        const seen = answer === undefined ? undefined : (JSON.parse(answer) as { uid: string; ready: boolean });
        return [{ node: where.node, pod, ready: seen?.uid === pod.uid && seen.ready }];
      })
      .filter((p) => stack === undefined || p.pod.stack === stack);
  }
  events(): Event[] {
    return this.kv.server.below("/steadfleet/objects/core/events/", this.kv.server.revision).map((i) => JSON.parse(i.value) as Event);
  }
  /** As the API does it. */
  async deletePod(p: DesiredPod): Promise<void> {
    await this.kv.commit([
      { key: podDeletionKey(p.namespace, p.name), value: { uid: p.uid, requestedAt: new Date(this.env.now()).toISOString() } },
    ]);
  }
  async editNode(name: string, edit: (n: Node) => Node): Promise<void> {
    const old = await this.objects.get<Node>(RESOURCES.nodes, undefined, name);
    await this.objects.update(RESOURCES.nodes, edit({ ...old, metadata: { ...old.metadata, resourceVersion: "" } }));
  }
  /** Containers that would be running, by `<stack>/<service>/<slot>`. */
  live(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const agent of this.agents.values()) {
      for (const c of agent.containers.values()) {
        const id = `${c.stack}/${c.service}/${c.slot}`;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
    return counts;
  }
  until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    return this.env.until(condition, limitMs);
  }
}
