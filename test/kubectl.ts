// Stock kubectls for tests: the machine's own 1.32, and the one of Debian's package, which is the oldest that must work.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endChild, run, runAny, type RunResult, which } from "./harness/run.ts";

/** A kubectl of the machine that is not told by its version alone: set KUBECTL to it. */
const WANTED = "kubectl.1.32";
const CACHE = fileURLToPath(new URL("../node_modules/.cache/kubectl", import.meta.url));

export interface KubectlProgram {
  /** `1.32`, `1.20` */
  version: string;
  path: string;
}

const versionOf = async (path: string): Promise<string> => {
  const { stdout } = await run(path, ["version", "--client", "-o", "json"]);
  const { clientVersion: v } = JSON.parse(stdout) as { clientVersion: { major: string; minor: string } };
  return `${v.major}.${v.minor.replace(/\D/g, "")}`;
};

/** $KUBECTL, or `kubectl.1.32` on PATH or beside the real place of `kubectl`; `kubectl` itself may be one that picks another by the server's version. */
function machines(): string | undefined {
  const given = process.env["KUBECTL"];
  if (given) return given;
  const found = which(WANTED);
  if (found) return found;
  const plain = which("kubectl");
  const beside = plain && join(dirname(realpathSync(plain)), WANTED);
  return beside && existsSync(beside) ? beside : undefined;
}

/** From the package `kubernetes-client`, unpacked but not installed, and kept for the next time. @throws Error with a clear line */
async function debians(): Promise<string> {
  const unpacked = join(CACHE, "debian");
  const program = join(unpacked, "usr/bin/kubectl");
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, "download-"));
  try {
    const download = ["download", "-q", "kubernetes-client"];
    const options = { cwd: work, timeoutMs: 180_000 };
    if ((await runAny("apt-get", download, options)).code !== 0) {
      // A fresh machine has no package lists.
      await runAny("apt-get", ["update", "-q"], options);
      await run("apt-get", download, options);
    }
    const [deb] = readdirSync(work).filter((f) => f.endsWith(".deb"));
    if (!deb) throw new Error("apt-get download left no package");
    await run("dpkg", ["-x", join(work, deb), join(work, "unpacked")]);
    if (!existsSync(program)) renameSync(join(work, "unpacked"), unpacked);
    return program;
  } catch (cause) {
    // Another run was first.
    if (existsSync(program)) return program;
    throw new Error(`cannot get Debian's kubectl (package kubernetes-client): is the package mirror in reach? ${String(cause)}`, { cause });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The oldest first. @throws Error when Debian's cannot be had: no test is skipped for that */
export async function kubectlPrograms(): Promise<KubectlProgram[]> {
  const paths = [await debians(), machines()].filter((p) => p !== undefined);
  return Promise.all(paths.map(async (path) => ({ path, version: await versionOf(path) })));
}

export interface Cluster {
  server: string;
  token: string;
  caPem: string;
}

const kubeconfig = ({ server, token, caPem }: Cluster, namespace: string): object => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "test",
  contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
  clusters: [{ name: "test", cluster: { server, "certificate-authority-data": Buffer.from(caPem).toString("base64") } }],
  users: [{ name: "test", user: { token } }],
});

/** A kubectl with a home of its own, so that nothing of the person who runs the test is read or written. */
export class Kubectl {
  readonly home = mkdtempSync(join(tmpdir(), "steadfleet-kubectl-"));
  private readonly running = new Set<ChildProcess>();

  constructor(
    readonly program: KubectlProgram,
    cluster: Cluster,
    readonly namespace = "default",
  ) {
    writeFileSync(join(this.home, "config"), JSON.stringify(kubeconfig(cluster, namespace)), { mode: 0o600 });
  }

  /** Absolute path of a file with this manifest. */
  file(name: string, ...objects: object[]): string {
    const path = join(this.home, name);
    writeFileSync(path, objects.map((o) => JSON.stringify(o)).join("\n---\n"));
    return path;
  }

  /** What a person does in the editor that `kubectl edit` opens, as a sed script. */
  edits(sed: string): void {
    writeFileSync(join(this.home, "edit.sed"), sed);
  }

  get env(): Record<string, string> {
    const editor = `sed -i -f ${join(this.home, "edit.sed")}`;
    return { HOME: this.home, KUBECONFIG: join(this.home, "config"), KUBE_EDITOR: editor, NO_PROXY: "127.0.0.1" };
  }

  /** Runs to the end, whatever comes of it. */
  any(...args: string[]): Promise<RunResult> {
    return runAny(this.program.path, args, { env: this.env, timeoutMs: 60_000 });
  }

  /** Standard output. @throws RunError unless it succeeds */
  async ok(...args: string[]): Promise<string> {
    return (await run(this.program.path, args, { env: this.env, timeoutMs: 60_000 })).stdout;
  }

  /** Standard error of what must fail. @throws Error when it succeeds */
  async fails(...args: string[]): Promise<string> {
    const { code, stderr, stdout } = await this.any(...args);
    if (code === 0) throw new Error(`kubectl ${args.join(" ")} should have failed, and said: ${stdout}`);
    return stderr;
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok(...args, "-o", "json")) as T;
  }

  /** Goes on in the background; `lines` grows. */
  start(...args: string[]): { lines: string[]; stop(): Promise<void> } {
    const child = spawn(this.program.path, args, { env: { ...process.env, ...this.env }, stdio: ["ignore", "pipe", "inherit"] });
    this.running.add(child);
    const lines: string[] = [];
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    });
    const stop = async (): Promise<void> => {
      await endChild(child);
      this.running.delete(child);
    };
    return { lines, stop };
  }

  /** Ends what it started and removes its home. */
  async close(): Promise<void> {
    await Promise.all([...this.running].map((c) => endChild(c)));
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Cells of a printed table, without its heading. */
export const rows = (table: string): string[][] =>
  table
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((l) => l.trimEnd().split(/\s{2,}/));

/** The columns' names, one blank between them. */
export const heading = (table: string): string => (table.split("\n")[0] ?? "").trim().replace(/\s+/g, " ");
