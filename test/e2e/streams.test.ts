// Looking into containers, whole: kubectl, the API, an agent's tunnel, Docker. What each kubectl says, and that nothing stays behind.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "../harness/fleet.ts";
import { endChild, runAny, which } from "../harness/run.ts";
import { until } from "../harness/until.ts";
import { Kubectl, kubectlPrograms } from "../kubectl.ts";

const image = "steadfleet.local/web:1";
const NODE = "node-1";

/** 1.32 speaks WebSocket; 1.20 SPDY, and so does 1.28, where the machine has it. */
const programs = await kubectlPrograms();
const plain = which("kubectl");
const beside = plain && join(dirname(realpathSync(plain)), "kubectl.1.28");
if (beside && existsSync(beside)) programs.push({ version: "1.28", path: beside });

let fleet: Fleet;
let still: number;
beforeAll(async () => {
  fleet = await Fleet.start({ nodes: 1, images: ["web"] });
  await fleet.up("shop", {
    services: {
      web: { image },
      chatty: { image, restart: "always", command: ["sh", "-c", "trap 'exit 0' TERM; while :; do echo tick; sleep 0.2; done"] },
      crashy: { image, restart: "always", command: ["sh", "-c", "echo began; sleep 30; exit 3"] },
    },
  });
  still = connections();
});
afterAll(() => fleet?.stop());

const podOf = async (service: string): Promise<string> => {
  const pod = (await fleet.pods("shop")).find((p) => p.metadata.name.startsWith(`shop-${service}-`) && !p.metadata.deletionTimestamp);
  if (!pod) throw new Error(`no pod of ${service}`);
  return pod.metadata.name;
};
const containerOf = async (service: string): Promise<string> => {
  const name = await podOf(service);
  const found = (await fleet.containers(NODE, "shop")).find((c) => c.Config.Labels["steadfleet.dev/pod"] === name);
  return found?.Id ?? "";
};
const host = () => fleet.member(NODE).host;
/** Connections that the engine has now. */
const connections = (): number =>
  readFileSync(`/proc/${host().pid}/net/unix`, "utf8")
    .split("\n")
    .filter((line) => line.endsWith(host().socketPath) && / 03 /.test(line)).length;
// The agent's own pool breathes by a few.
const nothingLeft = () => fleet.until("connections to the engine to go back", () => connections() <= still + 3, 20_000);
const processes = async (service: string): Promise<string> => host().docker(["top", await containerOf(service)]);

