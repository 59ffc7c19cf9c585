import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EngineClient } from "./engine.ts";
import { COMMAND, type Peer } from "./peer.ts";

const run = promisify(execFile);

/** docker-compose 1.29, the classic. It does not heal: a person runs `up` again. */
export class Compose implements Peer {
  readonly name = "compose";
  private project = "";
  private size = 0;
  private constructor(
    readonly engine: EngineClient,
    private readonly dir: string,
  ) {}

  static async open(engine: EngineClient, image: string): Promise<Compose> {
    const dir = await mkdtemp(join(tmpdir(), "steadfleet-bench-compose-"));
    const web = { image, command: COMMAND, stop_signal: "SIGKILL", restart: "unless-stopped" };
    await writeFile(join(dir, "compose.json"), JSON.stringify({ version: "3.8", services: { web } }));
    return new Compose(engine, dir);
  }

  owns(labels: Record<string, string>): boolean {
    return labels["com.docker.compose.project"] === this.project;
  }

  private async compose(...args: string[]): Promise<void> {
    await run("docker-compose", ["-f", join(this.dir, "compose.json"), "-p", this.project, ...args], {
      env: { ...process.env, DOCKER_HOST: `unix://${this.engine.socketPath}`, COMPOSE_HTTP_TIMEOUT: "300" },
    });
  }

  private up(): Promise<void> {
    return this.compose("up", "-d", "--scale", `web=${this.size}`);
  }

  async submit(project: string, size: number): Promise<void> {
    this.project = project;
    this.size = size;
    await this.up();
  }

  noop(): Promise<void> {
    return this.up();
  }

  heal(): Promise<void> {
    return this.up();
  }

  remove(): Promise<void> {
    return this.compose("down", "-t", "0");
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
