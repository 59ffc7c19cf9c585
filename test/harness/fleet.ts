// A whole Steadfleet on one machine: etcd, a server, and an agent for each simulated Docker host, each a process of its own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createToken } from "../../api/index.ts";
import { COMPOSE_LABELS, LABELS } from "../../schemas/constants.ts";
import type { Event, Node, Pod, Stack } from "../../schemas/types.ts";
import { connectEtcd } from "../../store/etcd/index.ts";
import { realEnv } from "../../store/env.ts";
import type { Kv } from "../../store/kv.ts";
import { startTestEtcd, type TestEtcd } from "../../store/testing/etcd.ts";
import { Client, type Manifest } from "./client.ts";
import { DockerProxy } from "./docker-proxy.ts";
import { type Host, type Hosts, startHosts } from "./hosts.ts";
import type { ImageName } from "../../examples/images/build.ts";
import { loadImages } from "./images.ts";
import { newLair, removeLair, room } from "./lair.ts";
import { freePort } from "./ports.ts";
import { Program, steady } from "./program.ts";
import type { RunOptions, RunResult } from "./run.ts";
import { until } from "./until.ts";

export interface FleetOptions {
  /** How many Docker hosts, each with an agent. Default 3. */
  nodes?: number;
  images?: ImageName[];
  /** Agents speak to their engine through a DockerProxy. */
  proxies?: boolean;
  /** Labels of nodes, by name. */
  labels?: Record<string, Record<string, string>>;
  /** Further arguments of every agent. */
  agentArgs?: string[];
}

/** A container as `docker inspect` shows it, cut to what tests ask for. */
export interface Container {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string; Running: boolean; Paused: boolean; StartedAt: string; ExitCode: number };
  Config: { Image: string; Env: string[]; Labels: Record<string, string> };
  HostConfig: { Memory: number; RestartPolicy: { Name: string } };
  NetworkSettings: { Networks: Record<string, { Aliases: string[] | null }> };
}

export class Member {
  constructor(
    readonly name: string,
    readonly host: Host,
    readonly agent: Program,
    readonly proxy: DockerProxy | undefined,
  ) {}
}

