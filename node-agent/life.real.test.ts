// Hooks, networks with settings and pre-flight of an agent on a real Docker host.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NetworkSettings } from "../schemas/fleet.ts";
import { TEST_IMAGES } from "../test/harness/images.ts";
import { until } from "../test/harness/until.ts";
import { Site, sleeper } from "./testing/site.ts";

let site: Site;
beforeAll(async () => {
  site = await Site.start();
  await site.startAgent();
});
afterAll(async () => await site?.stop());

const docker = (...args: string[]): Promise<string> => site.host.docker(args);
const sh = (script: string) => ({ command: ["/bin/sh", "-c", script] });
const lines = async (name: string): Promise<string[]> => (await docker("exec", name, "cat", "/log")).split("\n").filter(Boolean);

describe("hooks", () => {
  it("post_start runs once for each start, also one by Docker itself; pre_stop before the stop", async () => {
    const pod = sleeper({
      container: {
        restart: { policy: "always" },
        mounts: [{ type: "volume", volume: { key: "log", name: "life_log", external: false }, target: "/out", readOnly: false }],
        networks: [],
        postStart: [
          sh("echo started >> /log; echo started >> /out/log"),
          { ...sh("echo $WHO $(pwd) >> /log"), env: { WHO: "me" }, workingDir: "/out" },
        ],
        preStop: [sh("echo stopping >> /out/log")],
      },
    });
    await site.want(pod);
    await site.ready(pod);
    expect(await lines(pod.name)).toEqual(["started", "me /out"]);
    await site.host.dockerAny(["exec", pod.name, "kill", "-TERM", "1"]);
    await site.reported(pod, (o) => o.ready && o.inSync && o.restarts > 0);
    expect(await lines(pod.name)).toHaveLength(4);
    // Another process of the agent knows that they have run.
    await site.stopAgent();
    await site.startAgent();
    await until(async () => (await site.info())?.conditions.some((c) => c.type === "Ready" && c.status === "True"), { what: "the agent" });
    await site.ready(pod);
    expect(await lines(pod.name)).toHaveLength(4);
    await site.remove(pod);
    const left = await docker("run", "--rm", "-v", "life_log:/out", TEST_IMAGES.web, "/bin/cat", "/out/log");
    expect(left.split("\n").filter(Boolean)).toEqual(["started", "started", "stopping"]);
  });

  it("a post_start that fails stops the container, and says the last words", async () => {
    const pod = sleeper({ container: { networks: [], postStart: [sh("echo no luck; exit 7")] } });
    await site.want(pod);
    const told = await site.reported(pod, (o) => o.reason === "PostStartHookError" && o.state === "exited");
    expect(told).toMatchObject({ message: "post_start 1 (/bin/sh) ended with exit code 7: no luck", ready: false });
    await site.remove(pod);
  });
});

describe("a network with settings", () => {
  const settings = (third: number): NetworkSettings => ({ ipam: { config: [{ subnet: `10.198.${third}.0/24` }] }, internal: true });
  const at = (third: number, ipv4?: string) => [
    { key: "set", name: "life_set", external: false, aliases: [], settings: settings(third), ...(ipv4 ? { ipv4 } : {}) },
  ];
  const fixed = sleeper({ service: "fixed", container: { networks: at(1, "10.198.1.77") } });
  const free = sleeper({ service: "free", container: { networks: at(1) } });

  it("is made so, and made anew in place when all want it; addresses are kept over a heal", async () => {
    await site.want(fixed, free);
    expect((await site.ready(fixed)).addresses).toEqual({ life_set: "10.198.1.77" });
    const before = await site.ready(free);
    await docker("network", "disconnect", "life_set", fixed.name);
    await site.reported(fixed, (o) => o.ready && o.inSync && o.notes.some((n) => n.reason === "Healed"));
    expect((await site.ready(fixed)).addresses).toEqual({ life_set: "10.198.1.77" });

    await site.want({ ...free, container: { ...free.container, networks: at(2) } });
    const waiting = await site.reported(free, (o) => o.reason === "NetworkDiffers");
    expect(waiting.message).toMatch(/subnet is 10\.198\.1\.0\/24, not 10\.198\.2\.0\/24.*leave it: container shop-web/);
    expect(waiting.ready).toBe(true);

    await site.want({ ...fixed, container: { ...fixed.container, networks: at(2) } });
    const after = await site.reported(free, (o) => o.inSync && o.ready && Boolean(o.addresses?.["life_set"]?.startsWith("10.198.2.")));
    expect(after.containerId).toBe(before.containerId);
    await site.reported(fixed, (o) => o.inSync && o.ready && Boolean(o.addresses?.["life_set"]?.startsWith("10.198.2.")));
    await site.remove(fixed, free);
    expect(await docker("network", "ls", "--format", "{{.Name}}")).not.toContain("life_set");
  });
});

describe("pre-flight", () => {
  it("says which container has the port, makes nothing, and goes on when it is free", async () => {
    await docker("run", "-d", "--name", "squatter", "-p", "18099:80", TEST_IMAGES.web, "/bin/hold");
    const ports = [{ target: 80, published: 18_099, protocol: "tcp" as const }];
    const pod = sleeper({ container: { ports, networks: [{ key: "default", name: "life_default", external: false, aliases: [] }] } });
    await site.want(pod);
    const told = await site.reported(pod, (o) => o.reason === "PortConflict");
    expect(told).toMatchObject({ message: "host port 18099/tcp is used by container squatter", state: "absent" });
    expect(await site.names()).not.toContain(pod.name);
    await docker("rm", "-f", "squatter");
    await site.ready(pod);
    await site.remove(pod);
  });

  it("says that an external network is missing, and goes on when somebody makes it", async () => {
    const pod = sleeper({ container: { networks: [{ key: "outer", name: "life_outer", external: true, aliases: [] }] } });
    await site.want(pod);
    await site.reported(pod, (o) => o.reason === "NetworkNotFound" && o.state === "absent");
    await docker("network", "create", "life_outer");
    await site.ready(pod);
    await site.remove(pod);
    await docker("network", "rm", "life_outer");
  });
});
