// Leaders in processes of their own, stopped in their tracks.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../env.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { wait } from "../testing/etcd-world.ts";
import { startProxy } from "../testing/proxy.ts";
import { EtcdKv } from "./kv.ts";

const TTL = 2;
const main = fileURLToPath(new URL("../testing/elector-main.ts", import.meta.url));

interface Told {
  id: string;
  event: string;
  term: number;
  revision?: number;
}
let etcd: TestEtcd;
let kv: EtcdKv;
let children: ChildProcess[] = [];
beforeAll(async () => {
  etcd = await startTestEtcd();
  kv = new EtcdKv({ hosts: [etcd.endpoint] });
});
afterAll(async () => {
  for (const c of children) c.kill("SIGKILL");
  await kv?.close();
  await etcd?.stop();
});

const elector = (told: Told[], endpoint: string, prefix: string, id: string): ChildProcess => {
  const child = spawn(process.execPath, ["--import", "tsx", main, endpoint, prefix, id, String(TTL)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) told.push(JSON.parse(line) as Told);
  });
  return child;
};

/** Every write lies within the term that made it: in the order of revisions the terms never go back. */
const neverTwoWriters = async (prefix: string): Promise<number[]> => {
  const { items } = await kv.range(`${prefix}work/`);
  const inOrder = items.toSorted((a, b) => a.create - b.create).map((i) => (JSON.parse(i.value) as { term: number }).term);
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
  expect(items.every((i) => i.version === 1)).toBe(true);
  return [...new Set(inOrder)];
};

describe("two electors", () => {
  it("never both write, while the holder is frozen again and again", async () => {
    const told: Told[] = [];
    const prefix = "/frozen/";
    const processes = new Map(["a", "b"].map((id) => [id, elector(told, etcd.endpoint, prefix, id)]));
    const elected = () => told.filter((t) => t.event === "elected");
    await wait(() => told.some((t) => t.event === "wrote"));
    for (let round = 1; round <= 3; round++) {
      const holder = elected().at(-1)?.id ?? "";
      processes.get(holder)?.kill("SIGSTOP");
      await wait(() => elected().length > round && told.filter((t) => t.event === "wrote").length > round);
      expect(elected().at(-1)?.id).not.toBe(holder);
      // It wakes up in the middle of its work, believing what it believed.
      processes.get(holder)?.kill("SIGCONT");
      await wait(() => told.some((t) => t.id === holder && t.event === "fenced" && t.term === elected()[round - 1]?.term));
    }
    expect((await neverTwoWriters(prefix)).length).toBeGreaterThanOrEqual(4);
    expect(told.filter((t) => t.event === "error")).toEqual([]);
    for (const c of processes.values()) c.kill("SIGKILL");
  });

  it("never both write, while the holder sits in a black hole", async () => {
    const told: Told[] = [];
    const prefix = "/hole/";
    const proxy = await startProxy(etcd.endpoint);
    const a = elector(told, proxy.endpoint, prefix, "a");
    await wait(() => told.some((t) => t.event === "wrote"));
    const b = elector(told, etcd.endpoint, prefix, "b");
    proxy.blackHole(true);
    await wait(() => told.some((t) => t.id === "b" && t.event === "wrote"));
    proxy.blackHole(false);
    await wait(() => told.some((t) => t.id === "a" && t.event === "fenced"));
    expect(await neverTwoWriters(prefix)).toHaveLength(2);
    a.kill("SIGKILL");
    b.kill("SIGKILL");
    await proxy.close();
  });

  it("go on over a restart of etcd, one at a time", async () => {
    const told: Told[] = [];
    const prefix = "/restart/";
    const a = elector(told, etcd.endpoint, prefix, "a");
    await wait(() => told.some((t) => t.event === "wrote"));
    const b = elector(told, etcd.endpoint, prefix, "b");
    await etcd.kill9();
    await etcd.restart();
    const { revision } = await kv.status();
    // Whoever leads now, writes go on and no two terms overlap.
    const until = realEnv.monotonic() + 20_000;
    for (;;) {
      const { items } = await kv.range(`${prefix}work/`);
      if (items.some((i) => i.mod > revision)) break;
      expect(realEnv.monotonic()).toBeLessThan(until);
    }
    await neverTwoWriters(prefix);
    a.kill("SIGKILL");
    b.kill("SIGKILL");
    children = [];
  });
});
