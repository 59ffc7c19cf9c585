// Servers and an agent as processes of their own over a real etcd, killed at any moment; a third server, in this process, asks.
// The agent needs no Docker for its tunnel.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectEtcd } from "../../store/etcd/index.ts";
import { realEnv } from "../../store/env.ts";
import { tunnelKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import { startTestEtcd, type TestEtcd } from "../../store/testing/etcd.ts";
import { newLair, removeLair, room } from "../../test/harness/lair.ts";
import { freePort } from "../../test/harness/ports.ts";
import { Program, steady } from "../../test/harness/program.ts";
import { until } from "../../test/harness/until.ts";
import { type ApiHandle, revokeToken, startApi } from "../index.ts";
import { noSignal, quiet } from "./testing/world.ts";

let dir: string;
let etcd: TestEtcd;
let kv: Kv;
/** Asks, and has no tunnel of its own. */
let api: ApiHandle;
let servers: { program: Program; url: string }[];
let agent: Program;
let token: string;
const undo: (() => Promise<unknown> | void)[] = [];

const authority = (n: number): string | undefined => {
  try {
    return readFileSync(join(dir, `server-${n}/pki/ca.crt`), "utf8");
  } catch {
    return undefined;
  }
};

beforeEach(async () => {
  dir = newLair("tunnel");
  undo.push(() => removeLair(dir));
  etcd = await startTestEtcd();
  undo.push(() => etcd.stop());
  kv = connectEtcd({ hosts: [etcd.endpoint] });
  undo.push(() => kv.close());
  api = await startApi({ kv, env: realEnv, log: quiet, dataDir: room(dir, "api"), host: "127.0.0.1", port: 0, version: "0.0.0" });
  undo.push(() => api.close());
  servers = [];
  for (const n of [0, 1]) {
    const port = await freePort();
    const args = ["server", "--etcd", etcd.endpoint, "--listen", `127.0.0.1:${port}`, "--data-dir", room(dir, `server-${n}`)];
    const program = new Program(`server ${n}`, args, join(dir, `server-${n}.log`));
    undo.push(() => program.stop());
    program.start();
    servers.push({ program, url: `https://127.0.0.1:${port}` });
  }
  const what = { what: "the servers' certificates", show: () => servers.map((s) => s.program.logTail()).join("\n") };
  const trusted = await until(() => {
    const found = [authority(0), authority(1)];
    return found.every((pem) => pem !== undefined) ? found.join("\n") : undefined;
  }, what);
  writeFileSync(join(dir, "ca.crt"), trusted);
  const made = await steady(["token", "create", "--node", "n1", "--etcd", etcd.endpoint, "--out", join(dir, "n1.token")]);
  expect(made).toMatchObject({ code: 0, stdout: "" });
  token = readFileSync(join(dir, "n1.token"), "utf8").trim();
  const files = ["--token-file", join(dir, "n1.token"), "--ca-file", join(dir, "ca.crt"), "--data-dir", room(dir, "n1")];
  const ways = ["--etcd", etcd.endpoint, "--server", servers.map((s) => s.url).join(","), "--docker-host", join(dir, "none.sock")];
  agent = new Program("agent", ["agent", "--node-name", "n1", ...ways, ...files], join(dir, "agent.log"));
  undo.push(() => agent.stop());
  agent.start();
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const logs = (): string => [...servers.map((s) => s.program), agent].map((p) => `--- ${p.name}\n${p.logTail()}`).join("\n");
/** Status of a path that no agent has, asked through whoever holds the tunnel. */
const reach = async (): Promise<number | undefined> => {
  try {
    const s = await api.links.open("n1", { method: "GET", path: "/v1/nothing", signal: noSignal() });
    await text(s.body);
    return s.status;
  } catch {
    return undefined;
  }
};
const reached = (): Promise<unknown> =>
  until(async () => (await reach()) === 404, { what: "the agent to answer", deadlineMs: 60_000, show: logs });
const record = async (): Promise<{ replica: string; dial: number }> =>
  JSON.parse((await kv.get(tunnelKey("n1"))).item?.value ?? "{}") as { replica: string; dial: number };

describe("a tunnel between processes", () => {
  it("is found by every server, and outlives the death of the one that held it, and the agent's", async () => {
    await reached();
    const first = await record();
    const holder = servers.find((s) => s.program.log.includes('"tunnel connected"'));
    if (!holder) throw new Error(`no server says that it has the tunnel\n${logs()}`);
    await holder.program.kill9();
    await until(async () => (await record()).replica !== first.replica, {
      what: "another server to hold it",
      deadlineMs: 60_000,
      show: logs,
    });
    await reached();
    await agent.kill9();
    await until(() => !api.links.connected("n1"), { what: "the tunnel's end to be known", deadlineMs: 60_000, show: logs });
    agent.start();
    await reached();
    // Its token is its key.
    await revokeToken(kv, token);
    await until(async () => (await reach()) === undefined, { what: "the tunnel to end with its token", deadlineMs: 60_000, show: logs });
  });

  it("writes nothing while it is idle", async () => {
    await reached();
    const revision = async (): Promise<number> => (await kv.get(tunnelKey("n1"))).revision;
    // Whatever the start still has to write is written: the controller's Node object, the agent's info.
    let last = await revision();
    await until(
      async () => {
        const before = last;
        await realEnv.sleep(2_000);
        return (last = await revision()) === before;
      },
      { what: "quiet", deadlineMs: 60_000, show: logs },
    );
    // Two rounds of lease keep-alives.
    await realEnv.sleep(10_000);
    expect(await revision()).toBe(last);
  });
});
