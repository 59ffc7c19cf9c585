import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createToken, revokeToken } from "../auth.ts";
import { realEnv } from "../../store/env.ts";
import { command, eventually } from "../testing/command.ts";
import { type StreamWorld, streamWorld } from "../testing/streams.ts";

let w: StreamWorld;
const lines: string[] = [];
beforeAll(async () => {
  w = await streamWorld({ log: (l) => void lines.push(l) });
});
afterAll(() => w[Symbol.asyncDispose]());
beforeEach(async () => {
  await w.putPod("web-0");
  w.node.programs = {};
  w.node.refuse = undefined;
});
const nothingLeft = () => eventually(() => w.node.open.size === 0, "the node's streams to be gone");
const SH = "web-0/exec?command=sh&command=-c&stdout=true&stderr=true&command=";

describe("exec over WebSocket", () => {
  it("brings output, errors and the exit code, and closes with 1000", async () => {
    const c = await command(w.t, `${SH}${encodeURIComponent("echo out; echo err >&2; exit 42")}`);
    const { status, code } = await c.ended;
    expect(c.ws.protocol).toBe("v5.channel.k8s.io");
    expect([c.text(1), c.text(2), code]).toEqual(["out\n", "err\n", 1000]);
    expect(status).toEqual({
      metadata: {},
      status: "Failure",
      reason: "NonZeroExitCode",
      message: "command terminated with non-zero exit code: 42",
      details: { causes: [{ reason: "ExitCode", message: "42" }] },
    });
    await nothingLeft();
  });

  it("ends the program's input when the client closes it (v5)", async () => {
    const c = await command(w.t, "web-0/exec?command=cat&stdin=true&stdout=true");
    c.send(0, "hello ");
    c.send(0, "there");
    c.send(255, Buffer.of(0));
    expect((await c.ended).status).toEqual({ metadata: {}, status: "Success" });
    expect(c.text(1)).toBe("hello there");
  });

  it("speaks v4, base64 and the oldest, whose failures are words", async () => {
    const v4 = await command(w.t, `${SH}true`, { protocols: ["v4.channel.k8s.io"] });
    expect((await v4.ended).status).toEqual({ metadata: {}, status: "Success" });
    const old = await command(w.t, `${SH}${encodeURIComponent("exit 3")}`, { protocols: ["channel.k8s.io"] });
    expect((await old.ended).status).toEqual({ status: "command terminated with non-zero exit code: 3" });
    const base64 = await command(w.t, `${SH}${encodeURIComponent("echo hi")}`, { protocols: ["v4.base64.channel.k8s.io"] });
    expect((await base64.ended).code).toBe(1000);
    expect(base64.text("1".charCodeAt(0))).toBe(Buffer.from("hi\n").toString("base64"));
  });

  it("keeps empty words of the command line, and lets a slow reader take the end", async () => {
    w.node.programs["words"] = async (p) => {
      p.stdout.write(JSON.stringify(p.command));
      return { exitCode: 0 };
    };
    const c = await command(w.t, "web-0/exec?command=words&command=&command=b&stdout=true");
    c.ws.pause();
    await eventually(() => w.node.open.size === 0);
    c.ws.resume();
    expect((await c.ended).code).toBe(1000);
    expect(c.text(1)).toBe('["words","","b"]');
  });

  it("asks for errors before the command, which may be over in an instant", async () => {
    const from = w.node.requests.length;
    expect((await (await command(w.t, `${SH}true`)).ended).status.status).toBe("Success");
    expect(w.node.requests.slice(from).map((r) => r.replace(/[0-9a-f-]{36}/, "ID"))).toEqual([
      "GET /v1/sessions/ID/stderr",
      "POST /v1/pods/default/web-0/exec",
    ]);
  });

  it("to be attached ends well without an exit code", async () => {
    w.node.programs["attach"] = async (p) => {
      p.stdout.write("bye");
      return {};
    };
    const c = await command(w.t, "web-0/attach?stdout=true&stderr=true");
    expect((await c.ended).status.status).toBe("Success");
    expect(c.text(1)).toBe("bye");
  });

  it("tells the node the size of the terminal, of which only one output comes", async () => {
    w.node.programs["wait"] = async (p) => {
      await eventually(() => p.sizes.includes("120x40"));
      p.stdout.write(`${p.query.get("tty")} ${String(p.stderr === undefined)}`);
      return { exitCode: 0 };
    };
    const c = await command(w.t, "web-0/exec?command=wait&stdin=true&stdout=true&stderr=true&tty=true");
    c.send(4, '{"Width":80,"Height":24}');
    c.send(4, "no size");
    c.send(4, '{"Width":120,"Height":40}');
    expect((await c.ended).status.status).toBe("Success");
    expect(c.text(1)).toBe("1 true");
  });

  it("frees the node when the client goes", async () => {
    w.node.programs["forever"] = (p) => new Promise((done) => p.reset.addEventListener("abort", () => done({ exitCode: 137 })));
    const c = await command(w.t, "web-0/exec?command=forever&stdout=true&stderr=true");
    await eventually(() => w.node.open.size === 2);
    c.ws.terminate();
    await nothingLeft();
  });

  it("frees the node when a client goes that sends more than the program reads", async () => {
    // Its timers run a hundred times as fast.
    await using fast = await streamWorld({ env: { ...realEnv, timer: (ms, fn) => realEnv.timer(ms / 100, fn) } });
    await fast.putPod("web-0");
    fast.node.programs["deaf"] = (p) => new Promise((done) => p.reset.addEventListener("abort", () => done({ exitCode: 137 })));
    const c = await command(fast.t, "web-0/exec?command=deaf&stdin=true&stdout=true");
    let taken = 0;
    for (let i = 0; i < 100; i++) c.ws.send(Buffer.alloc(100_000), () => taken++);
    await eventually(() => fast.node.open.size === 1 && taken > 0);
    c.ws.terminate();
    await eventually(() => fast.node.open.size === 0);
  });

  it("a slow reader holds up its own stream only, and fills no memory", async () => {
    let written = 0;
    w.node.programs["flood"] = (p) =>
      new Promise((done) => {
        const chunk = randomBytes(64 * 1024);
        const more = (): void => {
          for (let room = true; room && !p.stdout.destroyed; written += chunk.length) room = p.stdout.write(chunk);
        };
        p.stdout.on("drain", more);
        p.reset.addEventListener("abort", () => done({ exitCode: 0 }));
        more();
      });
    const slow = await command(w.t, "web-0/exec?command=flood&stdout=true");
    slow.ws.pause();
    let before = -1;
    // What the sockets between hold, and then no more.
    await eventually(() => {
      const still = written === before;
      before = written;
      return still && written > 0;
    });
    for (let i = 0; i < 20; i++) {
      const quick = await command(w.t, `${SH}echo`);
      expect((await quick.ended).status.status).toBe("Success");
    }
    expect(written).toBeLessThan(32 * 1024 * 1024);
    slow.ws.terminate();
    await nothingLeft();
  });

  it("says so when the node is lost", async () => {
    w.node.programs["forever"] = () => new Promise(() => {});
    const c = await command(w.t, "web-0/exec?command=forever&stdout=true");
    w.node.drop();
    const { status } = await c.ended;
    expect(status).toMatchObject({ status: "Failure", reason: "InternalError" });
    expect(status.message).toContain("node n1 broke off");
  });

  it("ends with its token and with its pod", async () => {
    w.node.programs["forever"] = (p) => new Promise((done) => p.reset.addEventListener("abort", () => done({ exitCode: 137 })));
    const token = await createToken(w.t.kv, realEnv, { name: "eve", groups: ["system:masters"] });
    const one = await command(w.t, "web-0/exec?command=forever&stdout=true", { token });
    await revokeToken(w.t.kv, token);
    expect(await one.ended).toMatchObject({ code: 1008, status: { message: expect.stringContaining("no longer valid") } });
    const two = await command(w.t, "web-0/exec?command=forever&stdout=true");
    await w.dropPod("web-0");
    expect(await two.ended).toMatchObject({ code: 1000, status: { message: "pod default/web-0 was removed" } });
    await nothingLeft();
  });

  it("is refused as plain HTTP, with a Status", async () => {
    const refused = (path: string, o = {}) => command(w.t, path, o).then(() => "", String);
    expect(await refused("nope/exec?command=ls&stdout=true")).toMatch(/404 .*pods \\"nope\\" not found/);
    expect(await refused("web-0/exec?stdout=true")).toMatch(/400 .*at least one command/);
    expect(await refused("web-0/exec?command=ls")).toMatch(/400 .*at least 1 of stdin, stdout, stderr/);
    expect(await refused("web-0/exec?command=ls&stdout=true&container=db")).toMatch(
      /400 .*container db is not valid for pod web-0; it has: web/,
    );
    expect(await refused("web-0/exec?command=ls&stdout=true", { protocols: ["v9.channel.k8s.io"] })).toMatch(/400 .*no common protocol/);
    expect(await refused("web-0/exec?command=ls&stdout=true", { token: "nobody" })).toMatch(/401 .*Unauthorized/);
    await w.putPod("web-0", { state: "exited", phase: "Failed", exitCode: 1, finishedAt: new Date(Date.now() - 5000).toISOString() });
    expect(await refused("web-0/exec?command=ls&stdout=true")).toMatch(/400 .*is not running: Exited \(1\) [5-9]s ago/);
    await w.putPod("web-0", { state: "absent", phase: "Pending", reason: "Pulling", message: "nginx:1" });
    expect(await refused("web-0/attach?stdout=true")).toMatch(/400 .*is not running: Pulling: nginx:1/);
    await w.putPod("web-0");
    w.node.refuse = { status: 409, error: { reason: "Conflict", message: "the container is paused" } };
    expect(await refused("web-0/exec?command=ls&stdout=true")).toMatch(/409 .*the container is paused/);
    w.node.refuse = { status: 401, error: { reason: "Unauthorized", message: "who are you" } };
    expect(await refused("web-0/exec?command=ls&stdout=true")).toMatch(/500 .*InternalError/);
  });

  it("is for masters; readers may read logs", async () => {
    const token = await createToken(w.t.kv, realEnv, { name: "rita", groups: ["system:readers"] });
    const refused = command(w.t, "web-0/exec?command=ls&stdout=true", { token }).then(() => "", String);
    expect(await refused).toMatch(/403 .*cannot create resource \\"pods\/exec\\"/);
    expect((await w.t.call("GET", "/api/v1/namespaces/default/pods/web-0/log", { token })).code).toBe(200);
  });

  it("is audited with its command", () => {
    const audited = lines.map((l) => JSON.parse(l) as Record<string, unknown>).filter((l) => l["audit"] && l["subresource"] === "exec");
    expect(audited[0]).toMatchObject({ user: "admin", pod: "web-0", node: "n1", command: '["sh","-c","echo out; echo err >&2; exit 42"]' });
  });
});
