// The agent's handlers on a real engine: what only a real kernel and a real Docker show.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NodeStats, TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import { realEnv } from "../../store/env.ts";
import { type Host, type Hosts, startHosts } from "../../test/harness/hosts.ts";
import { loadImages, TEST_IMAGES } from "../../test/harness/images.ts";
import { until } from "../../test/harness/until.ts";
import { connectDocker } from "../docker.ts";
import type { CreateBody, Engine } from "../engine.ts";
import { StreamRig } from "../testing/stream-rig.ts";
import { hostReach } from "./reach.ts";

describe("streams on a real engine", () => {
  let hosts: Hosts;
  let host: Host;
  let engine: Engine;
  let rig: StreamRig<Engine>;
  let still: number;
  beforeAll(async () => {
    hosts = await startHosts(1);
    host = hosts.get("node-1");
    await loadImages([host], ["web"]);
    engine = connectDocker({ socketPath: host.socketPath, env: realEnv });
    rig = new StreamRig(engine, realEnv, hostReach);
    await rig.listen();
    await pod("web");
    still = connections();
  });
  afterAll(async () => {
    rig?.close();
    engine?.close();
    await hosts?.stop();
  });
  const pod = (name: string, body: Partial<CreateBody> = {}) =>
    rig.pod(name, `uid-${name}`, { Image: TEST_IMAGES.web, HostConfig: { NetworkMode: "bridge" }, ...body });
  const query = (name: string, more: Record<string, string | string[]> = {}) => ({
    uid: `uid-${name}`,
    session: `s-${++sessions}`,
    ...more,
  });
  let sessions = 0;
  const exec = (name: string, command: string[], more: Record<string, string> = { stdout: "1" }) =>
    rig.ask("POST", TUNNEL_PATHS.exec("default", name), query(name, { ...more, command }));
  /** Connections that the engine has; those that our pool keeps open do not count. */
  const connections = (): number =>
    readFileSync(`/proc/${host.pid}/net/unix`, "utf8")
      .split("\n")
      .filter((line) => line.endsWith(host.socketPath) && / 03 /.test(line)).length;
  const nothingLeft = () =>
    until(() => connections() <= still, { what: "connections to go back", show: () => `${connections()} instead of ${still}` });
  const processes = async (container: string): Promise<string> => (await host.docker(["top", container])).split("\n").slice(1).join("\n");

  it("exec: streams, exit code, and a terminal of the size asked for", async () => {
    const sh = await exec("web", ["sh", "-c", "cat; echo done; exit 42"], { stdin: "1", stdout: "1" });
    sh.stream.end("in ");
    expect(await sh.outcome()).toEqual({ exitCode: 42 });
    expect(await sh.text()).toBe("in done\n");
    const tty = await exec("web", ["sh", "-c", "read x; stty size; test -t 2 && echo tty"], { stdin: "1", stdout: "1", tty: "1" });
    await rig.ask("PUT", TUNNEL_PATHS.size(`s-${sessions}`), { width: "101", height: "33" });
    // ctrl-p and ctrl-q are keys like others.
    tty.stream.write("a\u0010\u0011b\n");
    expect(await tty.until("tty\r\n")).toContain("33 101");
    expect(await tty.outcome()).toEqual({ exitCode: 0 });
    expect(await (await exec("web", ["not-here"])).outcome()).toMatchObject({ exitCode: 126 });
    await nothingLeft();
  });

  it("bytes come through as they are, in both directions", async () => {
    const big = Buffer.alloc(3_000_000, "0123456789abcdef\n");
    const sum = await exec("web", ["md5sum"], { stdin: "1", stdout: "1" });
    sum.stream.end(big);
    const { createHash } = await import("node:crypto");
    expect(await sum.text()).toContain(createHash("md5").update(big).digest("hex"));
    const back = await exec("web", ["head", "-c", "3000000", "/dev/zero"]);
    expect((await back.text()).length).toBe(3_000_000);
    await nothingLeft();
  });

  it("a client that goes away takes its process with it, also one that ignores hang-ups", async () => {
    const polite = await exec("web", ["sleep", "4711"]);
    const deaf = await exec("web", ["sh", "-c", "trap '' HUP; while :; do sleep 4712; done"], { stdout: "1", stdin: "1", tty: "1" });
    await until(async () => /4711[^]*4712|4712[^]*4711/.test(await processes("web-uid-web")), { what: "both to run" });
    polite.stream.close();
    deaf.stream.close();
    await until(async () => !(await processes("web-uid-web")).includes("4711"), { what: "the polite one to end" });
    await until(async () => !(await processes("web-uid-web")).includes("trap"), { what: "the deaf one to end", deadlineMs: 20_000 });
    await nothingLeft();
  });

  const get = async (name: string, port: number): Promise<string> => {
    const forward = await rig.ask("POST", TUNNEL_PATHS.portforward("default", name), { uid: `uid-${name}`, port: String(port) });
    if (forward.status !== 200) return (await forward.error()).message;
    forward.stream.write("GET / HTTP/1.0\r\n\r\n");
    const text = await forward.text();
    forward.stream.end();
    return text;
  };
  it("port-forward: what listens in the container, on whichever address", async () => {
    expect(await get("web", 80)).toContain("Hello from version 1");
    const id = rig.world.ofPod("default/web")[0]?.id ?? "";
    await host.docker(["exec", "-d", id, "httpd", "-f", "-p", "127.0.0.1:81", "-h", "/www"]);
    await until(async () => (await get("web", 81)).includes("Hello from version 1"), { what: "the server on loopback" });
    expect(await get("web", 82)).toBe("connection refused: nothing listens on port 82 of pod default/web");
    await pod("alone", { HostConfig: { NetworkMode: "none" } });
    await until(async () => (await get("alone", 80)).includes("Hello from version 1"), { what: "the server without a network" });
  });

  it("a log goes on over restarts and ends with the container", async () => {
    const id = await pod("chatty", {
      Cmd: ["sh", "-c", "n=$(cat /n 2>/dev/null); n=$((n+1)); echo $n > /n; echo run $n; sleep 0.3; echo end $n >&2; exit 1"],
      HostConfig: { NetworkMode: "none", RestartPolicy: { Name: "always" } },
    });
    const log = await rig.ask("GET", TUNNEL_PATHS.log("default", "chatty"), query("chatty", { follow: "1" }));
    await log.until("end 3\n");
    const { State } = await engine.inspect(id);
    const previous = await rig.ask("GET", TUNNEL_PATHS.log("default", "chatty"), query("chatty", { previous: "1", timestamps: "1" }));
    const before = (await previous.text()).trim().split("\n");
    expect(before.length).toBeGreaterThan(1);
    for (const line of before) expect(Date.parse(line.split(" ")[0] ?? "")).not.toBeGreaterThan(Date.parse(State.StartedAt) + 60_000);
    await host.docker(["rm", "-f", id]);
    const lines = (await log.text()).trim().split("\n");
    const runs = lines.filter((l) => l.startsWith("run ")).map((l) => Number(l.slice(4)));
    expect(runs).toEqual(runs.map((_, i) => i + 1));
    expect(lines.filter((l) => l === "end 2")).toHaveLength(1);
    await nothingLeft();
  });

  it("long lines, one time each", async () => {
    await pod("long", { Cmd: ["sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo short; sleep 1000"] });
    const path = TUNNEL_PATHS.log("default", "long");
    await until(async () => (await (await rig.ask("GET", path, query("long"))).text()).includes("short"), { what: "the log" });
    expect(await (await rig.ask("GET", path, query("long"))).text()).toBe(`${"x".repeat(40_000)}\nshort\n`);
    const stamped = await (await rig.ask("GET", path, query("long", { timestamps: "1" }))).text();
    expect(stamped).toMatch(/^\S{30} x{40000}\n\S{30} short\n$/);
  });

  it("stats: a busy container, an idle one, and the node", async () => {
    await pod("busy", { Cmd: ["sh", "-c", "while :; do :; done"], HostConfig: { NetworkMode: "none", NanoCpus: 5e8 } });
    rig.host = undefined;
    const stats = JSON.parse(await (await rig.ask("GET", TUNNEL_PATHS.stats)).text()) as NodeStats;
    const of = (name: string) => stats.pods.find((p) => p.pod === name);
    expect(of("busy")?.cpuCores).toBeGreaterThan(0.1);
    expect(of("web")?.cpuCores).toBeLessThan(of("busy")?.cpuCores ?? 0);
    expect(of("web")?.memoryBytes).toBeGreaterThan(100_000);
    expect(stats.node.cpuCores).toBeGreaterThan(0);
    expect(stats.node.memoryBytes).toBeGreaterThan(2 ** 20);
  });

  it("a log goes on over a restart of the engine", async () => {
    await pod("steady", {
      Cmd: ["sh", "-c", "n=$(cat /n 2>/dev/null); n=$((n+1)); echo $n > /n; echo run $n; trap 'exit 0' TERM; sleep 1000 & wait"],
      HostConfig: { NetworkMode: "none", RestartPolicy: { Name: "always" } },
    });
    const log = await rig.ask("GET", TUNNEL_PATHS.log("default", "steady"), query("steady", { follow: "1" }));
    await log.until("run 1\n");
    await host.restart();
    expect(await log.until("run 2\n")).toBe("run 1\nrun 2\n");
    log.stream.close();
    await nothingLeft();
  });
});
