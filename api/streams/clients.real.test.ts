// Real clients against the API, with a node in this process behind it: kubectl by WebSocket and by SPDY, and client-node.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { Attach, Exec, KubeConfig, Log, PortForward, type V1Status } from "@kubernetes/client-node";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { which } from "../../test/harness/run.ts";
import { Kubectl, type KubectlProgram, kubectlPrograms } from "../../test/kubectl.ts";
import { eventually } from "../testing/command.ts";
import { type StreamWorld, streamWorld } from "../testing/streams.ts";

const MB = 1024 * 1024;
const programs = await kubectlPrograms();
// Between the two: the last that speaks SPDY alone, where the machine has it beside its others.
const beside = which("kubectl") && join(dirname(realpathSync(which("kubectl") as string)), "kubectl.1.28");
if (beside && existsSync(beside)) programs.push({ version: "1.28", path: beside });

let w: StreamWorld;
let dir: string;
const bye = createServer(
  { allowHalfOpen: true },
  (s) =>
    void s
      .on("error", () => {})
      .once("data", () => s.end("bye"))
      .resume(),
);
const echo = createServer({ allowHalfOpen: true }, (s) => void s.on("error", () => {}).pipe(s));
beforeAll(async () => {
  w = await streamWorld({ tls: true });
  await w.putPod("web-0");
  dir = mkdtempSync(join(tmpdir(), "steady-streams-"));
  writeFileSync(join(dir, "big"), randomBytes(50 * MB));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => bye.listen(0, "127.0.0.1", resolve));
  w.node.ports = { 7: (echo.address() as AddressInfo).port, 8: (bye.address() as AddressInfo).port };
  w.node.log = (query, out, reset) => {
    out.write(`tail ${query.get("tail")}\n`);
    if (query.get("follow") !== "1") return void out.end();
    const timer = setInterval(() => out.write("more\n"), 20);
    reset.addEventListener("abort", () => clearInterval(timer));
  };
  w.node.programs["attach"] = async (p) => {
    p.stdout.write("attached\n");
    for await (const chunk of p.stdin) p.stdout.write(chunk as Buffer);
    return { exitCode: 0 };
  };
  w.node.programs["size"] = async (p) => {
    await eventually(() => p.sizes.length > 0);
    p.stdout.write(`${p.sizes[0]}\r\n`);
    return { exitCode: 0 };
  };
});
afterAll(async () => {
  await w[Symbol.asyncDispose]();
  echo.close();
  bye.close();
  rmSync(dir, { recursive: true, force: true });
});
const sha = (b: Buffer): string => createHash("sha256").update(b).digest("hex");
const nothingLeft = () => eventually(() => w.node.open.size === 0, "the node's streams to be gone");

describe.each(programs)("kubectl $version", (program: KubectlProgram) => {
  let k: Kubectl;
  beforeAll(() => {
    k = new Kubectl(program, { server: w.t.api.url, token: w.t.token, caPem: w.t.api.caPem });
  });
  afterAll(() => k.close());
  const env = () => ({ PATH: process.env["PATH"] ?? "", HOME: k.home, KUBECONFIG: join(k.home, "config") });
  /** With a file as its input; its output as bytes. */
  const piped = (input: Buffer, ...args: string[]): Promise<{ code: number | null; stdout: Buffer; stderr: string }> =>
    new Promise((resolve) => {
      const child = spawn(program.path, args, { env: env(), stdio: "pipe" });
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on("data", (d: Buffer) => out.push(d));
      child.stderr.on("data", (d: Buffer) => err.push(d));
      child.on("close", (code) => resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }));
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });

  it("exec: output, errors and exit code", async () => {
    const r = await k.any("exec", "web-0", "--", "sh", "-c", "echo out; echo err >&2; exit 42");
    expect([r.code, r.stdout]).toEqual([42, "out\n"]);
    expect(r.stderr).toContain("err\n");
    expect(await k.fails("exec", "web-0", "--", "no-such-program")).toContain("cannot run no-such-program");
    expect((await k.any("exec", "web-0", "-c", "web", "--", "true")).code).toBe(0);
  });

  it("exec: 50 MB in and out again, whole", async () => {
    const big = readFileSync(join(dir, "big"));
    const r = await piped(big, "exec", "-i", "web-0", "--", "cat");
    expect([r.code, sha(r.stdout)]).toEqual([0, sha(big)]);
    expect((await piped(big, "exec", "-i", "web-0", "--", "wc", "-c")).stdout.toString().trim()).toBe(String(big.length));
    await nothingLeft();
  });

  it("exec -it: with the size of the terminal", async () => {
    // `script` gives kubectl a terminal, `stty` its size.
    const line = `stty rows 33 cols 99; ${program.path} exec -it web-0 -- size`;
    const r = await new Promise<string>((resolve) => {
      const child = spawn("script", ["-qec", line, "/dev/null"], { env: env(), stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (d: Buffer) => (text += d.toString()));
      child.on("close", () => resolve(text));
    });
    expect(r).toContain("99x33");
  });

  it("cp: both ways", async () => {
    const [there, back] = [join(dir, `there-${program.version}`), join(dir, `back-${program.version}`)];
    await k.ok("cp", join(dir, "big"), `web-0:${there}`);
    await k.ok("cp", `web-0:${there}`, back);
    expect(sha(readFileSync(back))).toBe(sha(readFileSync(join(dir, "big"))));
  });

  it("attach", async () => {
    const r = await piped(Buffer.from("hello\n"), "attach", "-i", "web-0");
    expect([r.code, r.stdout.toString()]).toEqual([0, "attached\nhello\n"]);
  });

  it("logs: with options, followed, and let go", async () => {
    expect(await k.ok("logs", "web-0", "--tail=5")).toBe("tail 5\n");
    const followed = k.start("logs", "-f", "web-0");
    await eventually(() => followed.lines.includes("more"));
    await followed.stop();
    await nothingLeft();
  });

  it("port-forward: connections side by side, half-closed ones, and refusals in words", async () => {
    const forwarded = k.start("port-forward", "web-0", ":7", ":8");
    const local = (port: number) => new RegExp(`127.0.0.1:(\\d+) -> ${port}`).exec(forwarded.lines.join("\n"))?.[1];
    await eventually(() => local(7) !== undefined && local(8) !== undefined);
    /** `stays`: does not close before the other side has. */
    const through = (port: number, data: Buffer, stays = false): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        const s = connect({ host: "127.0.0.1", port: Number(local(port)), allowHalfOpen: true }, () =>
          stays ? s.write(data) : s.end(data),
        );
        s.on("data", (d: Buffer) => chunks.push(d))
          .on("end", () => {
            s.end();
            resolve(Buffer.concat(chunks));
          })
          .on("error", reject);
      });
    const data = Array.from({ length: 5 }, (_, i) => randomBytes((i + 1) * MB));
    expect((await Promise.all(data.map((d) => through(7, d)))).map(sha)).toEqual(data.map(sha));
    // Who is called closes first: kubectl then resets its half, which is no error and ends nothing else.
    for (let i = 0; i < 10; i++) expect((await through(8, Buffer.from("hi"), true)).toString()).toBe("bye");
    expect((await through(7, Buffer.from("still here"))).toString()).toBe("still here");
    await nothingLeft();
    await forwarded.stop();
  });

  it("a client that is killed frees the node", async () => {
    w.node.programs["forever"] = (p) => new Promise((done) => p.reset.addEventListener("abort", () => done({ exitCode: 137 })));
    const child = spawn(program.path, ["exec", "-i", "web-0", "--", "forever"], { env: env(), stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.on("error", () => {});
    await eventually(() => w.node.open.size === 2);
    child.kill("SIGKILL");
    await nothingLeft();
  });

  it("says what is refused", async () => {
    expect(await k.fails("exec", "nope", "--", "ls")).toContain('Error from server (NotFound): pods "nope" not found');
    await w.putPod("pending", { state: "absent", phase: "Pending", reason: "Pulling", containerId: "" });
    expect(await k.fails("exec", "pending", "--", "ls")).toContain('container "web" in pod "pending" is not running: Pulling');
    expect(await k.fails("logs", "pending")).toContain('container "web" in pod "pending" is waiting to start: Pulling');
    w.node.refuse = { status: 409, error: { reason: "Conflict", message: "the container is paused: unpause it first" } };
    expect(await k.fails("exec", "web-0", "--", "ls")).toContain("the container is paused: unpause it first");
    w.node.refuse = undefined;
  });
});

