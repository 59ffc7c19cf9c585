// Everything that the README shows is run as it stands there.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Hosts, startHosts } from "../harness/hosts.ts";
import { newLair, removeLair } from "../harness/lair.ts";
import { endChild, type RunResult, runAny, searchPath, which } from "../harness/run.ts";
import { until } from "../harness/until.ts";
import { kubectlPrograms } from "../kubectl.ts";

const top = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(top, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
const DEMO = "npm run demo\n";
const DEV = "npm run build\nnpx steady dev\n";

describe("the README", () => {
  let hosts: Hosts;
  let dir: string;
  let dev: ChildProcess | undefined;
  let printed = "";

  /** A home of its own, and a kubectl by that name. */
  const env = (): Record<string, string> => ({
    HOME: dir,
    KUBECONFIG: join(dir, "kubeconfig"),
    XDG_DATA_HOME: join(dir, "data"),
    npm_config_cache: join(dir, "npm"),
    PATH: `${join(dir, "bin")}:${searchPath()}`,
  });
  const bash = (script: string, more: Record<string, string> = {}): Promise<RunResult> =>
    runAny("bash", ["-euo", "pipefail", "-c", script], { cwd: top, timeoutMs: 150_000, env: { ...env(), ...more } });

  beforeAll(async () => {
    dir = newLair("readme");
    mkdirSync(join(dir, "bin"));
    const kubectl = (await kubectlPrograms()).at(-1)?.path ?? "";
    symlinkSync(kubectl, join(dir, "bin/kubectl"));
    hosts = await startHosts(1, { prefix: "readme-" });
  });
  afterAll(async () => {
    if (dev) await endChild(dev);
    await hosts?.stop();
    removeLair(dir);
  });

  it("shows a demo that ends Healthy after a heal, and leaves nothing running", async () => {
    expect(blocks[0]).toBe(DEMO);
    const { code, stdout, stderr } = await bash("npm run demo");
    expect(code, stdout + stderr).toBe(0);
    const end = stdout.slice(stdout.indexOf("4. It is back"));
    expect(end).toMatch(/Healed +pod\/shop-db-0-\w+ +container was removed outside \(docker rm\)/);
    expect(end).toMatch(/shop {2}✔ Healthy/);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^Healed: container was removed outside/);
  });

  it("shows how to start a control plane", async () => {
    expect(blocks[1]).toBe(DEV);
    const build = await bash("npm run build");
    expect(build.code, build.stdout + build.stderr).toBe(0);
    const options = { cwd: top, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"], detached: true };
    // Not through npx: it would stand between this test and the process that it must end.
    const child = spawn(process.execPath, [join(top, "dist/cli/main.js"), "dev"], {
      ...options,
      env: { ...process.env, ...env(), DOCKER_HOST: hosts.list[0]?.url },
    });
    dev = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => void (printed += part.toString()));
    await until(() => printed.includes("Next") || child.exitCode !== null, { what: "steady dev", deadlineMs: 60_000, show: () => printed });
    expect(child.exitCode, printed).toBe(null);
  });

  it.each(blocks.slice(2).map((script, i) => ({ name: script.split("\n")[0], script, i })))("$name …", async ({ script }) => {
    expect(which("bash")).toBeDefined();
    const { code, stdout, stderr } = await bash(script, { DOCKER_HOST: hosts.list[0]?.url ?? "" });
    expect(code, `${script}\n${stdout}${stderr}\n${printed}`).toBe(0);
  });
});
