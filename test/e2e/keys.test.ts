// Every Compose key that is supported reaches Docker as it should, and what the engine makes of it is never taken for drift.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackSpec } from "../../schemas/types.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const image = TEST_IMAGES.web;

const spec: StackSpec = {
  services: {
    "short-forms": {
      image,
      pull_policy: "never",
      entrypoint: "/bin/sh -c",
      command: ["exec /bin/hold"],
      environment: ["A=1", "B=two words", "EMPTY="],
      ports: ["18080:80", "127.0.0.1:18081:81/udp", "18090-18091:90-91", "99"],
      volumes: ["data:/data", "/tmp:/host:ro", "/scratch"],
      networks: ["front", "back"],
      restart: "on-failure:3",
      labels: ["team=a", "note=b=c"],
      healthcheck: { test: "test -d /data", interval: "1s", timeout: "5s", retries: 2, start_period: "2s" },
      depends_on: ["long-forms"],
      user: "0:0",
      working_dir: "/data",
      hostname: "short",
      stop_grace_period: "3s",
      stop_signal: "SIGTERM",
      init: true,
      read_only: true,
      cap_add: ["NET_ADMIN", "SYS_TIME"],
      cap_drop: ["MKNOD"],
      deploy: { resources: { limits: { cpus: "0.5", memory: "64M" } } },
    },
    "long-forms": {
      image,
      pull_policy: "missing",
      command: "/bin/sh -c 'exec /bin/hold'",
      environment: { A: 1, B: true, C: "three" },
      ports: [{ target: 80, protocol: "tcp", host_ip: "127.0.0.1" }, { target: 81 }],
      volumes: [
        { type: "volume", source: "data", target: "/data", read_only: true },
        { type: "bind", source: "/tmp", target: "/host" },
        { type: "tmpfs", target: "/run/cache", tmpfs: { size: "8m", mode: 0o700 } },
      ],
      networks: { front: { aliases: ["www", "api"] }, default: null },
      labels: { team: "b" },
      healthcheck: { disable: true },
      depends_on: { job: { condition: "service_completed_successfully" } },
      cap_drop: ["ALL"],
      deploy: { mode: "replicated", replicas: 2, placement: { constraints: ["node.hostname==node-1"] } },
    },
    job: {
      image,
      command: ["/bin/true"],
      restart: "no",
      networks: ["front"],
      ports: [{ target: 80, published: 18180, protocol: "udp", host_ip: "127.0.0.1" }],
    },
  },
  networks: { front: {}, back: {}, default: {} },
  volumes: { data: {} },
};
interface Inspect {
  Id: string;
  Name: string;
  State: { Status: string };
  Config: Record<string, unknown> & { Env: string[]; Labels: Record<string, string> };
  HostConfig: Record<string, unknown> & { Binds?: string[]; Mounts?: Record<string, unknown>[] };
  Mounts: { Type: string; Destination: string; RW: boolean; Name?: string; Source: string }[];
  NetworkSettings: { Networks: Record<string, { Aliases: string[] | null }> };
}

