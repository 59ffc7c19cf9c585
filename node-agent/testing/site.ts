// One real Docker host, one real etcd, and agents on them, for real tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import type { DesiredPod, NodeInfo, ObservedPod } from "../../schemas/fleet.ts";
import { realEnv } from "../../store/env.ts";
import { connectEtcd, type EtcdProcess, startEtcd } from "../../store/etcd/index.ts";
import { desiredKey, infoKey, observedKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import { type Host, type Hosts, startHosts } from "../../test/harness/hosts.ts";
import { loadImages, TEST_IMAGES } from "../../test/harness/images.ts";
import { until } from "../../test/harness/until.ts";
import type { Engine } from "../engine.ts";
import { type AgentHandle, startAgent } from "../index.ts";
import { aPod, CLUSTER } from "./rig.ts";

export const NODE = "node-1";

export class Site {
  agent: AgentHandle | undefined;
  private readonly log: Logger = pino({ level: process.env["STEADY_TEST_LOG"] ?? "silent" });

  private constructor(
    readonly hosts: Hosts,
    readonly host: Host,
    readonly etcd: EtcdProcess,
    /** The test's own client; agents have theirs. */
    readonly kv: Kv,
    readonly dir: string,
  ) {}

  static async start(): Promise<Site> {
    const dir = mkdtempSync(join(tmpdir(), "steady-site-"));
    const hosts = await startHosts(1);
    try {
      const host = hosts.get(NODE);
      await loadImages([host], ["web"]);
      const etcd = await startEtcd({ dataDir: join(dir, "etcd"), env: realEnv, log: pino({ level: "silent" }), supervise: false });
      return new Site(hosts, host, etcd, connectEtcd({ hosts: [etcd.endpoint] }), dir);
    } catch (error) {
      await hosts.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.stopAgent();
    await this.kv.close();
    await this.etcd.stop();
    await this.hosts.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** `engine`: instead of the host's own, e.g. one that dies half-way. */
  async startAgent(engine?: Engine): Promise<void> {
    const kv = connectEtcd({ hosts: [this.etcd.endpoint] });
    const agent = await startAgent({
      kv,
      env: realEnv,
      log: this.log,
      node: NODE,
      socketPath: this.host.socketPath,
      dataDir: join(this.dir, "agent"),
      clusterId: CLUSTER,
      labels: { "topology.kubernetes.io/zone": "a" },
      sessionTtlSeconds: 5,
      ...(engine ? { engine } : {}),
    });
    this.agent = {
      done: agent.done,
      close: async () => {
        await agent.close();
        await kv.close();
      },
    };
  }
  async stopAgent(): Promise<void> {
    await this.agent?.close();
    this.agent = undefined;
  }

  async want(...pods: DesiredPod[]): Promise<void> {
    await this.kv.commit(pods.map((pod) => ({ key: desiredKey(NODE, pod.namespace, pod.name), value: pod })));
  }
  async unwant(...pods: DesiredPod[]): Promise<void> {
    await this.kv.commit(pods.map((pod) => ({ key: desiredKey(NODE, pod.namespace, pod.name), value: null })));
  }
  async report(pod: DesiredPod): Promise<ObservedPod | undefined> {
    const { item } = await this.kv.get(observedKey(NODE, pod.namespace, pod.name));
    return item && (JSON.parse(item.value) as ObservedPod);
  }
  async info(): Promise<NodeInfo | undefined> {
    const { item } = await this.kv.get(infoKey(NODE));
    return item && (JSON.parse(item.value) as NodeInfo);
  }
  /** Until the pod's report holds what is asked for. */
  async reported(pod: DesiredPod, what: (o: ObservedPod) => boolean, deadlineMs = 30_000): Promise<ObservedPod> {
    return await until(
      async () => {
        const o = await this.report(pod);
        return o && what(o) ? o : undefined;
      },
      {
        deadlineMs,
        what: `report of ${pod.name}: ${what.toString()}`,
        show: async () => JSON.stringify(await this.report(pod), undefined, 1),
      },
    );
  }
  ready(pod: DesiredPod): Promise<ObservedPod> {
    return this.reported(pod, (o) => o.ready && o.inSync && o.uid === pod.uid);
  }
  /** Deletes as the controller does: mark, wait for the tombstone, take the key away. */
  async remove(...pods: DesiredPod[]): Promise<void> {
    await this.want(...pods.map((p) => ({ ...p, deletionTimestamp: "2026-01-01T00:00:00Z" })));
    for (const pod of pods) await this.reported(pod, (o) => o.phase === "Removed");
    await this.unwant(...pods);
    for (const pod of pods) await until(async () => (await this.report(pod)) === undefined, { what: `${pod.name}'s report to go` });
  }
  /** Names of all containers on the host, sorted. */
  async names(): Promise<string[]> {
    return (await this.host.docker(["ps", "-a", "--format", "{{.Names}}"])).split("\n").filter(Boolean).toSorted();
  }
}

let count = 0;
/** A pod of its own name and uid that sleeps. */
export const sleeper = (o: Parameters<typeof aPod>[0] = {}): DesiredPod => {
  const n = ++count;
  return aPod({
    name: `shop-web-${n}-aaaaa`,
    uid: `uid-${process.pid}-${n}`,
    slot: String(n),
    ...o,
    container: { image: TEST_IMAGES.web, command: ["/bin/hold"], ...o.container },
  });
};
