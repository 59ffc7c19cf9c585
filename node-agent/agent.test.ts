// The whole agent on an etcd and an engine in memory, on a clock that moves when told.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DesiredPod, NodeInfo, ObservedPod } from "../schemas/fleet.ts";
import { desiredKey, infoKey, observedKey } from "../store/keys.ts";
import { MemoryKv } from "../store/memory.ts";
import { ManualEnv } from "../store/testing/env.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { type AgentHandle, startAgent } from "./index.ts";
import { FakeEngine } from "./testing/fake-engine.ts";
import { aPod, CLUSTER } from "./testing/rig.ts";

const NODE = "n1";
const log = pino({ level: "silent" });
let dir: string;
let env: ManualEnv;
let kv: MemoryKv;
let engine: FakeEngine;
let agent: AgentHandle | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steady-agent-"));
  env = new ManualEnv();
  kv = new MemoryKv(env);
  engine = new FakeEngine(env);
});
afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

const start = async (): Promise<void> => {
  agent = await startAgent({ kv: kv.another(), env, log, node: NODE, dataDir: dir, clusterId: CLUSTER, engine });
};
const stop = async (): Promise<void> => {
  const closing = agent?.close();
  let closed = false;
  void closing?.then(() => (closed = true));
  if (closing) await drive(() => closed);
  agent = undefined;
};
/** Moves the clock until the condition holds; files are written in real time in between. */
const drive = async (condition: () => boolean | Promise<boolean>, stepMs = 100): Promise<void> => {
  for (let n = 0; n < 3_000; n++) {
    if (await condition()) return;
    await env.advance(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("condition does not hold");
};
const read = async <T>(key: string): Promise<T | undefined> => {
  const { item } = await kv.get(key);
  return item && (JSON.parse(item.value) as T);
};
const want = async (pod: DesiredPod): Promise<void> => void (await kv.commit([{ key: desiredKey(NODE, "default", pod.name), value: pod }]));
const report = (pod: DesiredPod): Promise<ObservedPod | undefined> => read(observedKey(NODE, "default", pod.name));
const condition = async (type: string): Promise<string | undefined> =>
  (await read<NodeInfo>(infoKey(NODE)))?.conditions.find((c) => c.type === type)?.status;
const POD = aPod();

describe("agent", () => {
  it("runs what is desired, tells how it is, and writes nothing while nothing happens", async () => {
    await want(POD);
    await start();
    await drive(async () => (await report(POD))?.ready === true && (await condition("Ready")) === "True");
    await env.advance(5_000);
    const { revision } = await kv.status();
    const calls = engine.calls.length;
    await env.advance(120_000);
    expect((await kv.status()).revision).toBe(revision);
    expect(engine.calls.slice(calls)).toEqual([]);
  });

  it("an engine that hangs is a condition; nothing is removed, and all goes on when it is back", async () => {
    await want(POD);
    await start();
    await drive(async () => (await report(POD))?.ready === true);
    const before = [...engine.containers.keys()];
    engine.down = "timeout";
    await kv.commit([{ key: desiredKey(NODE, "default", POD.name), value: null }]);
    await drive(async () => (await condition("RuntimeUnavailable")) === "True");
    await env.advance(60_000);
    expect([...engine.containers.keys()]).toEqual(before);
    engine.down = undefined;
    await drive(async () => (await condition("Ready")) === "True");
    await drive(() => engine.containers.size === 0);
    await drive(async () => (await report(POD)) === undefined);
  });

  it("answers a deletion that was asked for while it was away, and of which nothing is left", async () => {
    await want({ ...POD, deletionTimestamp: "2026-01-01T00:00:00Z" });
    await start();
    await drive(async () => (await report(POD))?.phase === "Removed");
  });

  it("lost events do not matter: the list tells", async () => {
    await want(POD);
    await start();
    await drive(async () => (await report(POD))?.ready === true);
    engine.deaf = true;
    await engine.remove([...engine.containers.keys()][0] ?? "");
    await drive(() => engine.byName(POD.name)?.State.Status === "running");
  });

  it("what cannot be read is not taken for gone", async () => {
    await want(POD);
    await start();
    await drive(async () => (await report(POD))?.ready === true);
    await stop();
    const { revision } = await kv.commit([{ key: desiredKey(NODE, "default", POD.name), value: { broken: true } }]);
    await start();
    await env.advance(60_000);
    await drive(async () => (await kv.status()).revision > revision);
    expect(engine.byName(POD.name)?.State.Status).toBe("running");
  });
});

describe("checkpoint", () => {
  const checkpoint: Checkpoint = {
    version: 1,
    clusterId: CLUSTER,
    node: NODE,
    revision: 7,
    nonce: "n",
    desired: { "default/a": { pod: POD, revision: 7 } },
    observed: {},
  };

  it("comes back as it was written, and is for its node alone", async () => {
    await writeCheckpoint(dir, checkpoint);
    expect(await readCheckpoint(dir, NODE, log)).toEqual(checkpoint);
    expect(await readCheckpoint(dir, "another", log)).toBeUndefined();
  });

  it("is nothing when torn anywhere", async () => {
    await writeCheckpoint(dir, checkpoint);
    const path = join(dir, "checkpoint.json");
    const whole = readFileSync(path, "utf8");
    for (let end = 0; end < whole.length; end += 37) {
      writeFileSync(path, whole.slice(0, end));
      expect(await readCheckpoint(dir, NODE, log)).toBeUndefined();
    }
  });
});
