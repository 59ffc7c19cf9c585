import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { COMMANDS } from "./commands/index.ts";
import { LAST_APPLIED } from "./kube/merge.ts";
import { run } from "./run.ts";
import { TestApi } from "./testing/api.ts";
import { testIo } from "./testing/io.ts";
import type { Stack } from "../schemas/types.ts";
import { RESOURCES } from "../schemas/resources.ts";

const SHOP = "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n  services:\n    web:\n      image: web:1\n";
const HEALTHY: NonNullable<Stack["status"]> = {
  health: "Healthy",
  revision: 1,
  progress: 100,
  ready: "1/1",
  conditions: [],
  services: { web: { mode: "replicated", desired: 1, updated: 1, ready: 1, image: "web:1" } },
};

const patient = { timeout: 20_000 };
vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.close());

const local = async (args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> => {
  const io = testIo({ env });
  return { code: await run(args, io, COMMANDS), out: io.stdout.text, err: io.stderr.text };
};

describe("usage", () => {
  const rows: [args: string[], code: number, said: RegExp][] = [
    [[], 2, /^Steadfleet:/],
    [["--help"], 0, /^Steadfleet:/],
    [["help", "up"], 0, /^Deploy the folder's/],
    [["up", "--help"], 0, /^Deploy the folder's/],
    [["node"], 2, /^steady node: one of\n {2}node ls/],
    [["node", "--help"], 0, /^steady node: one of/],
    [["--version"], 0, /^steady \d+\.\d+\.\d+/],
    [["statsu"], 2, /^error: unknown command "statsu"\. Did you mean: status\?/],
    [["node", "lss"], 2, /^error: unknown command "node lss"\. Did you mean: node ls\?/],
    [["frobnicate"], 2, /^error: unknown command "frobnicate"\.\n {2}help: steady --help/],
    [["--frob"], 2, /unknown flag --frob/],
    [["get"], 2, /missing required argument kind\n {2}help: steady get stacks/],
    [["get", "pods", "--ouput", "json"], 2, /unknown flag --ouput\. Did you mean --output\?/],
    [["get", "pods", "-o", "xml"], 2, /--output: expected one of wide, json, yaml, name; got "xml"/],
    [["get", "podss"], 3, /no cluster is chosen/],
    [["status", "a", "b"], 2, /too many arguments/],
    [["apply", "--timeout", "soon", "-f", "x"], 3, /no cluster/],
  ];
  it.each(rows)("steady %j → %d", async (args, code, said) => {
    const ran = await local(args);
    expect(ran.out + ran.err).toMatch(said);
    expect(ran.code).toBe(code);
    // Help that was asked for is data; everything else is not.
    expect(code === 0 ? ran.err : ran.out).toBe("");
  });
});

describe("flags, environment and file", () => {
  const color = async (args: string[], env: Record<string, string>, config?: string): Promise<string> => {
    const io = testIo({ env: { ...env, ...(config === undefined ? {} : { STEADY_CONFIG: join(api.dir, "config.yaml") }) } });
    if (config !== undefined) writeFileSync(join(api.dir, "config.yaml"), config);
    let seen = "";
    const spec = {
      ...(COMMANDS.find((c) => c.name === "ps") as (typeof COMMANDS)[number]),
      run: async (ctx: Parameters<(typeof COMMANDS)[number]["run"]>[0]) =>
        void (seen = `${ctx.flags.str("color")} ${ctx.flags.str("namespace")}`),
    };
    const code = await run(["ps", ...args], io, [spec]);
    return code === 0 ? seen : io.stderr.text;
  };

  it("flag beats environment beats the command's section beats the file beats the default", async () => {
    const file = "color: always\nnamespace: file\nps: {namespace: section}\n";
    expect(await color(["-n", "flag"], { STEADY_NAMESPACE: "env" }, file)).toBe("always flag");
    expect(await color([], { STEADY_NAMESPACE: "env" }, file)).toBe("always env");
    expect(await color([], {}, file)).toBe("always section");
    expect(await color([], {}, "namespace: file")).toBe("auto file");
    expect(await color([], {})).toBe("auto undefined");
  });

  it("says where a wrong value or key came from", async () => {
    expect(await color([], { STEADY_COLOR: "alwys" })).toContain(
      'error: STEADY_COLOR: expected one of auto, always, never; got "alwys"\n  help: did you mean always?',
    );
    expect(await color([], {}, "colour: never")).toMatch(/config\.yaml: unknown key "colour"\n {2}help: did you mean color\?/);
    expect(await color([], {}, "ps: {namspace: x}")).toMatch(/unknown key "ps.namspace"\n {2}help: did you mean ps.namespace\?/);
    expect(await color([], {}, "color: [a]")).toMatch(/config\.yaml: color: expected a single value/);
    expect(await color([], {}, "a: [")).toMatch(/config\.yaml: /);
    expect(await color(["--config", "/nope.yaml"], {})).toMatch(/cannot read the configuration file \/nope\.yaml/);
  });

  it("the file is found in XDG_CONFIG_HOME", async () => {
    mkdirSync(join(api.dir, "xdg/steadfleet"), { recursive: true });
    writeFileSync(join(api.dir, "xdg/steadfleet/config.yaml"), "namespace: xdg");
    expect(await color([], { XDG_CONFIG_HOME: join(api.dir, "xdg") })).toBe("auto xdg");
  });
});

describe("against an API", () => {
  it("applies, finds nothing to change, and changes", async () => {
    api.file("shop.yaml", SHOP);
    expect(await api.steady(["apply", "-f", "shop.yaml", "--detach"])).toEqual({
      code: 0,
      stdout: "stack.steadfleet.dev/shop created\n",
      stderr: "",
    });
    expect(await api.steady(["apply", "-f", "shop.yaml", "--detach"])).toEqual({
      code: 0,
      stdout: "stack.steadfleet.dev/shop unchanged\n",
      stderr: "",
    });
    const before = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
    api.file("shop.yaml", SHOP.replace("web:1", "web:2"));
    expect((await api.steady(["apply", "-f", "shop.yaml", "--detach", "-o", "name"])).stdout).toBe("stack.steadfleet.dev/shop\n");
    const after = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
    expect(after.metadata.generation).toBe((before.metadata.generation ?? 0) + 1);
    expect(after.metadata.annotations?.[LAST_APPLIED]).toContain('"image":"web:2"');
    api.file("shop.yaml", SHOP);
  });

  it("a dry run and a plan change nothing", async () => {
    const before = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
    expect((await api.steady(["apply", "-f", "shop.yaml", "--dry-run"])).stdout).toBe(
      "stack.steadfleet.dev/shop configured (server dry run)\n",
    );
    const plan = await api.steady(["plan", "-f", "shop.yaml", "--exit-code"]);
    expect(plan.code).toBe(1);
    expect(plan.stdout).toBe(
      [
        "shop ← shop.yaml    context test",
        "  + web  create 1  web:1",
        "      create web-0 on laptop",
        "  + network shop_default on laptop",
        "Plan: services: 1 to create; containers: 1 to create.",
        "",
      ].join("\n"),
    );
    const json = JSON.parse((await api.steady(["plan", "-f", "shop.yaml", "-o", "json"])).stdout) as { v: number; differs: boolean };
    expect(json).toMatchObject({
      v: 1,
      differs: true,
      stacks: [{ stack: "shop", action: "change", services: [{ name: "web", effect: "create" }] }],
    });
    expect(await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).toEqual(before);
  });

  it("waits, and ends with 0 when it is healthy", async () => {
    await api.pod("0");
    await expect.poll(async () => (await api.steady(["ps"])).stdout, patient).toContain("Healthy");
    const waiting = api.steady(["apply", "-f", "shop.yaml", "--progress", "plain"]);
    await expect
      .poll(async () => (await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).metadata.generation, patient)
      .toBeGreaterThan(2);
    await api.status("shop", HEALTHY);
    const { code, stdout, stderr } = await waiting;
    expect(code).toBe(0);
    expect(stdout).toBe("stack.steadfleet.dev/shop configured\n");
    expect(stderr).toMatch(/shop web-0 laptop Healthy\n[\s\S]*✔ shop is Healthy: 1\/1 replicas, revision 1/);
  });

  it("ends with 5 when waiting cannot help, with the log", async () => {
    await api.status("shop", { ...HEALTHY, health: "Degraded", progress: 10, ready: "0/1" });
    await api.pod("0", {
      phase: "Pending",
      state: "restarting",
      ready: false,
      reason: "CrashLoopBackOff",
      message: "exited 4 times, last with code 3",
      restarts: 4,
      exitCode: 3,
      finishedAt: "2026-11-21T12:00:00Z",
      logTail: ["FATAL no database"],
    });
    const { code, stderr } = await api.steady(["apply", "-f", "shop.yaml", "--progress", "quiet"]);
    expect(stderr).toBe(
      [
        "✖ shop failed",
        "  web-0 on laptop: CrashLoopBackOff: exited 4 times, last with code 3, 4 restarts",
        "    last lines of its log:",
        "    | FATAL no database",
        "Next: steady status shop",
        "",
      ].join("\n"),
    );
    expect(code).toBe(5);
  });

  it("ends with 7 at the timeout", async () => {
    await api.pod("0", {
      ready: false,
      phase: "Pending",
      state: "created",
      reason: "WaitingForDependency",
      message: "db is not healthy yet",
    });
    const { code, stderr } = await api.steady(["apply", "-f", "shop.yaml", "--progress", "quiet", "--timeout", "1s"]);
    expect(stderr).toMatch(/still progressing after \ds[\s\S]*waiting for web-0: WaitingForDependency/);
    expect(code).toBe(7);
  });

  it("ends with 130 at Ctrl-C, and says how to go on", async () => {
    const io = api.io();
    const waiting = api.steady(["apply", "-f", "shop.yaml"], {}, io);
    await expect.poll(() => io.stderr.text, patient).toContain("shop started");
    io.stop.abort();
    expect((await waiting).code).toBe(130);
    expect(io.stderr.text).toMatch(/Rollout continues\. Reattach: steady status shop --watch\n$/);
  });

  it("shows tables, objects, names, trees and replicas", async () => {
    await api.pod("0");
    await api.status("shop", HEALTHY);
    await expect
      .poll(async () => (await api.steady(["status", "shop"])).stdout, patient)
      .toMatch(/✔ Healthy[\s\S]*web-0 {2}laptop {2}✔ Healthy/);
    expect((await api.steady(["get", "stacks"])).stdout).toMatch(/^NAME +READY.*\nshop +1\/1/);
    expect((await api.steady(["get", "stk", "-A", "--no-headers"])).stdout).toMatch(/^default +shop/);
    expect((await api.steady(["get", "stack/shop", "-o", "name"])).stdout).toBe("stack.steadfleet.dev/shop\n");
    expect(JSON.parse((await api.steady(["get", "stack", "shop", "-o", "json"])).stdout)).toMatchObject({
      kind: "Stack",
      metadata: { name: "shop" },
    });
    const yaml = (await api.steady(["get", "stack", "shop", "-o", "yaml"])).stdout;
    expect(yaml).toContain("\n  name: shop\n");
    expect(yaml).not.toContain("managedFields");
    expect((await api.steady(["get", "stack", "shop", "-o", "yaml", "--show-managed-fields"])).stdout).toContain("manager: steady");
    expect((await api.steady(["get", "all"])).stdout).toMatch(/pod\/shop-web-0-abcde[\s\S]*stack\.steadfleet\.dev\/shop/);
    expect((await api.steady(["get", "all"])).stdout).not.toContain("deployment");
    expect((await api.steady(["get", "deploy"])).stdout).toMatch(/^NAME +READY +UP-TO-DATE.*\nshop-web +/);
    expect((await api.steady(["ps", "shop"])).stdout).toMatch(/^STACK +REPLICA +NODE +STATE.*\nshop +web-0 +laptop +Healthy +0 /);
    expect((await api.steady(["status", "shop"])).stdout).toMatch(
      /^shop {2}✔ Healthy[^\n]*\n└─ web {2}1\/1 {2}✔ Healthy {2}web:1\n {3}└─ web-0 {2}laptop/,
    );
    expect((await api.steady(["get", "stacks", "-n", "empty"])).stderr).toBe("No stacks found in namespace empty.\n");
    expect((await api.steady(["get", "podz"])).stderr).toContain('"podz" is no kind here. Did you mean: pods?');
    expect(await api.steady(["get", "stack", "nope"])).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining('stacks.steadfleet.dev "nope" not found') as string,
    });
  });

  it("status --exit-code says whether all is well", async () => {
    expect((await api.steady(["status", "--exit-code"])).code).toBe(0);
    await api.status("shop", { ...HEALTHY, health: "Degraded" });
    expect((await api.steady(["status", "--exit-code"])).code).toBe(1);
    await api.status("shop", HEALTHY);
  });

  it("names what is near", async () => {
    expect(await api.steady(["status", "shpo"])).toMatchObject({
      code: 5,
      stderr: 'error: no stack "shpo" in namespace default. Did you mean: shop?\n',
    });
    expect(await api.steady(["delete", "shpo"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("Did you mean: shop?") as string,
    });
  });

  it("up asks before something that runs is replaced, and changes nothing without an answer", async () => {
    api.file("compose.yaml", "name: shop\nservices: {web: {image: web:3}}\n");
    const { metadata } = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
    expect(await api.steady(["up"])).toMatchObject({ code: 2, stderr: expect.stringContaining("say --yes") as string });
    expect(await api.steady(["up"], { answer: "n" })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("nothing was changed") as string,
    });
    expect((await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).metadata.resourceVersion).toBe(metadata.resourceVersion);
    expect(await api.steady(["up", "--detach"], { answer: "" })).toMatchObject({
      code: 0,
      stdout: "stack.steadfleet.dev/shop configured\n",
    });
  });

  it("an invalid manifest is refused here, with exit 2 and nothing sent", async () => {
    const { metadata } = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
    api.file("bad.yaml", SHOP.replace("image: web:1", "imgae: web:9"));
    const { code, stdout, stderr } = await api.steady(["apply", "-f", "bad.yaml"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('did you mean "image"?');
    expect((await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it("--volumes needs consent, and writes it down before it deletes", async () => {
    expect(await api.steady(["delete", "shop", "--volumes"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("say --yes") as string,
    });
    expect(await api.steady(["delete", "shop", "--volumes"], { answer: "n" })).toMatchObject({ code: 4 });
    expect((await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).spec["x-steadfleet"]).toBeUndefined();
    expect(await api.steady(["delete", "shop", "--volumes", "--yes", "--timeout", "10ms"])).toMatchObject({
      code: expect.any(Number) as number,
    });
    const left = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop").catch(() => undefined);
    if (left)
      expect(left).toMatchObject({
        spec: { "x-steadfleet": { reclaim: "Delete" } },
        metadata: { deletionTimestamp: expect.any(String) as string },
      });
  });

  it("several objects: namespaces before what is in them, and one refusal does not hold up the others", async () => {
    api.file(
      "all.yaml",
      `${SHOP.replace("name: shop", "name: a, namespace: team")}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n---\n${SHOP.replace("name: shop", "name: b, namespace: missing")}`,
    );
    const { code, stdout, stderr } = await api.steady(["apply", "-f", "all.yaml", "--detach"]);
    expect(stdout).toBe("namespace/team created\nstack.steadfleet.dev/a created\n");
    expect(stderr).toMatch(/stack\.steadfleet\.dev\/b: namespaces "missing" not found/);
    expect(code).toBe(2);
  });

  it("a watch shows changes until it is stopped", async () => {
    const io = api.io();
    const watching = api.steady(["get", "namespaces", "-w", "-o", "name"], {}, io);
    await expect.poll(() => io.stdout.text, patient).toContain("namespace/default");
    api.file("late.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: late}\n");
    await api.steady(["apply", "-f", "late.yaml"]);
    await expect.poll(() => io.stdout.text, patient).toContain("namespace/late");
    io.stop.abort();
    expect((await watching).code).toBe(130);
  });

  it("exit 3: no API, a wrong token, no such context", async () => {
    const kubeconfig = (name: string, server: string, token: string): string =>
      api.file(
        name,
        `contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\nclusters: [{name: x, cluster: {server: "${server}"}}]\nusers: [{name: x, user: {token: "${token}"}}]\n`,
      );
    const at = (name: string): string[] => ["get", "stacks", "--kubeconfig", name];
    expect(await api.steady(at(kubeconfig("k1", "http://127.0.0.1:1", "x")))).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/cannot be reached: connection refused\n {2}help: containers on the nodes keep running/) as string,
    });
    expect(await api.steady(at(kubeconfig("k2", api.url, "steady_x_y")))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("the token of this context is not known here") as string,
    });
    expect(await api.steady(at(kubeconfig("k3", api.url.replace("http", "https"), "x")))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("does not speak TLS") as string,
    });
    expect(await api.steady(["get", "stacks", "--context", "tets"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("Did you mean: test?") as string,
    });
  });

  it("version asks both sides", async () => {
    expect((await api.steady(["version"])).stdout).toMatch(/^steady \d+\.\d+\.\d+\nserver .*9\.9\.9\n$/);
  });
});