export class Fleet {
  private constructor(
    readonly dir: string,
    readonly hosts: Hosts,
    readonly etcd: TestEtcd,
    /** The test's own connection to etcd. */
    readonly kv: Kv,
    readonly server: Program,
    readonly members: Member[],
    readonly client: Client,
  ) {}

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const dir = newLair("fleet");
    const undo: (() => Promise<unknown> | void)[] = [() => removeLair(dir)];
    try {
      const hosts = await startHosts(options.nodes ?? 3);
      undo.push(() => hosts.stop());
      await loadImages(hosts.list, options.images ?? ["web", "web2"]);
      const etcd = await startTestEtcd();
      undo.push(() => etcd.stop());
      const kv = connectEtcd({ hosts: [etcd.endpoint] });
      undo.push(() => kv.close());
      const token = await createToken(kv, realEnv, { name: "tests", groups: ["system:masters"] });
      const port = await freePort();
      const url = `https://127.0.0.1:${port}`;
      const server = new Program("server", serverArgs(etcd.endpoint, port, room(dir, "server")), join(dir, "server.log"));
      const members: Member[] = [];
      for (const host of hosts.list) {
        const proxy = options.proxies ? await DockerProxy.start(join(dir, `${host.name}.sock`), host.socketPath) : undefined;
        if (proxy) undo.push(() => proxy.close());
        const nodeToken = await createToken(kv, realEnv, { name: `system:node:${host.name}`, groups: ["system:nodes"] });
        writeFileSync(join(dir, `${host.name}.token`), nodeToken, { mode: 0o600 });
        const args = [
          ...agentArgs(etcd.endpoint, host.name, (proxy ?? host).url, room(dir, host.name), options.labels?.[host.name] ?? {}),
          ...["--run-dir", room(dir, "run")],
          ...(options.agentArgs ?? []),
          ...tunnelArgs(url, join(dir, `${host.name}.token`), join(dir, "ca.crt")),
        ];
        members.push(new Member(host.name, host, new Program(`agent ${host.name}`, args, join(dir, `${host.name}.log`)), proxy));
      }
      undo.push(() => Promise.all([server, ...members.map((member) => member.agent)].map((program) => program.stop())));
      server.start();
      const ca = await until(() => certificateIn(join(dir, "server/pki/ca.pem")), {
        what: "the server's CA",
        show: () => server.logTail(),
      });
      writeFileSync(join(dir, "ca.crt"), ca);
      for (const { agent } of members) agent.start();
      const client = new Client({ server: url, token, ca });
      writeFileSync(join(dir, "kubeconfig"), kubeconfig(url, token, ca), { mode: 0o600 });
      const fleet = new Fleet(dir, hosts, etcd, kv, server, members, client);
      fleet.#undo = undo;
      await fleet.allNodesReady();
      return fleet;
    } catch (error) {
      for (const step of undo.toReversed()) await step();
      throw error;
    }
  }

  #undo: (() => Promise<unknown> | void)[] = [];

  async stop(): Promise<void> {
    this.client.close();
    for (const step of this.#undo.toReversed()) await step();
  }

  /** For KUBECONFIG: kubectl and `steady` of this fleet. */
  get kubeconfig(): string {
    return join(this.dir, "kubeconfig");
  }

  /** Runs a command of the command line against this fleet, to its end. */
  steady(args: string[], options: RunOptions = {}): Promise<RunResult> {
    return steady(args, { ...options, env: { KUBECONFIG: this.kubeconfig, NO_COLOR: "1", ...options.env } });
  }

  member(node: string): Member {
    const member = this.members.find((one) => one.name === node);
    if (!member) throw new Error(`no node ${node}: there are ${this.members.map((one) => one.name).join(", ")}`);
    return member;
  }

  /** What the processes said last, for messages. */
  logs(lines = 15): string {
    return [this.server, ...this.members.map((member) => member.agent)]
      .map((program) => `--- ${program.name}\n${program.logTail(lines)}`)
      .join("\n");
  }

  #until<T>(look: () => T | Promise<T>, what: string, deadlineMs: number): Promise<NonNullable<T>> {
    return until(look, {
      what,
      deadlineMs,
      show: async (seen) => `${seen instanceof Error ? seen.message : JSON.stringify(seen)}\n${await this.picture()}\n${this.logs()}`,
    });
  }

  /** Stacks and pods in a few lines, for messages. */
  async picture(): Promise<string> {
    try {
      const [stacks, pods] = [await this.client.list<Stack>("stacks"), await this.client.list<Pod>("pods")];
      const lines = stacks.map((one) => `stack ${one.metadata.name}: ${JSON.stringify(one.status)}`);
      return [
        ...lines,
        ...pods.map(
          (one) => `pod ${one.metadata.name}: ${JSON.stringify([one.spec?.nodeName, one.status, one.metadata.deletionTimestamp])}`,
        ),
      ].join("\n");
    } catch (error) {
      return `no picture: ${String(error)}`;
    }
  }

  async allNodesReady(deadlineMs = 60_000): Promise<void> {
    const ready = async (): Promise<boolean> => {
      const nodes = await this.client.list<Node>("nodes");
      return this.members.every(({ name }) =>
        nodes.some(
          (node) =>
            node.metadata.name === name &&
            node.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True"),
        ),
      );
    };
    await this.#until(ready, "all nodes to be Ready", deadlineMs);
  }

  apply(name: string, spec: Stack["spec"], namespace = "default"): Promise<Stack> {
    const stack: Manifest<Stack> = { apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name, namespace }, spec };
    return this.client.apply<Stack>("stacks", stack);
  }

  /** Applies it, and waits until it is Healthy. */
  async up(name: string, spec: Stack["spec"], deadlineMs?: number): Promise<Stack> {
    await this.apply(name, spec);
    return this.healthy(name, deadlineMs);
  }

  /** Waits until the status answers the present generation and says Healthy. */
  healthy(name: string, deadlineMs = 60_000, namespace = "default"): Promise<Stack> {
    return this.#until(
      async () => {
        const stack = await this.client.get<Stack>("stacks", name, namespace);
        return isHealthy(stack) ? stack : undefined;
      },
      `Stack ${name} to be Healthy`,
      deadlineMs,
    );
  }

  /** Deletes it, and waits until it and all its containers are gone. */
  async down(name: string, deadlineMs = 60_000): Promise<void> {
    await this.client.delete("stacks", name);
    await this.#until(async () => (await this.client.find("stacks", name)) === undefined, `Stack ${name} to be gone`, deadlineMs);
  }

  /** Waits for anything about this fleet; on failure its picture and logs are printed. */
  until<T>(what: string, look: () => T | Promise<T>, deadlineMs = 60_000): Promise<NonNullable<T>> {
    return this.#until(look, what, deadlineMs);
  }

  /** Pods of a Stack, sorted by name. */
  async pods(stack: string, namespace = "default"): Promise<Pod[]> {
    const pods = await this.client.list<Pod>("pods", { labelSelector: `${LABELS.stack}=${stack}` }, namespace);
    return pods.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  async events(object?: string): Promise<Event[]> {
    const events = await this.client.list<Event>("events");
    return object === undefined ? events : events.filter((event) => event.involvedObject.name === object);
  }

  /** Containers of a Stack on one node in any state, by Docker's own word. */
  async containers(node: string, stack: string): Promise<Container[]> {
    const { host } = this.member(node);
    const ids = await host.docker(["ps", "-aq", "--no-trunc", "--filter", `label=${COMPOSE_LABELS.project}=${stack}`]);
    if (ids === "") return [];
    const { stdout } = await host.dockerAny(["inspect", "--type", "container", ...ids.split("\n")]);
    return (JSON.parse(stdout) as Container[]).toSorted((a, b) => a.Name.localeCompare(b.Name));
  }

  async everywhere(stack: string): Promise<(Container & { node: string })[]> {
    const all = await Promise.all(
      this.members.map(async ({ name }) => (await this.containers(name, stack)).map((one) => ({ ...one, node: name }))),
    );
    return all.flat();
  }
}

