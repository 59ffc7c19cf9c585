import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agent } from "../commands/processes.ts";
import { tokenCreate } from "../commands/token.ts";
import type { Context } from "../command.ts";
import { resolveFlags } from "../flags.ts";
import { testIo, type TestIo } from "../testing/io.ts";
import { style } from "../text/style.ts";
import { createToken } from "./token.ts";
import { apiUrl, tunnelFlags } from "./tunnel.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steady-flags-"));
  writeFileSync(join(dir, "n1.token"), "secret\n", { mode: 0o600 });
  writeFileSync(join(dir, "ca.crt"), "-----BEGIN CERTIFICATE-----\n");
  writeFileSync(join(dir, "empty"), "\n", { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true }));

const contextOf = (
  spec: typeof agent,
  line: Record<string, string | string[]>,
  env: Record<string, string> = {},
): Context & { io: TestIo } => {
  const io = testIo({ cwd: dir, env });
  return {
    io,
    flags: resolveFlags(spec.name, spec.flags ?? [], line, env, undefined),
    out: style(false),
    err: style(false),
    file: undefined,
  };
};
const of = (line: Record<string, string | string[]>, env?: Record<string, string>) => tunnelFlags(contextOf(agent, line, env), "n1");
const files = { "token-file": "n1.token", "ca-file": "ca.crt" };

describe("the agent's way to the API", () => {
  it("is none without --server", () => {
    expect(of({})).toBeUndefined();
    expect(() => of({ "token-file": "n1.token" })).toThrow("--server is missing");
  });

  it("is one server or several, from flags or the environment", () => {
    expect(of({ server: ["https://a:7443", "b:1,c"], ...files })).toMatchObject({
      servers: ["https://a:7443", "https://b:1", "https://c"],
      ca: "-----BEGIN CERTIFICATE-----\n",
    });
    const env = { STEADY_SERVER: "https://a:1,https://b:2", STEADY_TOKEN_FILE: "n1.token" };
    const found = of({}, env);
    expect(found).toMatchObject({ servers: ["https://a:1", "https://b:2"] });
    expect(found?.ca).toBeUndefined();
  });

  it("reads the token anew each time", () => {
    const found = of({ server: ["a"], ...files });
    expect(found?.token()).toBe("secret");
    writeFileSync(join(dir, "n1.token"), "renewed");
    expect(found?.token()).toBe("renewed");
  });

  it("warns of a token that others can read", () => {
    chmodSync(join(dir, "n1.token"), 0o644);
    const ctx = contextOf(agent, { server: ["a"], ...files });
    tunnelFlags(ctx, "n1");
    expect(ctx.io.stderr.text).toMatch(/n1.token can be read by others than its owner: chmod 600/);
  });

  it.each<[string, Record<string, string | string[]>, RegExp]>([
    ["no token", { server: ["a"] }, /--server needs --token-file/],
    ["no such file", { server: ["a"], "token-file": "none" }, /--token-file cannot be read: .*none/],
    ["an empty file", { server: ["a"], "token-file": "empty" }, /is empty/],
    ["no certificate", { server: ["a"], ...files, "ca-file": "n1.token" }, /--ca-file n1.token holds no certificate/],
    ["plain HTTP over a network", { server: ["http://10.0.0.1:1"], ...files }, /plain HTTP is for this machine only/],
    ["a path", { server: ["https://a/api"], ...files }, /nothing behind the port/],
    ["another scheme", { server: ["ftp://a"], ...files }, /expected an address such as https/],
  ])("refuses %s", (_, line, message) => expect(() => of(line)).toThrow(message));

  it("takes plain HTTP on this machine", () => {
    expect(apiUrl("http://127.0.0.1:7443", "--server")).toBe("http://127.0.0.1:7443");
    expect(apiUrl("http://[::1]:7443", "--server")).toBe("http://[::1]:7443");
  });
});

describe("steady token create", () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    ["nobody", [], {}, /a name is missing/],
    ["a user and a node", ["ann"], { node: "n1" }, /leave the name or --node out/],
    ["a node with a role", [], { node: "n1", role: "admin" }, /no --role/],
    ["what cannot name a node", [], { node: "N 1" }, /cannot name a node/],
    ["a name that means more than it says", ["system:node:n1"], {}, /"system:" are taken/],
  ])("refuses %s", async (_, args, line, message) => {
    await expect(createToken(contextOf(tokenCreate, line), args)).rejects.toThrow(message);
  });
});
