import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import { until } from "../../test/harness/until.ts";
import { StreamRig } from "../testing/stream-rig.ts";

const EXEC = TUNNEL_PATHS.exec("default", "web");
const ATTACH = TUNNEL_PATHS.attach("default", "web");
const all = { uid: "uid-web", session: "s1", stdin: "1", stdout: "1", stderr: "1" };

describe("exec and attach", () => {
  let rig: StreamRig;
  let id: string;
  beforeEach(async () => {
    rig = await StreamRig.start();
    id = await rig.pod("web");
  });
  afterEach(() => {
    rig.close();
    expect(rig.engine.open).toBe(0);
  });

  it("input goes in, output comes out, the exit code is the outcome", async () => {
    const cat = await rig.ask("POST", EXEC, { ...all, command: ["cat"] });
    cat.stream.write("hello ");
    await cat.until("hello ");
    cat.stream.end("there");
    expect(await cat.outcome()).toEqual({ exitCode: 0 });
    expect(await cat.text()).toBe("hello there");
    const no = await rig.ask("POST", EXEC, { ...all, command: ["false"] });
    expect(await no.outcome()).toEqual({ exitCode: 1 });
  });

  it.each(["before", "after"])("stderr has a stream of its own, opened %s", async (when) => {
    const open = () => rig.ask("GET", TUNNEL_PATHS.stderr("s1"));
    const early = when === "before" ? await open() : undefined;
    const ls = await rig.ask("POST", EXEC, { ...all, command: ["ls", "/x"] });
    const stderr = early ?? (await open());
    expect(await stderr.text()).toBe("ls: /x: No such file or directory\n");
    expect(await ls.outcome()).toEqual({ exitCode: 1 });
  });

  it("stderr of what was over in an instant is empty", async () => {
    const yes = await rig.ask("POST", EXEC, { ...all, command: ["true"] });
    expect(await yes.outcome()).toEqual({ exitCode: 0 });
    const late = await rig.ask("GET", TUNNEL_PATHS.stderr("s1"));
    expect([late.status, await late.text()]).toEqual([200, ""]);
    expect((await rig.ask("PUT", TUNNEL_PATHS.size("s1"), { width: "1", height: "1" })).status).toBe(404);
  });

  it("what is no program is an exit code, too", async () => {
    const nobody = await rig.ask("POST", EXEC, { ...all, command: ["nobody"] });
    expect(await nobody.text()).toContain("executable file not found");
    expect(await nobody.outcome()).toEqual({ exitCode: 126 });
  });

  it("the terminal gets its size, also one that was set before", async () => {
    expect((await rig.ask("PUT", TUNNEL_PATHS.size("s1"), { width: "100", height: "30" })).status).toBe(204);
    const sleep = await rig.ask("POST", EXEC, { ...all, tty: "1", command: ["sleep"] });
    const [exec] = rig.engine.execs.values();
    await until(() => exec?.size?.join() === "100,30", { what: "the first size" });
    await rig.ask("PUT", TUNNEL_PATHS.size("s1"), { width: "90", height: "20" });
    expect(exec?.size).toEqual([90, 20]);
    expect((await rig.ask("PUT", TUNNEL_PATHS.size("s1"), { width: "0", height: "20" })).status).toBe(400);
    sleep.stream.close();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
  });

  it("a client that goes away: the connection is closed, the process hung up on", async () => {
    const sleep = await rig.ask("POST", EXEC, { ...all, command: ["sleep"] });
    expect(rig.engine.open).toBe(1);
    sleep.stream.close();
    await until(() => rig.engine.open === 0 && rig.signals.length > 0, { what: "the hang-up" });
    expect(rig.signals[0]).toBe("1001 SIGHUP");
    rig.engine.execs.get("exec-1")?.kill();
    await until(() => !rig.engine.execs.get("exec-1")?.running, { what: "its end" });
  });

  it("a process that ends by the end of its input is not hung up on", async () => {
    const cat = await rig.ask("POST", EXEC, { ...all, command: ["cat"] });
    cat.stream.write("x");
    await cat.until("x");
    cat.stream.close();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
    await until(() => !rig.engine.execs.get("exec-1")?.running, { what: "its end" });
  });

  it("a slow reader slows the process down", async () => {
    const yes = await rig.ask("POST", EXEC, { ...all, command: ["yes"] });
    let taken = -1;
    await until(
      async () => {
        const before = rig.engine.taken;
        await new Promise((resolve) => setTimeout(resolve, 100));
        taken = rig.engine.taken;
        return taken > 0 && taken === before;
      },
      { what: "the agent to stand still" },
    );
    expect(taken).toBeLessThan(100);
    yes.stream.close();
    rig.engine.execs.get("exec-1")?.kill();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
  });

  it("attach shows what the main process writes, until it ends", async () => {
    const attached = await rig.ask("POST", ATTACH, all);
    rig.engine.write(id, "tick\n");
    await attached.until("tick");
    rig.engine.exit(id, 0);
    expect(await attached.outcome()).toEqual({ exitCode: 0 });
  });

  it.each([
    ["no command", EXEC, {}, 400, "at least one command"],
    ["no session", EXEC, { session: "" }, 400, "no session"],
    ["another uid", EXEC, { uid: "u2", command: "cat" }, 404, "not on this node"],
    ["a terminal where there is none", ATTACH, { tty: "1" }, 400, "has no terminal"],
  ])("%s is refused", async (_, path, query, status, message) => {
    const answer = await rig.ask("POST", path, { ...all, ...query });
    expect([answer.status, (await answer.error()).message]).toEqual([status, expect.stringContaining(message)]);
  });

  it("paused, ended and unknown containers say so", async () => {
    rig.engine.pause(id);
    const command = { ...all, command: ["cat"] };
    const paused = await rig.ask("POST", EXEC, command);
    expect([paused.status, (await paused.error()).message]).toEqual([
      409,
      "the container of pod default/web is paused: nothing runs in it until it is unpaused",
    ]);
    await rig.engine.unpause(id);
    rig.engine.exit(id, 1);
    const ended = await rig.ask("POST", EXEC, command);
    expect([ended.status, (await ended.error()).message]).toEqual([409, "the container of pod default/web is not running: it is exited"]);
    expect((await rig.ask("POST", TUNNEL_PATHS.exec("default", "nobody"), command)).status).toBe(404);
    expect((await rig.ask("GET", EXEC, command)).status).toBe(405);
    expect((await rig.ask("GET", "/v1/other")).status).toBe(404);
  });

  it("an engine that is away is 503 in its own words", async () => {
    rig.engine.down = "unavailable";
    const answer = await rig.ask("POST", EXEC, { ...all, command: ["cat"] });
    expect([answer.status, await answer.error()]).toEqual([
      503,
      { reason: "ServiceUnavailable", message: "inspect: connect ECONNREFUSED" },
    ]);
  });
});
