// How stock kubectls read: in chunks, by streamed lists, and against a server that asks them to wait.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiWorld } from "../api-world.ts";
import { runAny } from "../harness/run.ts";
import { Kubectl, kubectlPrograms } from "../kubectl.ts";

const programs = await kubectlPrograms();
const NAMES = Array.from({ length: 12 }, (_, i) => `c${String(i).padStart(2, "0")}`);
const CMS = "/api/v1/namespaces/default/configmaps";
let world: ApiWorld;
let slow: ApiWorld;

beforeAll(async () => {
  world = await ApiWorld.start();
  slow = await ApiWorld.start({ limits: { reads: { perSecond: 4, burst: 8 } } });
  for (const name of NAMES)
    await world.client.request("POST", CMS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, labels: { app: "chunks" } },
      data: { a: name },
    });
  await slow.client.request("POST", CMS, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" } });
});
afterAll(async () => {
  await world?.close();
  await slow?.close();
});

describe.each(programs)("kubectl $version", (program) => {
  let k: Kubectl;
  beforeAll(() => {
    k = new Kubectl(program, world.cluster);
  });
  afterAll(() => k?.close());

  it("gets a list in chunks, as names, as a table and as JSON", async () => {
    const all = ["get", "configmaps", "-l", "app=chunks", "--chunk-size=5"];
    expect((await k.ok(...all, "-o", "name")).trim().split("\n")).toEqual(NAMES.map((n) => `configmap/${n}`));
    const table = (await k.ok(...all)).trim().split("\n");
    expect(table.map((line) => line.split(/\s+/)[0])).toEqual(["NAME", ...NAMES]);
    expect((await k.json<{ items: unknown[] }>(...all)).items).toHaveLength(12);
    const { stderr } = await k.any(...all, "-v=6");
    expect(stderr.match(/GET \S+configmaps\?\S*limit=5/g)).toHaveLength(3);
  });

  it("waits as long as a 429 says, and asks again", async () => {
    const other = new Kubectl(program, slow.cluster);
    try {
      const answers = await Promise.all(Array.from({ length: 6 }, () => other.any("get", "configmap", "one", "-o", "name", "-v=6")));
      expect(answers.map((a) => a.stdout.trim())).toEqual(Array(6).fill("configmap/one"));
      expect(answers.map((a) => a.stderr).join("\n")).toMatch(/ 429 Too Many Requests/);
    } finally {
      await other.close();
    }
  });
});

describe("a client that streams its lists", () => {
  it("hears where the list ends: it waits for a deletion that comes", async () => {
    const program = programs.at(-1);
    if (!program) throw new Error("no kubectl");
    const k = new Kubectl(program, world.cluster);
    try {
      await k.ok("create", "configmap", "streamed");
      // The default from client-go 0.35 on; older ones have it behind this gate.
      const env = { ...k.env, KUBE_FEATURE_WatchListClient: "true" };
      const waiting = runAny(program.path, ["wait", "--for=delete", "configmap/streamed", "--timeout=30s", "-v=6"], {
        env,
        timeoutMs: 60_000,
      });
      // The one that waits has begun when its watch is counted.
      await expect
        .poll(() => k.ok("get", "--raw", "/metrics"), { timeout: 30_000 })
        .toMatch(/^steadfleet_api_watchers\{resource="configmaps"\} 1$/m);
      await k.ok("delete", "configmap", "streamed");
      const { code, stderr } = await waiting;
      expect(code).toBe(0);
      expect(stderr).toContain("sendInitialEvents=true");
    } finally {
      await k.close();
    }
  });
});