describe("Compose keys", () => {
  let fleet: Fleet;
  const inspect = async (service: string): Promise<Inspect> => {
    const { host } = fleet.member("node-1");
    const ids = await host.docker(["ps", "-aq", "--filter", `label=steadfleet.dev/service=${service}`]);
    const [first] = JSON.parse(await host.docker(["inspect", "--type", "container", ids.split("\n")[0] ?? ""])) as Inspect[];
    if (!first) throw new Error(`no container of ${service}`);
    return first;
  };
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["web"] });
    await fleet.up("keys", spec, 90_000);
  });
  afterAll(() => fleet?.stop());

  it("reach Docker in their short forms", async () => {
    const { Config, HostConfig, Mounts, NetworkSettings } = await inspect("short-forms");
    expect(Config).toMatchObject({
      Image: image,
      Entrypoint: ["/bin/sh", "-c"],
      Cmd: ["exec /bin/hold"],
      User: "0:0",
      WorkingDir: "/data",
      Hostname: "short",
      StopSignal: "SIGTERM",
      StopTimeout: 3,
      Healthcheck: { Test: ["CMD-SHELL", "test -d /data"], Interval: 1e9, Timeout: 5e9, Retries: 2, StartPeriod: 2e9 },
    });
    expect(Config.Env).toEqual(expect.arrayContaining(["A=1", "B=two words", "EMPTY="]));
    expect(Config.Labels).toMatchObject({ team: "a", note: "b=c" });
    expect(HostConfig).toMatchObject({
      Init: true,
      ReadonlyRootfs: true,
      CapAdd: expect.arrayContaining([expect.stringMatching(/NET_ADMIN$/), expect.stringMatching(/SYS_TIME$/)]),
      CapDrop: [expect.stringMatching(/MKNOD$/)],
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
      NanoCpus: 5e8,
      Memory: 64 * 1024 * 1024,
      PortBindings: {
        "80/tcp": [{ HostPort: "18080" }],
        "81/udp": [{ HostIp: "127.0.0.1", HostPort: "18081" }],
        "90/tcp": [{ HostPort: "18090" }],
        "91/tcp": [{ HostPort: "18091" }],
      },
    });
    expect(Mounts.find((m) => m.Destination === "/data")).toMatchObject({ Type: "volume", Name: "keys_data", RW: true });
    expect(Mounts.find((m) => m.Destination === "/host")).toMatchObject({ Type: "bind", Source: "/tmp", RW: false });
    expect(Mounts.find((m) => m.Destination === "/scratch")).toMatchObject({ Type: "volume" });
    expect(Object.keys(NetworkSettings.Networks).toSorted()).toEqual(["keys_back", "keys_front"]);
    expect(NetworkSettings.Networks["keys_back"]?.Aliases).toContain("short-forms");
  });

  it("reach Docker in their long forms", async () => {
    const { Config, HostConfig, Mounts, NetworkSettings } = await inspect("long-forms");
    expect(Config).toMatchObject({ Cmd: ["/bin/sh", "-c", "exec /bin/hold"], Healthcheck: { Test: ["NONE"] } });
    expect(Config.Env).toEqual(expect.arrayContaining(["A=1", "B=true", "C=three"]));
    expect(HostConfig).toMatchObject({ CapDrop: ["ALL"], RestartPolicy: { Name: "unless-stopped" } });
    expect(Mounts.find((m) => m.Destination === "/data")).toMatchObject({ Type: "volume", Name: "keys_data", RW: false });
    expect(Mounts.find((m) => m.Destination === "/host")).toMatchObject({ Type: "bind", RW: true });
    expect(Mounts.find((m) => m.Destination === "/run/cache")).toMatchObject({ Type: "tmpfs" });
    expect(NetworkSettings.Networks["keys_front"]?.Aliases).toEqual(expect.arrayContaining(["www", "api", "long-forms"]));
    expect(Object.keys(NetworkSettings.Networks).toSorted()).toEqual(["keys_default", "keys_front"]);
  });

  it("run a job once", async () => {
    expect((await inspect("job")).State.Status).toBe("exited");
    const [pod] = (await fleet.pods("keys")).filter((p) => p.metadata.name.includes("-job-"));
    expect(pod?.status?.phase).toBe("Succeeded");
  });

  it("are not taken for drift, not even by an agent that has just started and looks at everything anew", async () => {
    const ids = async (): Promise<string[]> => (await fleet.everywhere("keys")).map((c) => c.Id);
    const before = await ids();
    const { agent } = fleet.member("node-1");
    const said = agent.log.length;
    await agent.stop();
    agent.start();
    // What comes after all others in its queue is the proof that it has looked at them.
    await fleet.up("after", { services: { web: { image, command: ["/bin/hold"] } } });
    await fleet.until("two lists that agree", () => agent.log.slice(said).includes("engine lists agree"));
    expect(await ids()).toEqual(before);
    const acted = agent.log
      .slice(said)
      .split("\n")
      .filter((line) => line.includes("pod acted upon") && line.includes("default/keys-"));
    expect(acted).toEqual([]);
    const healed = (await fleet.events()).filter(
      (e) => e.involvedObject.name?.startsWith("keys-") && /Healed|Replaced/.test(e.reason ?? ""),
    );
    expect(healed).toEqual([]);
  });
});