describe.each(programs)("kubectl $version", (program) => {
  let k: Kubectl;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    k = new Kubectl(program, {
      server: fleet.client.options.server,
      token: fleet.client.options.token,
      caPem: fleet.client.options.ca ?? "",
    });
  });
  afterAll(async () => {
    await Promise.all(children.map((c) => endChild(c)));
    await k?.close();
  });
  /** In the background; what it prints so far. */
  const begin = (args: string[], through: "pipes" | "terminal" = "pipes") => {
    const line = [program.path, ...args];
    const [file, ...rest] = through === "pipes" ? line : ["script", "-qec", `stty rows 33 cols 101; ${line.join(" ")}`, "/dev/null"];
    const child = spawn(file ?? "", rest, { env: { ...process.env, ...k.env }, stdio: "pipe" });
    children.push(child);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
    const says = (what: string | RegExp) =>
      until(() => (typeof what === "string" ? text.includes(what) : what.test(text)), {
        what: `kubectl ${args.join(" ")} to print ${String(what)}`,
        deadlineMs: 30_000,
        show: () => text,
      });
    return { child, ended, says, text: () => text };
  };

  it("logs: all, the end, times, since", async () => {
    const pod = await podOf("chatty");
    await fleet.until("two ticks", async () => (await k.ok("logs", pod)).split("\n").length > 2);
    expect(await k.ok("logs", pod, "--tail=2")).toBe("tick\ntick\n");
    expect(await k.ok("logs", pod, "--tail=1", "--timestamps")).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z tick\n$/);
    const lines = async (...flags: string[]): Promise<number> => (await k.ok("logs", pod, ...flags)).split("\n").length - 1;
    // Older than a second is only what has ticked for longer than that.
    await fleet.until("a log of some seconds", async () => (await lines("--since=1s")) < (await lines("--since=1h")));
    expect(await lines("--since=1h")).toBeLessThanOrEqual(await lines());
    expect(await k.ok("logs", "-l", "steadfleet.dev/service=chatty", "--tail=1")).toContain("tick");
    expect(await k.ok("logs", pod, "--limit-bytes=3")).toBe("tic");
  });

  it("logs --previous: before the last start, and a clear word where there is none", async () => {
    expect(await k.fails("logs", "--previous", await podOf("web"))).toContain("previous terminated container not found");
    await fleet.until("its first words", async () => (await k.ok("logs", await podOf("crashy"))).includes("began"));
    await host().docker(["restart", "-t", "0", await containerOf("crashy")]);
    await fleet.healthy("shop");
    const previous = await k.ok("logs", "--previous", await podOf("crashy"));
    const all = await until(
      async () => {
        const text = await k.ok("logs", await podOf("crashy"));
        return text.length > previous.length ? text : undefined;
      },
      { what: "the new run to write" },
    );
    expect(previous).toContain("began");
    expect(all.startsWith(previous)).toBe(true);
  });

  it("logs -f goes on over a restart, ends with the container, and leaves nothing behind when its reader is killed", async () => {
    const killed = begin(["logs", "-f", await podOf("chatty"), "--tail=0"]);
    await killed.says("tick");
    killed.child.kill("SIGKILL");
    await nothingLeft();
    const following = begin(["logs", "-f", await podOf("chatty"), "--tail=0"]);
    await following.says("tick");
    const id = await containerOf("chatty");
    await host().docker(["restart", "-t", "0", id]);
    const before = following.text().length;
    await until(() => following.text().length > before + 20, { what: "the log to go on", deadlineMs: 30_000, show: following.text });
    await host().docker(["rm", "-f", id]);
    expect(await following.ended).toBe(0);
    await fleet.healthy("shop");
  });

  it("exec: both outputs, input, exit code", async () => {
    const pod = await podOf("web");
    expect(await k.any("exec", pod, "--", "sh", "-c", "echo out; echo err >&2; exit 42")).toMatchObject({
      code: 42,
      stdout: "out\n",
      stderr: expect.stringContaining("err\n") as string,
    });
    const cat = begin(["exec", "-i", pod, "--", "sh", "-c", "cat; echo end of input"]);
    cat.child.stdin.end("through\n");
    expect(await cat.ended).toBe(0);
    expect(cat.text()).toContain("through\nend of input\n");
    const missing = await k.any("exec", pod, "--", "not-here");
    expect([missing.code, missing.stdout]).toEqual([126, expect.stringContaining("executable file not found")]);
    await nothingLeft();
  });

  it("exec -it: a terminal of the client's size", async () => {
    const shell = begin(["exec", "-it", await podOf("web"), "--", "sh"], "terminal");
    await shell.says("# ");
    shell.child.stdin.write("stty size; tty\n");
    await shell.says("33 101");
    await shell.says("/dev/pts/");
    shell.child.stdin.write("exit 5\n");
    expect(await shell.ended).toBe(5);
  });

  it("a client that is killed takes its process with it", async () => {
    const sleep = begin(["exec", await podOf("web"), "--", "sleep", "98765"]);
    await fleet.until("the process to run", async () => (await processes("web")).includes("98765"));
    sleep.child.kill("SIGKILL");
    await fleet.until("the process to end", async () => !(await processes("web")).includes("98765"), 20_000);
    await nothingLeft();
  });

  it("cp in and out, byte for byte", async () => {
    const pod = await podOf("web");
    const [file, back] = [join(k.home, "in.bin"), join(k.home, "out.bin")];
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
    writeFileSync(file, bytes);
    await k.ok("cp", file, `${pod}:/tmp/there.bin`);
    const sum = createHash("sha256").update(bytes).digest("hex");
    expect(await k.ok("exec", pod, "--", "sha256sum", "/tmp/there.bin")).toContain(sum);
    await k.ok("cp", `${pod}:tmp/there.bin`, back);
    expect(createHash("sha256").update(readFileSync(back)).digest("hex")).toBe(sum);
  });

  it("attach shows what the main process writes", async () => {
    const attached = begin(["attach", await podOf("chatty")]);
    await attached.says("tick");
    attached.child.kill("SIGKILL");
    await nothingLeft();
  });

  it("port-forward: several at once, also to what listens on loopback only, and a refusal says why", async () => {
    const pod = await podOf("web");
    const other = ["httpd", "-p", "127.0.0.1:8181", "-h", "/www"];
    await host().docker(["exec", "-d", await containerOf("web"), ...other]);
    const forward = begin(["port-forward", pod, ":80", ":8181", ":82"]);
    await forward.says(/-> 82/);
    const local = (port: number) => new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${port}`).exec(forward.text())?.[1] ?? "";
    const page = async (port: number): Promise<string> => (await runAny("curl", ["-sS", `http://127.0.0.1:${local(port)}/`])).stdout;
    const pages = await Promise.all([page(80), page(80), page(8181)]);
    for (const text of pages) expect(text).toContain("Hello from version 1");
    await page(82);
    await forward.says(/connection refused: nothing listens on port 82/);
    forward.child.kill("SIGKILL");
    await nothingLeft();
  });

  it("top: nodes and pods, with containers, by label, sorted", async () => {
    const top = (...args: string[]) => fleet.until(`top ${args.join(" ")}`, async () => (await k.any("top", ...args)).stdout, 30_000);
    expect(await top("node")).toMatch(/node-1 +\d+m +\d+% +\d+Mi +\d+%/);
    expect(await top("pod")).toMatch(/shop-web-0-\w+ +\d+m +\d+Mi/);
    expect(await top("pod", await podOf("web"), "--containers")).toMatch(/shop-web-0-\w+ +web +\d+m +\d+Mi/);
    expect(await top("pod", "-l", "steadfleet.dev/service=chatty", "--sort-by=cpu")).not.toContain("shop-web");
    await nothingLeft();
  });
});

describe("without its agent", () => {
  it("a node's streams say so, and end when the agent stops", async () => {
    const [program] = programs.slice(-1);
    if (!program) throw new Error("no kubectl");
    const { server, token, ca } = fleet.client.options;
    const k = new Kubectl(program, { server, token, caPem: ca ?? "" });
    try {
      const pod = await podOf("chatty");
      const log = k.start("logs", "-f", pod, "--tail=0");
      await until(() => log.lines.length > 0, { what: "the log" });
      await fleet.member(NODE).agent.stop();
      expect(await k.fails("logs", pod)).toMatch(/node node-1 has no tunnel.*steady agent/);
      expect(await k.fails("top", "node", NODE)).toContain("node node-1 has no tunnel");
      const { stderr } = await k.any("top", "pod");
      expect(stderr).toContain("no metrics of node node-1");
      await log.stop();
      fleet.member(NODE).agent.start();
      await fleet.allNodesReady();
      await fleet.until("logs to come back", async () => (await k.any("logs", pod, "--tail=1")).stdout.includes("tick"));
    } finally {
      await k.close();
    }
  });
});
