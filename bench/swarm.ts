import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EngineClient } from "./engine.ts";
import { COMMAND, type Peer } from "./peer.ts";

const run = promisify(execFile);

/** `docker stack deploy` on a swarm of one, with Swarm's defaults. It heals by itself. */
export class Swarm implements Peer {
  readonly name = "swarm";
  private project = "";
  private size = 0;
  private constructor(
    readonly engine: EngineClient,
    private readonly image: string,
    private readonly dir: string,
  ) {}

  /** @param address of the host, for the swarm's own listener */
  static async open(engine: EngineClient, image: string, address: string): Promise<Swarm> {
    await engine.call("POST", "/swarm/init", { ListenAddr: `${address}:2377`, AdvertiseAddr: address });
    return new Swarm(engine, image, await mkdtemp(join(tmpdir(), "steadfleet-bench-swarm-")));
  }

  owns(labels: Record<string, string>): boolean {
    return labels["com.docker.stack.namespace"] === this.project;
  }

  private async docker(...args: string[]): Promise<void> {
    await run("docker", ["-H", `unix://${this.engine.socketPath}`, ...args]);
  }

  private async deploy(): Promise<void> {
    const web = { image: this.image, command: COMMAND, stop_signal: "SIGKILL", deploy: { replicas: this.size } };
    const file = join(this.dir, "stack.json");
    await writeFile(file, JSON.stringify({ version: "3.8", services: { web } }));
    await this.docker("stack", "deploy", "--resolve-image", "never", "-c", file, this.project);
  }

  async submit(project: string, size: number): Promise<void> {
    this.project = project;
    this.size = size;
    await this.deploy();
  }

  noop(): Promise<void> {
    return this.deploy();
  }

  async heal(): Promise<void> {}

  remove(): Promise<void> {
    return this.docker("stack", "rm", this.project);
  }

  async close(): Promise<void> {
    await this.engine.call("POST", "/swarm/leave?force=true", undefined, [503]);
    await rm(this.dir, { recursive: true, force: true });
  }
}
