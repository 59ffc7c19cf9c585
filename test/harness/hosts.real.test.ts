import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audit, differences } from "./audit.ts";
import { type Hosts, startHosts } from "./hosts.ts";
import { loadImages, TEST_IMAGES } from "./images.ts";
import { run } from "./run.ts";
import { until } from "./until.ts";

describe("simulated Docker hosts", () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = await startHosts(2);
    await loadImages(hosts.list, ["web", "redis", "nginx", "busybox"]);
  });
  afterAll(() => hosts?.stop());

  it("runs a container that serves on its host's address, and stops at once", async () => {
    const host = hosts.get("node-1");
    const id = await host.docker(["run", "-d", "-p", "8080:80", TEST_IMAGES.web]);
    const page = await until(() => fetch(`http://${host.address}:8080/`).then((answer) => answer.text()));
    expect(page).toBe("Hello from version 1\n");
    await host.docker(["stop", "-t", "60", id], { timeoutMs: 20_000 });
    expect(await host.docker(["inspect", "-f", "{{.State.ExitCode}}", id])).toBe("0");
  });

  it("keeps hosts apart", async () => {
    await hosts.get("node-1").docker(["volume", "create", "only-here"]);
    expect(await hosts.get("node-2").docker(["volume", "ls", "-q"])).toBe("");
    expect(await hosts.get("node-2").docker(["ps", "-aq"])).toBe("");
  });

  it("has a redis from Debian that keeps data", async () => {
    const host = hosts.get("node-2");
    await host.docker(["run", "-d", "--name", "db", TEST_IMAGES.redis]);
    await until(async () => (await host.docker(["exec", "db", "redis-cli", "ping"])) === "PONG");
    expect(await host.docker(["exec", "db", "redis-cli", "set", "a", "b"])).toBe("OK");
    await host.docker(["rm", "-f", "db"]);
  });

  it("has an nginx and a busybox from Debian", async () => {
    const host = hosts.get("node-2");
    await host.docker(["run", "-d", "--name", "web", "-p", "8081:80", TEST_IMAGES.nginx]);
    const page = await until(() => fetch(`http://${host.address}:8081/`).then((answer) => answer.text()));
    expect(page).toContain("Welcome to nginx!");
    await host.docker(["stop", "-t", "60", "web"], { timeoutMs: 20_000 });
    expect(await host.docker(["run", "--rm", TEST_IMAGES.busybox, "echo", "hi"])).toBe("hi");
  });

  it("survives kill -9 and hangs when paused", async () => {
    const host = hosts.get("node-2");
    await host.docker(["run", "-d", "--name", "stay", "--restart", "always", TEST_IMAGES.web, "/bin/hold"]);
    await host.kill9();
    expect(await host.ping()).toBe(false);
    await host.start();
    await until(async () => (await host.docker(["inspect", "-f", "{{.State.Running}}", "stay"])) === "true");
    await host.pause();
    expect(await host.ping(300)).toBe(false);
    host.resume();
    await until(() => host.ping());
    await host.restart();
    await until(async () => (await host.docker(["inspect", "-f", "{{.State.Running}}", "stay"])) === "true");
  });

  it("sees what changed, and whose it was", async () => {
    const host = hosts.get("node-1");
    await host.docker(["run", "-d", "--name", "theirs", TEST_IMAGES.web, "/bin/hold"]);
    const before = await audit(host);
    expect(differences(before, await audit(host), false)).toEqual([]);
    await host.docker(["rename", "theirs", "taken"]);
    await host.docker(["volume", "create", "--label", "steadfleet.dev/cluster=c", "ours"]);
    const after = await audit(host);
    expect(differences(before, after, false)).toEqual(["container theirs is called taken"]);
    expect(differences(before, after, true)).toEqual(["volume ours is new"]);
  });

  it("leaves nothing behind, also when two runs work at once", async () => {
    const other = await startHosts(1);
    await loadImages(other.list, ["web"]);
    await other.get("node-1").docker(["run", "-d", "--restart", "always", TEST_IMAGES.web]);
    const { dir, name, netns = "" } = other.get("node-1").options;
    await other.stop();
    expect((await run("sh", ["-c", `ls -d ${dir} /sys/fs/cgroup/*/${name} /run/netns/${netns} 2>/dev/null || true`])).stdout).toBe("");
    expect((await run("ip", ["-br", "addr", "show"])).stdout).not.toContain(other.gateway);
    expect(await hosts.get("node-1").ping()).toBe(true);
  });
});
