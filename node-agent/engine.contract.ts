// What every Engine does, the fake and the real one. `image` is on the engine, sleeps, and dies of SIGKILL at once.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EngineStream, OutputChunk } from "./engine-io.ts";
import { driftOf } from "./drift.ts";
import { type Engine, type EngineEvent, isEngineError } from "./engine.ts";
import { fieldsContract } from "./engine-fields.contract.ts";
import { networkDifferences, networkHash, volumeDifferences, withHash } from "./networks/settings.ts";
import { expected, observe } from "./observe.ts";
import { render } from "./render.ts";
import { aPod, CLUSTER } from "./testing/rig.ts";

export interface ContractSetup {
  engine: Engine;
  image: string;
  /** Where containers do not run what they are told: makes this one log `one` (out) and `two` (err). */
  logged?(id: string): void;
  close(): Promise<void>;
}

const textOf = (chunks: OutputChunk[]): string => chunks.map((c) => c.data.toString()).join("");

const kind = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "fine";
  } catch (error) {
    if (isEngineError(error)) return error.kind;
    throw error;
  }
};

export const engineContract = (name: string, setup: () => Promise<ContractSetup>): void => {
  describe(`engine contract: ${name}`, () => {
    let s: ContractSetup;
    let engine: Engine;
    const labels = { "steadfleet.dev/cluster": CLUSTER };
    const plain = (o: object = {}) => ({
      Image: s.image,
      Labels: labels,
      StopSignal: "SIGKILL",
      HostConfig: { NetworkMode: "none" },
      ...o,
    });
    beforeAll(async () => {
      s = await setup();
      engine = s.engine;
    });
    afterAll(async () => await s?.close());

    it("answers, and says what it is", async () => {
      await engine.ping();
      expect(await engine.info()).toMatchObject({ os: "linux", apiVersion: expect.stringMatching(/^1\.\d+$/) });
    });

    it("leads a container through its life, and tells of it", async () => {
      const seen: EngineEvent[] = [];
      const stop = new AbortController();
      const { ended } = await engine.events((e) => seen.push(e), stop.signal);
      const { id } = await engine.create("life", plain());
      expect((await engine.list()).find((c) => c.id === id)).toMatchObject({ name: "life", state: "created", labels });
      await engine.start(id);
      await engine.start(id);
      expect((await engine.inspect(id)).State).toMatchObject({ Status: "running", Paused: false });
      await engine.rename(id, "life-2");
      await engine.update(id, { Memory: 2 ** 26, MemorySwap: 2 ** 27, RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } });
      expect(await engine.inspect("life-2")).toMatchObject({
        Id: id,
        HostConfig: { Memory: 2 ** 26, RestartPolicy: { Name: "on-failure" } },
      });
      await engine.kill(id);
      await until(async () => (await engine.inspect(id)).State.Status === "exited");
      expect((await engine.inspect(id)).State.ExitCode).toBe(137);
      await engine.start(id);
      await engine.stop(id, 0);
      await engine.stop(id, 0);
      await engine.remove(id);
      expect(await kind(engine.inspect(id))).toBe("notFound");
      await until(async () => seen.some((e) => e.action === "destroy" && e.id === id));
      const mine = seen.filter((e) => e.type === "container" && e.id === id);
      expect(mine.map((e) => e.action)).toEqual(["create", "start", "rename", "update", "die", "start", "die", "destroy"]);
      expect(mine[0]?.attributes).toMatchObject({ ...labels, name: "life" });
      stop.abort();
      await ended;
    });

    it("names what went wrong", async () => {
      expect(await kind(engine.inspect("nobody"))).toBe("notFound");
      expect(await kind(engine.start("nobody"))).toBe("notFound");
      expect(await kind(engine.remove("nobody"))).toBe("notFound");
      expect(await kind(engine.create("no-image", plain({ Image: "not-here:1" })))).toBe("imageNotFound");
      expect(await kind(engine.inspectImage("not-here:1"))).toBe("imageNotFound");
      expect(await kind(engine.inspectNetwork("not-here"))).toBe("notFound");
      expect(await kind(engine.inspectVolume("not-here"))).toBe("notFound");
      const { id } = await engine.create("taken", plain());
      expect(await kind(engine.create("taken", plain()))).toBe("nameConflict");
      await engine.remove(id);
    });

    it("a taken port fails at the start, and leaves a container that can be started later", async () => {
      const body = plain({
        ExposedPorts: { "80/tcp": {} },
        HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "18081" }] } },
      });
      await engine.createNetwork("bridge-2", labels);
      const on = (b: typeof body) => ({ ...b, HostConfig: { ...b.HostConfig, NetworkMode: "bridge-2" } });
      const first = await engine.create("port-1", on(body));
      const second = await engine.create("port-2", on(body));
      await engine.start(first.id);
      expect(await kind(engine.start(second.id))).toBe("portConflict");
      expect((await engine.inspect(second.id)).State.Status).toBe("created");
      await engine.remove(first.id);
      await engine.start(second.id);
      expect((await engine.inspect(second.id)).NetworkSettings.Ports?.["80/tcp"]?.[0]?.HostPort).toBe("18081");
      await engine.remove(second.id);
      await engine.removeNetwork("bridge-2");
    });

    it("networks and volumes are made with their settings", async () => {
      const settings = {
        internal: true as const,
        driverOpts: { "com.docker.network.driver.mtu": "1400" },
        ipam: { config: [{ subnet: "10.199.7.0/24", gateway: "10.199.7.3" }] },
      };
      const r = { name: "contract-set", external: false, labels, settings, aliases: [], endpoint: {} };
      await engine.createNetwork(r.name, withHash(labels, networkHash(r)), settings);
      expect(networkDifferences(r, await engine.inspectNetwork(r.name))).toEqual([]);
      const other = { ...settings, internal: undefined, ipam: { config: [{ subnet: "10.199.8.0/24" }] } };
      const { internal: _, ...rest } = other;
      expect(networkDifferences({ ...r, settings: rest }, await engine.inspectNetwork(r.name))).toEqual([
        "internal is true, not false",
        "subnet is 10.199.7.0/24, not 10.199.8.0/24",
      ]);
      const member = await engine.create("contract-static", plain());
      await engine.disconnect("none", member.id).catch(() => {});
      await engine.connect(r.name, member.id, { IPAMConfig: { IPv4Address: "10.199.7.77" } });
      // Also one that does not run can leave a network that is made anew.
      await engine.disconnect(r.name, member.id);
      await engine.removeNetwork(r.name);
      await engine.remove(member.id);
      const v = { name: "contract-vol", external: false, labels, driverOpts: { type: "tmpfs", device: "tmpfs" } };
      expect(volumeDifferences(v, await engine.createVolume(v.name, labels, v))).toEqual([]);
      expect(volumeDifferences({ ...v, driverOpts: { type: "nfs", device: "tmpfs" } }, await engine.inspectVolume(v.name))).toEqual([
        "driver_opts.type is tmpfs, not nfs",
      ]);
      await engine.removeVolume(v.name);
    });

    it("networks: one of a name, in use while a container runs in it", async () => {
      const { id } = await engine.createNetwork("contract", labels);
      expect(await kind(engine.createNetwork("contract", {}))).toBe("nameConflict");
      expect(await engine.inspectNetwork("contract")).toMatchObject({ Id: id, Labels: labels });
      expect((await engine.listNetworks(`steadfleet.dev/cluster=${CLUSTER}`)).map((n) => n.Name)).toContain("contract");
      const c = await engine.create("member", plain());
      await engine.disconnect("none", c.id).catch(() => {});
      await engine.start(c.id);
      const other = await engine.create("member-2", plain({ HostConfig: { NetworkMode: "contract" } }));
      await engine.start(other.id);
      expect(await kind(engine.removeNetwork("contract"))).toBe("inUse");
      await engine.disconnect("contract", other.id);
      expect((await engine.inspect(other.id)).NetworkSettings.Networks).not.toHaveProperty("contract");
      expect(await kind(engine.disconnect("contract", other.id))).not.toBe("fine");
      await engine.connect("contract", other.id, { Aliases: ["alias"] });
      expect((await engine.inspect(other.id)).NetworkSettings.Networks?.["contract"]).toMatchObject({
        NetworkID: id,
        Aliases: expect.arrayContaining(["alias"]),
      });
      await engine.remove(c.id);
      await engine.remove(other.id, [id]);
      await engine.removeNetwork(id);
      expect(await kind(engine.removeNetwork(id))).toBe("notFound");
    });

    it("volumes: the first labels stay", async () => {
      expect((await engine.createVolume("vol", labels)).Labels).toEqual(labels);
      expect((await engine.createVolume("vol", { other: "1" })).Labels).toEqual(labels);
      const body = plain({ HostConfig: { NetworkMode: "none", Mounts: [{ Type: "volume", Source: "vol", Target: "/d" }] } });
      const { id } = await engine.create("with-volume", body);
      expect(await kind(engine.removeVolume("vol"))).toBe("inUse");
      await engine.remove(id);
      expect((await engine.listVolumes(`steadfleet.dev/cluster=${CLUSTER}`)).map((v) => v.Name)).toEqual(["vol"]);
      await engine.removeVolume("vol");
      expect(await kind(engine.removeVolume("vol"))).toBe("notFound");
    });

    const CONTAINER_THAT_LOGS = ["sh", "-c", "echo one; echo two >&2; sleep 1000"];
    const collect = async (stream: EngineStream, until = (_text: string): boolean => false): Promise<OutputChunk[]> => {
      const chunks: OutputChunk[] = [];
      for await (const chunk of stream.output) {
        chunks.push(chunk);
        if (until(textOf(chunks))) break;
      }
      stream.close();
      return chunks;
    };
    const running = async (o: object = {}): Promise<string> => {
      const { id } = await engine.create(`io-${++made}`, plain(o));
      await engine.start(id);
      return id;
    };
    let made = 0;

    it("shows a log: in order, with times, a part of it, and on as it grows", async () => {
      const id = await running({ Cmd: CONTAINER_THAT_LOGS });
      s.logged?.(id);
      const all = await collect(await engine.openLogs(id, { follow: true, tty: false }), (t) => t.includes("one") && t.includes("two"));
      expect(all.map((c) => `${c.from} ${c.data.toString()}`).toSorted()).toEqual(["err two\n", "out one\n"]);
      const stamped = await collect(await engine.openLogs(id, { timestamps: true, tty: false }));
      expect(textOf(stamped)).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z (one|two)\n/);
      expect(await collect(await engine.openLogs(id, { tail: 1, tty: false }))).toHaveLength(1);
      const [first = ""] = textOf(stamped).split(" ");
      expect(await collect(await engine.openLogs(id, { since: first, tty: false }))).toHaveLength(2);
      expect(await collect(await engine.openLogs(id, { since: "2100-01-01T00:00:00Z", tty: false }))).toEqual([]);
      expect(await collect(await engine.openLogs(id, { until: "2001-01-01T00:00:00Z", tty: false }))).toEqual([]);
      const following = collect(await engine.openLogs(id, { follow: true, tty: false }));
      await engine.remove(id);
      expect(await following).toHaveLength(2);
      expect(await kind(engine.openLogs(id, { tty: false }))).toBe("notFound");
    });

    it("runs a command: output, input and its end, exit code", async () => {
      const id = await running();
      const all = { stdin: true, stdout: true, stderr: true, tty: false };
      const cat = await engine.exec(id, { ...all, command: ["cat"] });
      cat.stream.input.write("hello ");
      cat.stream.input.end("there");
      expect(textOf(await collect(cat.stream))).toBe("hello there");
      await until(async () => !(await engine.inspectExec(cat.id)).running);
      expect((await engine.inspectExec(cat.id)).exitCode).toBe(0);
      const ls = await engine.exec(id, { ...all, stdin: false, command: ["ls", "/not-here"] });
      const [said] = await collect(ls.stream);
      expect(`${said?.from} ${said?.data.toString()}`).toMatch(/^err ls: .*No such file/);
      await until(async () => !(await engine.inspectExec(ls.id)).running);
      expect((await engine.inspectExec(ls.id)).exitCode).toBe(1);
      const nobody = await engine.exec(id, { ...all, command: ["not-a-program"] });
      expect(textOf(await collect(nobody.stream))).toContain("executable file not found");
      expect([126, 127]).toContain((await engine.inspectExec(nobody.id)).exitCode);
      await engine.remove(id);
    });

    it("runs a command as somebody else, somewhere else, with more in its environment", async () => {
      const id = await running();
      const script = ["sh", "-c", "echo $A $(pwd) $(id -u)"];
      const where = { user: "1000", workingDir: "/tmp", env: { A: "x" } };
      const ran = await engine.exec(id, { command: script, stdin: false, stdout: true, stderr: true, tty: false, ...where });
      expect(textOf(await collect(ran.stream))).toBe("x /tmp 1000\n");
      await engine.remove(id);
    });

    it("runs a command in a terminal, whose size can change", async () => {
      const id = await running();
      const cat = await engine.exec(id, { command: ["cat"], stdin: true, stdout: true, stderr: true, tty: true });
      await until(async () => (await kind(engine.resizeExec(cat.id, 100, 30))) === "fine");
      cat.stream.input.write("typed\n");
      expect(textOf(await collect(cat.stream, (t) => t.includes("typed")))).toContain("typed");
      await engine.remove(id);
      expect(await kind(engine.resizeExec(cat.id, 1, 1))).not.toBe("unavailable");
    });

    it("what nobody reads stays with the engine, and a closed connection is over", async () => {
      const id = await running();
      const yes = await engine.exec(id, { command: ["yes"], stdin: false, stdout: true, stderr: true, tty: false });
      let bytes = 0;
      for await (const { data } of yes.stream.output) {
        bytes += data.length;
        if (bytes > 100_000) break;
      }
      yes.stream.close();
      for await (const _ of yes.stream.output) throw new Error("a closed stream has nothing to say");
      await engine.remove(id);
    });

    it("no command in what does not run, and no connection to it", async () => {
      const { id } = await engine.create("io-still", plain());
      const command = { command: ["cat"], stdin: false, stdout: true, stderr: true, tty: false };
      expect(await kind(engine.exec(id, command))).toBe("conflict");
      expect(await kind(engine.exec("nobody", command))).toBe("notFound");
      expect(await kind(engine.attach("nobody", command))).toBe("notFound");
      expect(await engine.stats(id)).toBeUndefined();
      expect(await kind(engine.stats("nobody"))).toBe("notFound");
      await engine.remove(id);
    });

    it("attaches to the main process until it ends, and counts what it uses", async () => {
      const id = await running();
      expect(await engine.stats(id)).toMatchObject({ cpuNanos: expect.any(Number), memoryBytes: expect.any(Number) });
      const attached = collect(await engine.attach(id, { stdin: false, stdout: true, stderr: true, tty: false }));
      await engine.kill(id);
      await attached;
      await engine.remove(id);
    });

    fieldsContract(() => s);

    it("what we ask for is what we find: no drift right after the start", async () => {
      const pod = aPod({
        container: {
          image: s.image,
          command: ["sleep", "1000"],
          env: { A: "b=c", PATH: "/bin" },
          labels: { x: "y" },
          user: "0",
          workingDir: "/tmp",
          hostname: "host",
          stopSignal: "SIGKILL",
          init: false,
          readOnly: true,
          capAdd: ["NET_ADMIN"],
          capDrop: ["MKNOD"],
          restart: { policy: "on-failure", maxRetries: 3 },
          healthcheck: { test: ["CMD-SHELL", "true"], intervalMs: 30_000, timeoutMs: 5_000, retries: 3, startPeriodMs: 0 },
          ports: [
            { target: 80, published: 18080, protocol: "tcp" },
            { target: 81, protocol: "udp", hostIp: "127.0.0.1" },
          ],
          mounts: [
            { type: "volume", volume: { key: "data", name: "contract_data", external: false }, target: "/data", readOnly: false },
            { type: "volume", target: "/anonymous", readOnly: false },
            { type: "tmpfs", target: "/scratch", sizeBytes: 65_536, mode: 0o1777 },
          ],
          networks: [
            { key: "a", name: "contract_a", external: false, aliases: ["one"] },
            { key: "b", name: "contract_b", external: false, aliases: [] },
          ],
          limits: { cpus: 0.5, memoryBytes: 2 ** 26 },
        },
      });
      const r = render(pod, CLUSTER);
      for (const n of r.networks) await engine.createNetwork(n.name, n.labels);
      for (const v of r.volumes) await engine.createVolume(v.name, v.labels);
      const { id } = await engine.create(r.name, r.body);
      for (const n of r.networks.slice(1)) await engine.connect(n.name, id, n.endpoint);
      await engine.start(id);
      const i = await engine.inspect(id);
      const image = await engine.inspectImage(i.Image);
      const facts = observe(i, image);
      expect(driftOf(expected(r, image), facts, r)).toEqual([]);
      expect(facts).toMatchObject({ state: "running", uid: pod.uid, name: r.name, health: "starting" });
      expect(Object.keys(facts.addresses)).toEqual(["contract_a", "contract_b"]);
      expect(facts.ports.find((p) => p.target === 80)?.published).toBe(18_080);
      await engine.remove(id);
      for (const n of r.networks) await engine.removeNetwork(n.name);
      for (const v of r.volumes) await engine.removeVolume(v.name);
    });
  });
};

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 500; n++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("condition does not hold after 10 s");
};
