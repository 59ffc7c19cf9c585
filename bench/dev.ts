// Our own side of the comparison: `steady dev` as a user starts it, in a process of its own, with one agent on the given engine.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endChild } from "../test/harness/run.ts";
import { until } from "../test/harness/until.ts";
import { Server } from "./ours.ts";

export interface Dev {
  server: Server;
  bin: string;
  kubeconfig: string;
  dir: string;
  stop(): Promise<void>;
}

const bin = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** @throws Error with what it printed, when the node is not Ready within a minute */
export const startDev = async (node: string, socketPath: string): Promise<Dev> => {
  const dir = await mkdtemp(join(tmpdir(), "steadfleet-bench-"));
  const kubeconfig = join(dir, "kubeconfig");
  const child = spawn(
    process.execPath,
    [bin, "dev", "--data-dir", join(dir, "data"), "--kubeconfig", kubeconfig, "--node", `${node}=unix://${socketPath}`],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", KUBECONFIG: kubeconfig },
    },
  );
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4000)));
  const stop = async (): Promise<void> => {
    await endChild(child);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const server = await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`steady dev ended with ${child.exitCode}`);
        const api = new Server(await readFile(kubeconfig, "utf8"));
        const found = (await api.call("GET", `/api/v1/nodes/${node}`)) as { status: { conditions: { type: string; status: string }[] } };
        return found.status.conditions.some((c) => c.type === "Ready" && c.status === "True") ? api : undefined;
      },
      { deadlineMs: 60_000, what: `node ${node} to be Ready` },
    );
    return { server, bin, kubeconfig, dir, stop };
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\nsteady dev printed:\n${printed}`, { cause: error });
  }
};
