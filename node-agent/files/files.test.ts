// Configs and secrets on a node, with a directory of the test's own for a tmpfs, on an etcd and an engine in memory.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DesiredPod, FileSpec, NodeInfo, ObservedPod } from "../../schemas/fleet.ts";
import { deliveryKey, deliveryOf } from "../../store/deliveries.ts";
import { desiredKey, infoKey, observedKey } from "../../store/keys.ts";
import { MemoryKv } from "../../store/memory.ts";
import { newKeyPair, publicKeyOf } from "../../store/seal.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { type AgentHandle, startAgent } from "../index.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, CLUSTER } from "../testing/rig.ts";
import { nodeKey } from "./node-key.ts";
import type { Mounts } from "./run-dir.ts";

const NODE = "n1";
const CANARY = "correct-horse-battery";
const lines: string[] = [];
const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
let dir: string;
let env: ManualEnv;
let kv: MemoryKv;
let engine: FakeEngine;
let agent: AgentHandle | undefined;
let mounts: Mounts & { mounted: string[] };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "node-files-"));
  env = new ManualEnv();
  kv = new MemoryKv(env);
  engine = new FakeEngine(env);
  lines.length = 0;
  const mounted: string[] = [];
  mounts = {
    mounted,
    inMemory: async (at) => mounted.includes(at) && existsSync(at),
    mount: async (at) => void mounted.push(at),
    unmount: async () => {},
  };
});
afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

const runDir = (): string => join(dir, "run", `${CLUSTER}-${NODE}`);
const start = async (): Promise<void> => {
  const at = { dataDir: join(dir, "data"), runDir: join(dir, "run"), mounts };
  agent = await startAgent({ kv: kv.another(), env, log, node: NODE, clusterId: CLUSTER, engine, ...at });
};
const stop = async (): Promise<void> => {
  const closing = agent?.close();
  let closed = false;
  void closing?.then(() => (closed = true));
  if (closing) await drive(() => closed);
  agent = undefined;
};
/** Moves the clock until the condition holds; files are written in real time in between. */
const drive = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 3_000; n++) {
    if (await condition()) return;
    await env.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("condition does not hold");
};
const read = async <T>(key: string): Promise<T | undefined> => {
  const { item } = await kv.get(key);
  return item && (JSON.parse(item.value) as T);
};
const report = (pod: DesiredPod): Promise<ObservedPod | undefined> => read(observedKey(NODE, "default", pod.name));
const reason = (pod: DesiredPod, wanted: string) => drive(async () => (await report(pod))?.reason === wanted);
const ready = (pod: DesiredPod) => drive(async () => (await report(pod))?.ready === true);
const want = async (pod: DesiredPod): Promise<void> => void (await kv.commit([{ key: desiredKey(NODE, "default", pod.name), value: pod }]));
const publicKey = async (): Promise<string> => {
  await drive(async () => (await read<NodeInfo>(infoKey(NODE)))?.publicKey !== undefined);
  return (await read<NodeInfo>(infoKey(NODE)))?.publicKey ?? "";
};

const SECRET: FileSpec = {
  kind: "secret",
  key: "password",
  source: { kind: "Secret", name: "db" },
  target: "/run/secrets/password",
  mode: 0o400,
  hash: "1",
};
const CONFIG: FileSpec = {
  kind: "config",
  key: "web.conf",
  source: { kind: "ConfigMap", name: "web" },
  target: "/etc/web.conf",
  mode: 0o444,
  hash: "2",
};
const pod = aPod({ container: { files: [SECRET, CONFIG] } });
const deliver = async (file: FileSpec, content: string, to: string): Promise<void> => {
  const { source, hash = "" } = file;
  const key = deliveryKey(NODE, "default", { source, hash });
  await kv.commit([{ key, value: deliveryOf(key, source, Buffer.from(content), to) }]);
};
const mountsOf = async (): Promise<{ Source?: string; Target: string; ReadOnly: boolean }[]> => {
  const [one] = await engine.list();
  const { HostConfig } = await engine.inspect(one?.id ?? "");
  return (HostConfig.Mounts ?? []).map((m) => ({
    ...(m.Source === undefined ? {} : { Source: m.Source }),
    Target: m.Target,
    ReadOnly: m.ReadOnly === true,
  }));
};
const running = async (): Promise<string | undefined> => (await engine.list())[0]?.state;

