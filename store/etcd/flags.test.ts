import { describe, expect, it } from "vitest";
import { etcdFlags, parseVersion } from "./flags.ts";

const flags = (version: string) => etcdFlags({ version: parseVersion(version), name: "n", dataDir: "/d", client: 1, peer: 2 }).join(" ");

describe("etcd's command line", () => {
  it("reads versions", () => {
    expect(parseVersion("etcd Version: 3.4.23\nGit SHA: x\n")).toEqual({ text: "3.4.23", major: 3, minor: 4 });
    expect(parseVersion("3.6.0-rc.1")).toEqual({ text: "3.6.0-rc.1", major: 3, minor: 6 });
    for (const bad of ["", "hello", "etcd Version: 3.3.27", "etcd Version: 4.0.0"]) expect(() => parseVersion(bad)).toThrow(/etcd/);
  });
  it.each([
    { version: "3.4.23", has: ["--experimental-watch-progress-notify-interval=5s", "--enable-v2=false"], hasNot: [" --watch-progress"] },
    { version: "3.5.16", has: ["--experimental-watch-progress-notify-interval=5s"], hasNot: ["--enable-v2"] },
    { version: "3.6.4", has: ["--watch-progress-notify-interval=5s"], hasNot: ["--experimental", "--enable-v2"] },
  ])("fits etcd $version", ({ version, has, hasNot }) => {
    const line = flags(version);
    for (const f of [
      ...has,
      "--auto-compaction-retention=10m",
      "--quota-backend-bytes=8589934592",
      "--listen-client-urls=http://127.0.0.1:1",
    ])
      expect(line).toContain(f);
    for (const f of hasNot) expect(line).not.toContain(f);
  });
});
