// The real API over an in-memory store, and commands that talk to it: everything but controller and agents, whose keys the test writes.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { aContainer } from "../../schemas/testing/container.ts";
import type { NodeLinks } from "../../api/links.ts";
import { createToken, startApi } from "../../api/index.ts";
import { ObjectStore } from "../../store/objects.ts";
import { desiredKey, infoKey, observedKey, sessionKey } from "../../store/keys.ts";
import { newKeyPair } from "../../store/seal.ts";
import { MemoryKv } from "../../store/memory.ts";
import { realEnv } from "../../store/env.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import type { DesiredPod, NodeInfo, ObservedPod } from "../../schemas/fleet.ts";
import type { Node, Stack } from "../../schemas/types.ts";
import { COMMANDS } from "../commands/index.ts";
import { withContext } from "../kube/kubeconfig-edit.ts";
import { run } from "../run.ts";
import { testIo, type TestIo, type TestIoOptions } from "./io.ts";

const LAPTOP: Omit<NodeInfo, "conditions"> = {
  hostname: "laptop",
  addresses: [],
  os: "linux",
  arch: "amd64",
  osImage: "Debian",
  kernelVersion: "6",
  engineVersion: "20.10.24",
  engineApiVersion: "1.41",
  agentVersion: "9.9.9",
  cpus: 2,
  memoryBytes: 1024 ** 3,
  disk: { totalBytes: 1024 ** 4, freeBytes: 1024 ** 3 },
  labels: {},
  publicKey: newKeyPair().publicKey,
  containers: { ours: 0, foreign: 0 },
};

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export class TestApi {
  readonly store: ObjectStore;
  private constructor(
    readonly kv: MemoryKv,
    readonly url: string,
    readonly token: string,
    readonly dir: string,
    private readonly stop: () => Promise<void>,
  ) {
    this.store = new ObjectStore(kv, realEnv);
  }

  /** `links`: nodes that answer, such as api/testing/fake-node.ts. */
  static async start(links?: NodeLinks, contentHash?: (about: string, content: Uint8Array) => string): Promise<TestApi> {
    const dir = mkdtempSync(join(tmpdir(), "steadfleet-cli-"));
    const kv = new MemoryKv(realEnv);
    const log = pino({ level: "silent" });
    const api = await startApi({
      kv,
      env: realEnv,
      log,
      dataDir: join(dir, "api"),
      host: "127.0.0.1",
      port: 0,
      insecureHttp: true,
      version: "9.9.9",
      ...(links ? { links } : {}),
      ...(contentHash ? { contentHash } : {}),
    });
    const token = await createToken(kv, realEnv, { name: "ann", groups: ["system:masters"] });
    // Without a session every pod of that node is Unknown; without the rest nothing could be placed there.
    const since = "2026-01-01T00:00:00.000Z";
    await new ObjectStore(kv, realEnv).create<Node & KubeObject>(RESOURCES.nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "laptop" },
    });
    await kv.commit([
      { key: sessionKey("laptop"), value: { nonce: "n", hostname: "laptop", pid: 1, startedAt: since } },
      {
        key: infoKey("laptop"),
        value: { ...LAPTOP, conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "", since }] },
      },
    ]);
    const context = { name: "test", server: api.url, token };
    writeFileSync(join(dir, "kubeconfig"), withContext("", context).text);
    return new TestApi(kv, api.url, token, dir, async () => {
      await api.close();
      await kv.close();
      rmSync(dir, { recursive: true, force: true });
    });
  }

  close(): Promise<void> {
    return this.stop();
  }

  file(name: string, text: string): string {
    writeFileSync(join(this.dir, name), text);
    return name;
  }

  io(o: TestIoOptions = {}): TestIo {
    return testIo({ cwd: this.dir, ...o, env: { KUBECONFIG: join(this.dir, "kubeconfig"), ...o.env } });
  }

  async steady(args: readonly string[], o: TestIoOptions = {}, io: TestIo = this.io(o)): Promise<Ran> {
    const code = await run(args, io, COMMANDS);
    return { code, stdout: io.stdout.text, stderr: io.stderr.text };
  }

  /** What the controller would write. */
  async status(name: string, status: NonNullable<Stack["status"]>): Promise<void> {
    const stack = await this.store.get<Stack>(RESOURCES.stacks, "default", name);
    await this.store.updateStatus<Stack>(RESOURCES.stacks, {
      ...stack,
      status: { observedGeneration: stack.metadata.generation ?? 1, ...status },
    });
  }

  /** What is left when they have removed it. */
  async noPod(slot: string, node = "laptop"): Promise<void> {
    const name = `shop-web-${slot}-abcde`;
    await this.kv.commit([
      { key: desiredKey(node, "default", name), value: null },
      { key: observedKey(node, "default", name), value: null },
    ]);
  }

  /** What controller and agent would write of a pod of the stack `shop`. */
  async pod(slot: string, seen: Partial<ObservedPod> = {}, node = "laptop", more: Partial<DesiredPod> = {}): Promise<void> {
    const name = `shop-web-${slot}-abcde`;
    const stack = await this.store.get<Stack>(RESOURCES.stacks, "default", "shop").catch(() => undefined);
    const desired: DesiredPod = {
      name,
      namespace: "default",
      uid: name,
      stack: "shop",
      stackUid: stack?.metadata.uid ?? "u",
      stackGeneration: 1,
      service: "web",
      slot,
      revision: 1,
      templateHash: "h",
      labels: {},
      createdAt: new Date(realEnv.now()).toISOString(),
      dependsOn: [],
      container: aContainer({ image: "web:1" }),
      ...more,
    };
    const observed: ObservedPod = {
      uid: name,
      desiredRevision: 1,
      inSync: true,
      phase: "Running",
      state: "running",
      ready: true,
      since: desired.createdAt,
      restarts: 0,
      notes: [],
      ...seen,
    };
    await this.kv.commit([
      { key: desiredKey(node, "default", name), value: desired },
      { key: observedKey(node, "default", name), value: observed },
    ]);
  }
}
