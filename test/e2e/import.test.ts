// A project that docker compose runs is taken over without a restart, and from then on looked after.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "../harness/fleet.ts";
import type { Host } from "../harness/hosts.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { newLair, removeLair } from "../harness/lair.ts";
import { run, type RunResult } from "../harness/run.ts";

const COMPOSE = `version: "3.7"
services:
  web:
    image: ${TEST_IMAGES.web}
    command: ["/bin/hold"]
    environment: {GREETING: "hello $$USER"}
    labels: {team: a}
    ports: ["18080:80"]
    volumes: ["data:/data", "/tmp:/host:ro"]
    networks: {front: {aliases: [shopfront]}}
    restart: unless-stopped
    cap_drop: [NET_RAW]
    stop_grace_period: 1s
  worker:
    image: ${TEST_IMAGES.web}
    command: ["/bin/hold"]
    restart: always
    networks: [front]
networks: {front: {}}
volumes: {data: {}}
`;

interface Seen {
  Id: string;
  Name: string;
  State: { StartedAt: string; Running: boolean };
  Config: { Labels: Record<string, string> };
}

describe("steady import", () => {
  let fleet: Fleet;
  let host: Host;
  let dir: string;
  const compose = (...args: string[]): Promise<RunResult> =>
    run("docker-compose", ["-p", "legacy", ...args], {
      cwd: join(dir, "legacy"),
      env: { DOCKER_HOST: host.url },
    });
  const legacy = async (): Promise<Seen[]> => {
    const ids = (await host.docker(["ps", "-aq", "--filter", "label=com.docker.compose.project=legacy"]))
      .split("\n")
      .filter((l) => l !== "");
    const all = ids.length === 0 ? [] : (JSON.parse(await host.docker(["inspect", ...ids])) as Seen[]);
    return all.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
  };
  const steady = (args: string[]): Promise<RunResult> => fleet.steady(args, { cwd: dir });

  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1 });
    host = fleet.member("node-1").host;
    dir = newLair("import");
    mkdirSync(join(dir, "legacy"));
    writeFileSync(join(dir, "legacy", "docker-compose.yml"), COMPOSE);
    const up = await compose("up", "-d", "--scale", "worker=2");
    expect(up.code, `docker-compose (apt install docker-compose): ${up.stderr}`).toBe(0);
  });
  afterAll(async () => {
    await fleet?.stop();
    if (dir) removeLair(dir);
  });

  it("lists it, with its file", async () => {
    await fleet.until("the node's tunnel", async () => (await steady(["import", "--list"])).stdout.includes("legacy"));
    const { stdout } = await steady(["import", "--list"]);
    expect(stdout).toMatch(/^PROJECT +NODE +SERVICES +RUNNING +FILE\nlegacy +node-1 +2 +3\/3 /);
  });

  it("says before anything is done whether it can be taken over as it is", async () => {
    const { code, stdout, stderr } = await steady(["import", "legacy", "--dry-run"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("container_name: legacy_web_1");
    expect(stdout).toContain("external: true");
    expect(stdout).not.toContain("PATH=");
  });

  it("takes it over: the same containers go on, without a restart", async () => {
    const before = await legacy();
    expect(before.map((c) => c.Name)).toEqual(["/legacy_web_1", "/legacy_worker_1", "/legacy_worker_2"]);
    const { code, stderr } = await steady(["import", "legacy", "--progress", "plain", "--timeout", "40s"]);
    expect(code, stderr).toBe(0);
    await fleet.healthy("legacy");
    const after = await legacy();
    expect(after.map((c) => [c.Id, c.Name, c.State.StartedAt])).toEqual(before.map((c) => [c.Id, c.Name, c.State.StartedAt]));
    expect(existsSync(join(dir, "legacy.stack.yaml"))).toBe(true);
    expect((await steady(["import", "--list"])).stderr).toContain("No Compose projects found");
    expect((await steady(["exec", "legacy/web", "--", "sh", "-c", "echo $GREETING"])).stdout).toBe("hello $USER\n");
    expect((await steady(["apply", "-f", "legacy.stack.yaml"])).stdout).toContain("unchanged");
  });

  it("heals what is removed, now as its own", async () => {
    const [web] = await legacy();
    await host.docker(["rm", "-f", web?.Id ?? ""]);
    const healed = await fleet.until("web to be made anew", async () => {
      const [one] = (await legacy()).filter((c) => c.Name === "/legacy_web_1");
      return one && one.Id !== web?.Id && one.State.Running ? one : undefined;
    });
    expect(healed.Config.Labels["steadfleet.dev/stack"]).toBe("legacy");
    await fleet.healthy("legacy");
  });

  it("is deleted like any other Stack, and its volume stays", async () => {
    await fleet.down("legacy");
    expect(await legacy()).toEqual([]);
    expect(await host.docker(["volume", "ls", "-q"])).toContain("legacy_data");
    expect(await host.docker(["network", "ls", "--format", "{{.Name}}"])).toContain("legacy_front");
  });

  it("says which key differs, and then takes nothing over", async () => {
    const labels = { project: "odd", service: "x", "container-number": "1", oneoff: "False" };
    const flags = Object.entries(labels).flatMap(([k, v]) => ["--label", `com.docker.compose.${k}=${v}`]);
    const odd = [
      "run",
      "-d",
      "--name",
      "odd_x_1",
      "--device-cgroup-rule",
      "c 1:3 r",
      "--network",
      "legacy_front",
      "--network-alias",
      "x",
      ...flags,
      TEST_IMAGES.web,
      "/bin/hold",
    ];
    const id = (await host.docker(odd)).trim();
    const { code, stderr } = await steady(["import", "odd"]);
    expect(code, stderr).toBe(4);
    expect(stderr).toContain("! x-1 on node-1 differs in /deviceCgroupRules\n");
    expect((await steady(["get", "stacks", "-o", "name"])).stdout).not.toContain("odd");
    expect(existsSync(join(dir, "odd.stack.yaml"))).toBe(false);
    expect(JSON.parse(await host.docker(["inspect", id]))).toMatchObject([{ State: { Running: true } }]);
  });
});
