import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realEnv as env } from "../env.ts";
import { Informer } from "../informer.ts";
import { wait } from "../testing/etcd-world.ts";
import { type EtcdProcess, connectEtcd, startEtcd } from "./index.ts";
import { freePort, portAnswers } from "./ports.ts";

const log = pino({ level: "silent" });
let dataDir: string;
const started: EtcdProcess[] = [];
const start = async (o: Partial<Parameters<typeof startEtcd>[0]> = {}): Promise<EtcdProcess> => {
  const etcd = await startEtcd({ dataDir, env, log, ...o });
  started.push(etcd);
  return etcd;
};
const portOf = (etcd: EtcdProcess): number => Number(new URL(etcd.endpoint).port);
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "steadfleet-process-"));
});
afterEach(async () => {
  for (const etcd of started.splice(0)) await etcd.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe("startEtcd", () => {
  it("serves, keeps its data over a stop and new ports, and stays one cluster", async () => {
    const first = await start();
    const kv = connectEtcd({ hosts: [first.endpoint] });
    await kv.commit([{ key: "/x/k", value: { n: 1 } }]);
    const { clusterId } = await kv.status();
    await kv.close();
    await first.stop();
    expect(await portAnswers(portOf(first))).toBe(false);
    const second = await start();
    const again = connectEtcd({ hosts: [second.endpoint] });
    expect((await again.get("/x/k")).item?.value).toBe('{"n":1}');
    expect((await again.status()).clusterId).toBe(clusterId);
    await again.close();
  });

  it("gives every data directory a cluster id of its own", async () => {
    const [clientPort, peerPort] = [await freePort(), await freePort()];
    const ids: string[] = [];
    for (const dir of ["a", "b"]) {
      const etcd = await start({ dataDir: join(dataDir, dir), clientPort, peerPort });
      const kv = connectEtcd({ hosts: [etcd.endpoint] });
      ids.push((await kv.status()).clusterId);
      await kv.close();
      await etcd.stop();
    }
    expect(ids[0]).not.toBe(ids[1]);
  });

  it("is found out by an informer when another store comes to answer in its place, as after a restore", async () => {
    const clientPort = await freePort();
    const old = await start({ dataDir: join(dataDir, "old"), clientPort });
    const kv = connectEtcd({ hosts: [old.endpoint] });
    for (let n = 1; n <= 5; n++) await kv.commit([{ key: `/x/k${n}`, value: { n } }]);
    const stop = new AbortController();
    const informer = new Informer({ kv, env, log, prefix: "/x/", decode: (item) => item.value });
    informer.start(stop.signal);
    await informer.waitSynced();
    for (const revisions of [2, 50]) {
      // Once with fewer revisions than the informer has seen, and once with more.
      await started.at(-1)?.stop();
      const next = await start({ dataDir: join(dataDir, `restored-${revisions}`), clientPort });
      const other = connectEtcd({ hosts: [next.endpoint] });
      for (let n = 0; n < revisions; n++) await other.commit([{ key: "/x/restored", value: { revisions } }]);
      const { revision } = await other.status();
      await wait(() => informer.synced && informer.revision === revision);
      expect(Object.fromEntries(informer.entries())).toEqual({ "/x/restored": JSON.stringify({ revisions }) });
      await other.close();
    }
    stop.abort();
    await informer.stopped;
    await kv.close();
  });

  it("starts it again when it is killed, on the same port and data", async () => {
    const etcd = await start();
    const kv = connectEtcd({ hosts: [etcd.endpoint] });
    for (let i = 1; i <= 2; i++) {
      await kv.commit([{ key: "/x/k", value: { i } }]);
      const { pid } = etcd;
      etcd.kill("SIGKILL");
      await wait(() => etcd.pid !== undefined && etcd.pid !== pid);
      expect((await kv.get("/x/k")).item?.value).toBe(JSON.stringify({ i }));
      expect(etcd.restarts).toBe(i);
    }
    await kv.close();
  });

  it("stops also while it is stopped, and does not start again", async () => {
    const etcd = await start();
    const { pid } = etcd;
    etcd.kill("SIGSTOP");
    await etcd.stop();
    expect([pid !== undefined && isAlive(pid), etcd.pid]).toEqual([false, undefined]);
  });

  it("refuses a port that someone else serves", async () => {
    const server = createServer((_, res) => res.end('{"health":"true"}'));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await expect(start({ clientPort: port })).rejects.toThrow(new RegExp(`port ${port} .* in use`));
    await expect(start({ peerPort: port })).rejects.toThrow(/in use/);
    await new Promise((resolve) => server.close(resolve));
  });

  it("refuses a data directory that another etcd uses", async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(new RegExp(`pid ${first.pid} uses`));
  });

  it("does not take another etcd for its own", async () => {
    const other = await start({ dataDir: join(dataDir, "other") });
    const mine = await start({ dataDir: join(dataDir, "mine"), supervise: false });
    mine.kill("SIGKILL");
    await mine.exit;
    await other.stop();
    // Another etcd comes to sit on our port while we are down.
    const thief = await start({ dataDir: join(dataDir, "other"), clientPort: portOf(mine), supervise: false });
    await expect(mine.start()).rejects.toThrow(/another etcd|has ended/);
    await thief.stop();
  });

  it("says what to do without a binary, and shows its log when it will not start", async () => {
    await expect(start({ bin: join(dataDir, "no-etcd") })).rejects.toThrow(/install etcd/);
    await expect(start({ extraFlags: ["--no-such-flag"], supervise: false })).rejects.toThrow(/no-such-flag/);
    expect(await readFile(join(dataDir, "etcd.log"), "utf8")).toContain("no-such-flag");
  });

  it("leaves no etcd behind when its owner is killed -9", async () => {
    const script = `
      import { startEtcd } from ${JSON.stringify(fileURLToPath(new URL("./index.ts", import.meta.url)))};
      import { realEnv } from ${JSON.stringify(fileURLToPath(new URL("../env.ts", import.meta.url)))};
      import { pino } from "pino";
      const etcd = await startEtcd({ dataDir: process.argv[1], env: realEnv, log: pino({ level: "silent" }) });
      console.log(etcd.pid);
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    owner.stdout.on("data", (d: Buffer) => (out += d.toString()));
    await wait(() => out.includes("\n"));
    const pid = Number(out);
    expect(isAlive(pid)).toBe(true);
    owner.kill("SIGKILL");
    await wait(() => owner.signalCode !== null);
    // And the next owner can start on that data directory at once.
    const next = await start();
    expect(next.pid).not.toBe(pid);
  });
});
