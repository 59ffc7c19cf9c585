// A real etcd for a test: its own data directory and ports, and gone afterwards.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { realEnv } from "../env.ts";
import { makeClient } from "../etcd/client.ts";
import { startEtcd } from "../etcd/process.ts";

export interface TestEtcd {
  endpoint: string;
  readonly dataDir: string;
  /** Of the running child; undefined after `kill9`. */
  readonly pid: number | undefined;
  /** SIGKILL; resolves when it is dead. It stays dead until `restart`. */
  kill9(): Promise<void>;
  /** Starts it again on the same data and port; resolves when it serves. */
  restart(): Promise<void>;
  /** Also removes the data. */
  stop(): Promise<void>;
  compact(revision: number): Promise<void>;
}

/** @throws StoreError with a clear line when there is no etcd on PATH: no test is skipped for that. */
export const startTestEtcd = async (o: { extraFlags?: string[] } = {}): Promise<TestEtcd> => {
  const dataDir = await mkdtemp(join(tmpdir(), "steadfleet-etcd-"));
  const log = pino({ level: "silent" });
  const etcd = await startEtcd({ dataDir, env: realEnv, log, supervise: false, ...o }).catch(async (e: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw e;
  });
  return {
    endpoint: etcd.endpoint,
    dataDir,
    get pid() {
      return etcd.pid;
    },
    async kill9() {
      etcd.kill("SIGKILL");
      await etcd.exit;
    },
    restart: () => etcd.start(),
    async stop() {
      await etcd.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
    async compact(revision) {
      const client = makeClient({ hosts: [etcd.endpoint] });
      try {
        await client.kv.compact({ revision: String(revision), physical: true });
      } finally {
        client.close();
      }
    },
  };
};
