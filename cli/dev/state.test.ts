import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveFlags } from "../flags.ts";
import { testIo } from "../testing/io.ts";
import { style } from "../text/style.ts";
import { pretty } from "../process/log.ts";
import { checkNodeName, etcdHosts, hostNodeName, labelsOf, listenAddress, socketPath } from "../process/values.ts";
import { askEngine } from "./engine.ts";
import { choosePort } from "./ports.ts";
import { devDir, lockDir, readState, writeState } from "./state.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steadfleet-dev-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the lock of a data directory", () => {
  it("keeps a second one out, and lets the next one in", () => {
    const unlock = lockDir(dir, process.pid);
    expect(() => lockDir(dir, process.pid)).toThrow(/is running already on .* \(process \d+\)/);
    unlock();
    lockDir(dir, process.pid)();
    expect(existsSync(join(dir, "dev.lock"))).toBe(false);
  });

  it.each([
    ["a process that is gone", "4194303 1"],
    ["a process number that another program has now", `${process.pid} 1`],
    ["a torn file", ""],
  ])("does not heed %s", (_, text) => {
    writeFileSync(join(dir, "dev.lock"), text);
    lockDir(dir, process.pid)();
  });
});

describe("what is kept between runs", () => {
  it("is private, and read back", () => {
    expect(readState(join(dir, "none"))).toEqual({});
    writeState(dir, { port: 7443, token: "t" });
    expect(readState(dir)).toEqual({ port: 7443, token: "t" });
    expect(statSync(join(dir, "dev.json")).mode & 0o777).toBe(0o600);
    writeFileSync(join(dir, "dev.json"), "{");
    expect(() => readState(dir)).toThrow(/dev.json cannot be read/);
  });

  it("lies where the XDG rules say", () => {
    const at = (env: Record<string, string>, line: Record<string, string> = {}): string =>
      devDir({ io: testIo({ env }), flags: resolveFlags("dev", [{ name: "data-dir", value: "dir", about: "" }], line, env, undefined) });
    expect(at({})).toBe("/home/ann/.local/share/steadfleet/dev");
    expect(at({ XDG_DATA_HOME: "/data" })).toBe("/data/steadfleet/dev");
    expect(at({ STEADY_DATA_DIR: "x" })).toBe("/nowhere/x");
    expect(at({ STEADY_DATA_DIR: "x" }, { "data-dir": "/y" })).toBe("/y");
  });
});

describe("values", () => {
  const flags = (line: Record<string, string | string[]>): ReturnType<typeof resolveFlags> =>
    resolveFlags(
      "agent",
      [
        { name: "etcd", value: "a", repeat: true, about: "" },
        { name: "label", value: "l", repeat: true, about: "" },
        { name: "region", value: "r", about: "" },
        { name: "zone", value: "z", about: "" },
      ],
      line,
      {},
      undefined,
    );
  const ctx = (line: Record<string, string | string[]>, env: Record<string, string> = {}): never =>
    ({ io: testIo({ env }), flags: flags(line) }) as never;

  it("addresses of etcd", () => {
    expect(etcdHosts(ctx({}))).toEqual(["http://127.0.0.1:2379"]);
    expect(etcdHosts(ctx({}, { ETCD_ENDPOINTS: "10.0.0.1:2379,http://b:1" }))).toEqual(["http://10.0.0.1:2379", "http://b:1"]);
    expect(etcdHosts(ctx({ etcd: ["https://a:2379/", "b:2379"] }))).toEqual(["https://a:2379", "http://b:2379"]);
    expect(() => etcdHosts(ctx({ etcd: ["http://"] }))).toThrow(/expected an address/);
  });

  it("labels, regions and zones", () => {
    expect(labelsOf(ctx({ label: ["disk=ssd", "a=b=c"], region: "eu", zone: "attic" }))).toEqual({
      disk: "ssd",
      a: "b=c",
      "topology.kubernetes.io/region": "eu",
      "topology.kubernetes.io/zone": "attic",
    });
    expect(() => labelsOf(ctx({ label: ["ssd"] }))).toThrow(/expected key=value/);
  });

  it("sockets, node names and addresses", () => {
    expect(socketPath({ cwd: "/x" }, "unix:///run/d.sock", "--docker-host")).toBe("/run/d.sock");
    expect(socketPath({ cwd: "/x" }, "d.sock", "--docker-host")).toBe("/x/d.sock");
    expect(() => socketPath({ cwd: "/x" }, "tcp://h:1", "DOCKER_HOST")).toThrow(/DOCKER_HOST: "tcp:\/\/h:1": only unix sockets/);
    expect(hostNodeName("Ann's Laptop_1.local")).toBe("ann-s-laptop-1.local");
    expect(() => checkNodeName("Nas", "--node-name")).toThrow(/cannot name a node/);
    expect(listenAddress("7443", "--listen", "0.0.0.0")).toEqual({ host: "0.0.0.0", port: 7443 });
    expect(listenAddress("[::1]:1", "--listen", "0.0.0.0")).toEqual({ host: "::1", port: 1 });
    expect(() => listenAddress("a:b", "--listen", "")).toThrow(/expected host:port/);
  });
});

describe("ports", () => {
  it("takes the next free one, or says that the wanted one is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    expect(await choosePort(port, "127.0.0.1", false)).toBeGreaterThan(port);
    await expect(choosePort(port, "127.0.0.1", true)).rejects.toThrow(/is in use/);
    await new Promise((resolve) => taken.close(resolve));
  });
});

describe("the check for Docker", () => {
  it("says what to install when there is no socket, and what to start when nobody answers", async () => {
    await expect(askEngine(join(dir, "no.sock"))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("Docker is not running here") as string,
      help: expect.arrayContaining([expect.stringContaining("apt-get install docker.io")]) as string[],
    });
    writeFileSync(join(dir, "file.sock"), "");
    await expect(askEngine(join(dir, "file.sock"))).rejects.toThrow(/nobody answers|does not answer/);
  });
});

describe("logs on a terminal", () => {
  it("are one-liners", () => {
    const line = (entry: object): string => pretty(`${JSON.stringify(entry)}\n`, style(false));
    const time = "2026-11-21T12:00:01.000Z";
    expect(line({ level: 30, time, msg: "leading", stacks: 3, id: "a b" })).toBe('12:00:01 INFO  leading stacks=3 id="a b"\n');
    expect(line({ level: 50, time, msg: "lost", err: { message: "no route", stack: "long" } })).toBe(
      '12:00:01 ERROR lost error="no route"\n',
    );
    expect(line({ level: 30, time, msg: "x\u001b[2J" })).not.toContain("\u001b");
    expect(pretty("not json\n", style(false))).toBe("not json\n");
  });
});