export const isHealthy = (stack: Stack): boolean =>
  stack.status?.health === "Healthy" && stack.status.observedGeneration === stack.metadata.generation;

/** The file also holds the key. */
const certificateIn = (file: string): string | undefined =>
  /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/.exec(readFileSync(file, "utf8"))?.[0];

/** JSON is YAML. */
const kubeconfig = (server: string, token: string, ca: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "tests",
    contexts: [{ name: "tests", context: { cluster: "tests", user: "tests" } }],
    clusters: [{ name: "tests", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "tests", user: { token } }],
  });

const serverArgs = (etcd: string, port: number, dataDir: string): string[] => [
  "server",
  ...["--etcd", etcd],
  ...["--listen", `127.0.0.1:${port}`],
  ...["--data-dir", dataDir],
];

const agentArgs = (etcd: string, name: string, docker: string, dataDir: string, labels: Record<string, string>): string[] => [
  "agent",
  ...["--etcd", etcd],
  ...["--node-name", name],
  ...["--docker-host", docker],
  ...["--data-dir", dataDir],
  ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
];

const tunnelArgs = (server: string, tokenFile: string, caFile: string): string[] => [
  ...["--server", server],
  ...["--token-file", tokenFile],
  ...["--ca-file", caFile],
];

/** The engine's own clock has nanoseconds; Date keeps milliseconds. */
export const startedAt = (container: Container): number => Date.parse(container.State.StartedAt);