describe("client-node", () => {
  const config = (): KubeConfig => {
    const kc = new KubeConfig();
    kc.loadFromOptions({
      clusters: [{ name: "t", server: w.t.api.url, caData: Buffer.from(w.t.api.caPem).toString("base64"), skipTLSVerify: false }],
      users: [{ name: "t", token: w.t.token }],
      contexts: [{ name: "t", cluster: "t", user: "t" }],
      currentContext: "t",
    });
    return kc;
  };
  const sink = (): { stream: Writable; text(): string; bytes(): Buffer } => {
    const chunks: Buffer[] = [];
    const stream = new Writable({ write: (c: Buffer, _e, done) => (chunks.push(c), done()) });
    return { stream, bytes: () => Buffer.concat(chunks), text: () => Buffer.concat(chunks).toString() };
  };

  it("exec", async () => {
    const [out, err] = [sink(), sink()];
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config())
        .exec("default", "web-0", "web", ["sh", "-c", "echo out; echo err >&2; exit 7"], out.stream, err.stream, null, false, resolve)
        .catch(reject);
    });
    expect([out.text(), err.text(), status.details?.causes?.[0]?.message]).toEqual(["out\n", "err\n", "7"]);
    await nothingLeft();
  });

  it("exec with input", async () => {
    const out = sink();
    const input = new PassThrough();
    const socket = await new Exec(config()).exec("default", "web-0", "web", ["cat"], out.stream, null, input, false);
    const data = randomBytes(5 * MB);
    input.write(data);
    await eventually(() => out.bytes().length === data.length);
    expect(sha(out.bytes())).toBe(sha(data));
    socket.close();
    await nothingLeft();
  });

  it("attach", async () => {
    const out = sink();
    const input = new PassThrough();
    const socket = await new Attach(config()).attach("default", "web-0", "web", out.stream, null, input, false);
    input.write("hello\n");
    await eventually(() => out.text() === "attached\nhello\n");
    socket.close();
    await nothingLeft();
  });

  it("log", async () => {
    const out = sink();
    const controller = await new Log(config()).log("default", "web-0", "web", out.stream, { follow: true, tailLines: 3 });
    await eventually(() => out.text().startsWith("tail 3\nmore\n"));
    controller.abort();
    await nothingLeft();
  });

  it("port-forward", async () => {
    const forward = new PortForward(config());
    const server = createServer((s) => void forward.portForward("default", "web-0", [7], s, null, s));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (d: Buffer) => chunks.push(d));
    const data = randomBytes(3 * MB);
    socket.write(data);
    await eventually(() => Buffer.concat(chunks).length === data.length);
    expect(sha(Buffer.concat(chunks))).toBe(sha(data));
    socket.destroy();
    server.close();
    await nothingLeft();
  });
});
