import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { LABELS, API_VERSION, GROUP, VERSION } from "../schemas/constants.ts";
import type { EngineClient } from "./engine.ts";
import { COMMAND, type Peer } from "./peer.ts";

const run = promisify(execFile);

/** Where our server listens and how to speak to it, read from the kubeconfig that it wrote. */
export class Server {
  private readonly agent: Agent;
  private readonly url: URL;
  private readonly token: string;
  constructor(kubeconfig: string) {
    const config = parse(kubeconfig) as {
      clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
      users: { user: { token: string } }[];
    };
    const cluster = config.clusters[0]?.cluster;
    const user = config.users[0]?.user;
    if (!cluster || !user) throw new Error("the kubeconfig names no cluster or no user");
    this.url = new URL(cluster.server);
    this.token = user.token;
    this.agent = new Agent({ keepAlive: true, ca: Buffer.from(cluster["certificate-authority-data"], "base64") });
  }

  call(method: string, path: string, body?: unknown, type = "application/json"): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { "content-type": type }) };
      const req = request(new URL(path, this.url), { agent: this.agent, method, headers }, (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (c: Buffer) => chunks.push(c));
        res.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if ((res.statusCode ?? 0) >= 400) return reject(new Error(`${method} ${path}: ${res.statusCode} ${text}`));
          resolve(JSON.parse(text));
        });
      });
      req.on("error", reject);
      req.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const stack = (name: string, image: string, size: number): object => ({
  apiVersion: API_VERSION,
  kind: "Stack",
  metadata: { name, namespace: "default" },
  spec: { services: { web: { image, command: COMMAND, stop_signal: "SIGKILL", restart: "unless-stopped", deploy: { replicas: size } } } },
});

const stacks = `/apis/${GROUP}/${VERSION}/namespaces/default/stacks`;

abstract class Steadfleet {
  protected project = "";
  protected size = 0;
  constructor(
    readonly engine: EngineClient,
    protected readonly image: string,
  ) {}
  owns(labels: Record<string, string>): boolean {
    return labels[LABELS.stack] === this.project;
  }
  async heal(): Promise<void> {}
  async close(): Promise<void> {}
}

/** One request to the API, as kubectl, an operator or a GitOps tool would send it. */
export class Ours extends Steadfleet implements Peer {
  readonly name = "ours";
  constructor(
    engine: EngineClient,
    image: string,
    private readonly server: Server,
  ) {
    super(engine, image);
  }

  async submit(project: string, size: number): Promise<void> {
    this.project = project;
    this.size = size;
    await this.server.call("POST", stacks, stack(project, this.image, size));
  }

  async noop(): Promise<void> {
    await this.server.call(
      "PATCH",
      `${stacks}/${this.project}`,
      stack(this.project, this.image, this.size),
      "application/merge-patch+json",
    );
  }

  async remove(): Promise<void> {
    await this.server.call("DELETE", `${stacks}/${this.project}`);
  }
}

/** The same through our command line: a new process for every command, as a person would. */
export class Cli extends Steadfleet implements Peer {
  readonly name = "cli";
  constructor(
    engine: EngineClient,
    image: string,
    private readonly bin: string,
    private readonly kubeconfig: string,
    private readonly dir: string,
  ) {
    super(engine, image);
  }

  private async steady(...args: string[]): Promise<void> {
    await run(process.execPath, [this.bin, ...args], { env: { ...process.env, KUBECONFIG: this.kubeconfig, NO_COLOR: "1" } });
  }

  private get file(): string {
    return join(this.dir, `${this.project}.json`);
  }

  async submit(project: string, size: number): Promise<void> {
    this.project = project;
    this.size = size;
    await writeFile(this.file, JSON.stringify(stack(project, this.image, size)));
    await this.steady("apply", "--detach", "-f", this.file);
  }

  noop(): Promise<void> {
    return this.steady("apply", "--detach", "-f", this.file);
  }

  remove(): Promise<void> {
    return this.steady("delete", this.project, "--yes");
  }
}
