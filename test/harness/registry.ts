// Debian's docker-registry with users and passwords, on an address that the simulated hosts reach.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { newLair, removeLair, room } from "./lair.ts";
import { freePort } from "./ports.ts";
import { endChild, run, which } from "./run.ts";
import { until } from "./until.ts";

export interface RegistryOptions {
  /** Address to listen on, e.g. the hosts' gateway. */
  address: string;
  /** Name → password. Absent: everybody may do everything. */
  users?: Record<string, string>;
}

export class Registry {
  private constructor(
    private readonly dir: string,
    /** `address:port`, the first part of each reference. */
    readonly host: string,
    private readonly child: ChildProcess,
  ) {}

  static async start({ address, users }: RegistryOptions): Promise<Registry> {
    const program = which("docker-registry");
    if (!program) throw new Error("docker-registry is missing: run `npm run setup` as root");
    const dir = newLair("registry");
    const port = await freePort(address);
    const host = `${address}:${port}`;
    let auth = "";
    if (users) {
      const lines = await Promise.all(Object.entries(users).map(([name, password]) => htpasswd(name, password)));
      writeFileSync(join(dir, "htpasswd"), lines.join(""), { mode: 0o600 });
      auth = `auth: {htpasswd: {realm: tests, path: ${join(dir, "htpasswd")}}}\n`;
    }
    const config = join(dir, "config.yml");
    const storage = `storage: {filesystem: {rootdirectory: ${room(dir, "data")}}, delete: {enabled: true}}\n`;
    writeFileSync(config, `version: 0.1\nlog: {level: warn}\n${storage}http: {addr: "${host}"}\n${auth}`);
    const logFile = join(dir, "registry.log");
    const log = openSync(logFile, "a");
    const child = spawn(program, ["serve", config], { stdio: ["ignore", log, log] });
    closeSync(log);
    const registry = new Registry(dir, host, child);
    try {
      await until(
        async () => {
          if (child.exitCode !== null) throw new Error("the registry has ended");
          return (await fetch(`http://${host}/v2/`)).status < 500;
        },
        { what: "the registry to answer", show: () => readFileSync(logFile, "utf8") },
      );
    } catch (error) {
      await registry.stop();
      throw error;
    }
    return registry;
  }

  /** Pushes what the engine has as `source`; answers with the digest of what was pushed. */
  async push(engine: Engine, source: string, name: string, user?: { name: string; password: string }): Promise<string> {
    const reference = `${this.host}/${name}`;
    await engine.docker(["tag", source, reference]);
    // A configuration of its own: the engine's other commands stay without credentials.
    const env = { DOCKER_CONFIG: room(this.dir, "push") };
    if (user) await engine.docker(["login", "-u", user.name, "--password-stdin", this.host], { env, input: user.password });
    const said = await engine.docker(["push", reference], { env });
    await engine.docker(["rmi", reference]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
    if (!digest) throw new Error(`no digest in: ${said}`);
    return digest;
  }

  async stop(): Promise<void> {
    await endChild(this.child);
    removeLair(this.dir);
  }
}

/** One line; the registry knows bcrypt alone. */
const htpasswd = async (name: string, password: string): Promise<string> =>
  (await run("htpasswd", ["-niB", "-C", "4", name], { input: password })).stdout.trimEnd().concat("\n");
