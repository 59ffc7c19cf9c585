// The same lives on a real etcd, which is killed in the middle of a rollout.
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { STACK_FINALIZER } from "../schemas/constants.ts";
import type { DesiredPod, ObservedPod } from "../schemas/fleet.ts";
import { RESOURCES } from "../schemas/resources.ts";
import type { Event, Stack } from "../schemas/types.ts";
import { realEnv } from "../store/env.ts";
import { connectEtcd } from "../store/etcd/index.ts";
import { nodesPrefix, parseNodeKey } from "../store/keys.ts";
import type { Kv } from "../store/kv.ts";
import { ObjectStore } from "../store/objects.ts";
import { startTestEtcd, type TestEtcd } from "../store/testing/etcd.ts";
import { type Controller, startController } from "./index.ts";
import { FakeAgent, type FakeAgentOptions } from "./testing/fake-agent.ts";

let etcd: TestEtcd;
const kvs: Kv[] = [];
const agents: FakeAgent[] = [];
const controllers: Controller[] = [];
const kv = (): Kv => {
  const one = connectEtcd({ hosts: [etcd.endpoint] });
  kvs.push(one);
  return one;
};
const agent = async (node: string, o: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> => {
  const one = new FakeAgent({ kv: kv(), env: realEnv, node, ...o });
  agents.push(one);
  await one.start();
  return one;
};
const control = (id: string): Controller => {
  const one = startController({ kv: kv(), env: realEnv, log: pino({ level: "silent" }), id, leaderTtlSeconds: 3 });
  controllers.push(one);
  return one;
};
/** Looks until the condition holds, for at most a minute. */
const until = async (what: string, condition: () => Promise<boolean> | boolean): Promise<void> => {
  const end = realEnv.monotonic() + 60_000;
  while (!(await Promise.resolve(condition()).catch(() => false))) {
    if (realEnv.monotonic() > end) throw new Error(`not within a minute: ${what}`);
    await realEnv.sleep(20);
  }
};

beforeEach(async () => {
  etcd = await startTestEtcd();
});
afterEach(async () => {
  await Promise.all(controllers.splice(0).map((c) => c.close()));
  await Promise.all(agents.splice(0).map((a) => a.stop()));
  await Promise.all(kvs.splice(0).map((k) => k.close()));
  await etcd.stop();
});

const pods = async (reader: Kv): Promise<{ pod: DesiredPod; node: string; ready: boolean }[]> => {
  const { items } = await reader.range(nodesPrefix);
  const values = new Map(items.map((i) => [i.key, i.value]));
  return items.flatMap(({ key, value }) => {
    const where = parseNodeKey(key);
    if (where?.kind !== "desired") return [];
    const pod = JSON.parse(value) as DesiredPod;
    const answer = values.get(key.replace("/desired/", "/observed/"));
    const seen = answer === undefined ? undefined : (JSON.parse(answer) as ObservedPod);
    return [{ pod, node: where.node, ready: seen?.uid === pod.uid && seen.ready }];
  });
};
const draft = (image: string, replicas: number) => ({
  apiVersion: "steadfleet.dev/v1" as const,
  kind: "Stack" as const,
  metadata: { name: "shop", namespace: "default", finalizers: [STACK_FINALIZER] },
  spec: { services: { web: { image, deploy: { replicas } } } },
});

describe("on a real etcd", () => {
  it("a Stack is created, updated while etcd is killed and restarted, handed over, and deleted", async () => {
    const reader = kv();
    const objects = new ObjectStore(reader, realEnv);
    const stack = (): Promise<Stack> => objects.get<Stack>(RESOURCES.stacks, "default", "shop");
    const healthy = async (revision: number): Promise<boolean> => {
      const s = await stack();
      return s.status?.health === "Healthy" && s.status.revision === revision && s.status.observedGeneration === s.metadata.generation;
    };
    for (const node of ["n1", "n2", "n3"]) await agent(node, { behave: () => "slow", slowMs: 150 });
    const first = control("first");
    const second = control("second");
    await until("somebody leads", () => first.isLeader() || second.isLeader());
    await until("the nodes are there", async () => (await objects.list(RESOURCES.nodes)).items.length === 3);
    await objects.create(RESOURCES.stacks, draft("app:1", 3));
    await until("revision 1 is healthy", () => healthy(1));
    expect((await pods(reader)).map((p) => p.node).toSorted()).toEqual(["n1", "n2", "n3"]);

    const old = await stack();
    await objects.update(RESOURCES.stacks, { ...old, metadata: { ...old.metadata, resourceVersion: "" }, spec: draft("app:2", 3).spec });
    await until("the rollout has begun", async () => (await pods(reader)).some((p) => p.pod.container.image === "app:2"));
    await etcd.kill9();
    await etcd.restart();
    const seen: number[] = [];
    await until("revision 2 is healthy", async () => {
      const live = agents.flatMap((a) => [...a.containers.values()].map((c) => `${c.service}/${c.slot}`));
      expect(new Set(live).size).toBe(live.length);
      seen.push((await stack()).status?.progress ?? 0);
      return healthy(2);
    });
    expect((await pods(reader)).map((p) => p.pod.container.image)).toEqual(["app:2", "app:2", "app:2"]);

    const leader = first.isLeader() ? first : second;
    await leader.close();
    await objects.update(RESOURCES.stacks, {
      ...(await stack()),
      metadata: { ...old.metadata, resourceVersion: "" },
      spec: draft("app:2", 1).spec,
    });
    await until("the other one scales down", async () => (await healthy(3)) && (await pods(reader)).length === 1);

    const { items } = await objects.list<Event>(RESOURCES.events, { namespace: "default" });
    expect(items.map((e) => e.reason)).toEqual(expect.arrayContaining(["Created", "Updating", "Started"]));
    await objects.delete(RESOURCES.stacks, "default", "shop");
    await until("the stack is gone", () =>
      stack().then(
        () => false,
        () => true,
      ),
    );
    expect(await pods(reader)).toEqual([]);
    await until(
      "agents have cleared what they observed",
      async () => !(await reader.range(nodesPrefix)).items.some((i) => i.key.includes("/observed/")),
    );
  });

  it("applies in about five revisions, and soon", async () => {
    const reader = kv();
    const objects = new ObjectStore(reader, realEnv);
    await agent("n1");
    const c = control("only");
    await until("it leads", () => c.isLeader());
    await until("the node is there", async () => (await objects.list(RESOURCES.nodes)).items.length > 0);
    const before = (await reader.status()).revision;
    const began = realEnv.monotonic();
    await objects.create(RESOURCES.stacks, draft("app:1", 1));
    await until("a pod is desired", async () => (await pods(reader)).length === 1);
    const tookMs = realEnv.monotonic() - began;
    await until("it is healthy", async () => (await objects.get<Stack>(RESOURCES.stacks, "default", "shop")).status?.health === "Healthy");
    const revisions = (await reader.status()).revision - before;
    // For people who look at the log; no claim is made about time on a machine that others use, too.
    process.stderr.write(
      `apply → desired in ${tookMs.toFixed(0)} ms, Healthy in ${(realEnv.monotonic() - began).toFixed(0)} ms, ${revisions} revisions\n`,
    );
    expect(revisions).toBeLessThanOrEqual(7);
  });
});