describe("files of pods", () => {
  test("are written as said before the container is made, in memory, and go with the pod", async () => {
    await start();
    const to = await publicKey();
    await deliver(SECRET, CANARY, to);
    await deliver(CONFIG, "server {}", to);
    await want(pod);
    await ready(pod);
    expect(mounts.mounted).toEqual([runDir()]);
    const [secret, config] = await mountsOf();
    expect([secret?.Target, secret?.ReadOnly, config?.Target, config?.ReadOnly]).toEqual([SECRET.target, true, CONFIG.target, true]);
    expect(readFileSync(secret?.Source ?? "", "utf8")).toBe(CANARY);
    expect(readFileSync(config?.Source ?? "", "utf8")).toBe("server {}");
    expect([secret, config].map((m) => statSync(m?.Source ?? "").mode & 0o7777)).toEqual([0o400, 0o444]);
    expect(statSync(runDir()).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(runDir(), pod.uid))).toHaveLength(2);
    const checkpoint = (): string => readFileSync(join(dir, "data/checkpoint.json"), "utf8");
    await drive(() => checkpoint().includes("secret:db@1"));
    for (const where of [checkpoint(), lines.join(""), JSON.stringify(await report(pod)), JSON.stringify(await engine.list())])
      for (const hidden of [CANARY, Buffer.from(CANARY).toString("base64")]) expect(where).not.toContain(hidden);
    await want({ ...pod, deletionTimestamp: "2026-01-01T00:00:00Z" });
    await drive(async () => (await report(pod))?.phase === "Removed");
    await kv.commit([{ key: desiredKey(NODE, "default", pod.name), value: null }]);
    await drive(() => readdirSync(runDir()).length === 0);
  });

  test("a pod waits for its content in words, and starts when it comes", async () => {
    await start();
    await want(pod);
    await reason(pod, "ContentNotDelivered");
    expect((await report(pod))?.message).toBe("the content of Secret db has not reached this node yet");
    const to = await publicKey();
    await deliver(SECRET, CANARY, newKeyPair().publicKey);
    await reason(pod, "SecretNotReadable");
    expect(await engine.list()).toEqual([]);
    await deliver(SECRET, CANARY, to);
    await deliver(CONFIG, "server {}", to);
    await ready(pod);
  });

  test("without a tmpfs it waits: nothing is written to a disk", async () => {
    mounts.mount = async () => {
      throw new Error("mount: only root can do that");
    };
    await start();
    const to = await publicKey();
    await deliver(SECRET, CANARY, to);
    await deliver(CONFIG, "server {}", to);
    await want(pod);
    await reason(pod, "NoTmpfs");
    expect((await report(pod))?.message).toMatch(
      /there is no tmpfs at .*: mount: only root can do that. Run the agent as root, or .*--run-dir/,
    );
    expect(readdirSync(runDir())).toEqual([]);
    expect(await engine.list()).toEqual([]);
  });

  test("after a reboot without etcd they are back before the container starts", async () => {
    await start();
    const to = await publicKey();
    await deliver(SECRET, CANARY, to);
    await deliver(CONFIG, "server {}", to);
    await want(pod);
    await ready(pod);
    const [secret] = await mountsOf();
    await stop();
    rmSync(join(dir, "run"), { recursive: true });
    mounts.mounted.length = 0;
    const [container] = await engine.list();
    await engine.stop(container?.id ?? "", 0);
    kv.partition(true);
    const away = kv.another();
    away.partition(true);
    const at = { dataDir: join(dir, "data"), runDir: join(dir, "run"), mounts };
    agent = await startAgent({ kv: away, env, log, node: NODE, clusterId: CLUSTER, engine, ...at });
    await drive(async () => (await running()) === "running");
    expect((await engine.list())[0]?.id).toBe(container?.id);
    expect(readFileSync(secret?.Source ?? "", "utf8")).toBe(CANARY);
    kv.partition(false);
  });

  test("what is missing while a container runs is brought back; what belongs to nobody goes", async () => {
    await start();
    const to = await publicKey();
    await deliver(SECRET, CANARY, to);
    await deliver(CONFIG, "server {}", to);
    await want(pod);
    await ready(pod);
    mkdirSync(join(runDir(), "orphan"));
    writeFileSync(join(runDir(), "orphan", "x"), "");
    rmSync(join(runDir(), pod.uid), { recursive: true });
    await drive(() => !existsSync(join(runDir(), "orphan")) && existsSync(join(runDir(), pod.uid)));
    const [secret] = await mountsOf();
    expect(readFileSync(secret?.Source ?? "", "utf8")).toBe(CANARY);
  });
});

describe("the node's key", () => {
  test("is made once, for its owner alone, and made anew when it is lost or spoilt", async () => {
    const first = await nodeKey(dir, log);
    const path = join(dir, "node.key");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(publicKeyOf(first.privateKey)).toBe(first.publicKey);
    expect(await nodeKey(dir, log)).toEqual(first);
    for (const spoil of [() => rmSync(path), () => writeFileSync(path, "x"), () => writeFileSync(path, "")]) {
      spoil();
      const next = await nodeKey(dir, log);
      expect(next.publicKey).not.toBe(first.publicKey);
      expect(await nodeKey(dir, log)).toEqual(next);
    }
    chmodSync(path, 0o600);
    expect(lines.join("")).not.toContain(first.privateKey);
  });
});
