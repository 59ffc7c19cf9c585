import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeNode, fakeNode } from "../../api/testing/fake-node.ts";
import type { ObservedPod } from "../../schemas/fleet.ts";
import { createToken } from "../../api/index.ts";
import { type StreamWorld, streamWorld } from "../../api/testing/streams.ts";
import { realEnv } from "../../store/env.ts";
import { TestApi } from "../testing/api.ts";

const SHOP = "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n  services:\n    web: {image: web:1}\n";
vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });
const patient = { timeout: 20_000 };

let api: TestApi;
let node: FakeNode;
const running = (slot: string): Partial<ObservedPod> => ({ containerId: slot.repeat(64), startedAt: "2026-11-21T12:00:00.000Z" });
beforeAll(async () => {
  node = await fakeNode();
  api = await TestApi.start(node.links);
  api.file("shop.yaml", SHOP);
  await api.steady(["apply", "-f", "shop.yaml", "--detach"]);
  await api.pod("0", { ...running("0"), ready: false });
  await api.pod("1", running("1"));
});
afterAll(async () => {
  await api.close();
  await node[Symbol.asyncDispose]();
});
beforeEach(() => {
  node.refuse = undefined;
  node.programs = {};
});
const sh = (script: string, target = "shop/web", ...flags: string[]) => api.steady(["exec", ...flags, target, "--", "sh", "-c", script]);

describe("exec", () => {
  it("shows output and errors, and ends with the command's exit code", async () => {
    expect(await sh("echo out; echo err >&2; exit 42")).toEqual({ code: 42, stdout: "out\n", stderr: "err\n" });
    expect(await sh("true")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("takes the ready replica of a service, the first of several, or the one that was named", async () => {
    await sh("true");
    expect(node.requests.at(-1)).toContain("/shop-web-1-abcde/");
    await sh("true", "shop");
    expect(node.requests.at(-1)).toContain("/shop-web-1-abcde/");
    await sh("true", "shop/web-0");
    expect(node.requests.at(-1)).toContain("/shop-web-0-abcde/");
    await sh("true", "pod/shop-web-0-abcde");
    expect(node.requests.at(-1)).toContain("/shop-web-0-abcde/");
    await api.pod("2", running("2"));
    await expect.poll(async () => (await sh("true")).stderr, patient).toBe("in web-1 on laptop, one of 2 that are ready\n");
    await api.noPod("2");
    await expect.poll(async () => (await sh("true")).stderr, patient).toBe("");
  });

  it("hands over standard input to its end", async () => {
    const io = api.io();
    io.input.type("hello ");
    const reading = api.steady(["exec", "-i", "shop/web", "--", "cat"], {}, io);
    await expect.poll(() => io.stdout.text, patient).toBe("hello ");
    io.input.type("there");
    await expect.poll(() => io.stdout.text, patient).toBe("hello there");
    io.input.end();
    expect((await reading).code).toBe(0);
    expect(io.input.modes).toEqual([]);
  });

  it("gives the command a terminal of this one's size, and puts this one back", async () => {
    const io = api.io();
    io.input.isTTY = true;
    let sizes: string[] = [];
    node.programs["top"] = (p) =>
      new Promise((resolve) => {
        sizes = p.sizes;
        p.stdin.on("data", (key: Buffer) => {
          p.stdout.write(`<${String(key)}>`);
          if (String(key) === "\u0003") resolve({ exitCode: 130 });
        });
      });
    const reading = api.steady(["exec", "-it", "shop/web", "--", "top"], {}, io);
    await expect.poll(() => sizes, patient).toEqual(["100x30"]);
    expect(io.input.modes).toEqual([true]);
    io.stdout.columns = 120;
    io.input.resize();
    await expect.poll(() => sizes, patient).toEqual(["100x30", "120x30"]);
    io.input.type("\u0003");
    expect((await reading).code).toBe(130);
    expect(io.stdout.text).toBe("<\u0003>");
    expect(io.input.modes).toEqual([true, false]);
  });

  it("goes on without a terminal where there is none", async () => {
    const ran = await sh("echo hi", "shop/web", "-it");
    expect(ran).toEqual({ code: 0, stdout: "hi\n", stderr: "standard input is no terminal: going on without one (leave -t out)\n" });
  });

  it("Ctrl-C without a terminal ends it with 130, and the command with it", async () => {
    const io = api.io();
    const reading = api.steady(["exec", "shop/web", "--", "sh", "-c", "echo began; sleep 60"], {}, io);
    await expect.poll(() => io.stdout.text, patient).toBe("began\n");
    io.stop.abort();
    expect((await reading).code).toBe(130);
    await expect.poll(() => node.open.size, patient).toBe(0);
  });

  it("says what went wrong", async () => {
    node.programs["lost"] = async () => ({ error: "the node restarted" });
    expect(await api.steady(["exec", "shop/web", "lost"])).toMatchObject({ code: 5, stderr: "error: lost in web-1: the node restarted\n" });
    expect(await sh("true", "shop/web", "-c", "db")).toMatchObject({ code: 5, stderr: expect.stringContaining("it has: web") as string });
    expect(await sh("true", "shop/wbe")).toMatchObject({ code: 5, stderr: expect.stringContaining("Did you mean: shop/web?") as string });
    expect(await api.steady(["exec", "shop/web", "ls", "-l"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("flags of the command itself come behind --: steady exec -it shop/web -- sh") as string,
    });
    expect(await api.steady(["exec", "shop/web"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("missing required argument command") as string,
    });
    node.refuse = { status: 503, error: { reason: "ServiceUnavailable", message: "the engine is away" } };
    expect(await sh("true")).toMatchObject({ code: 5, stderr: "error: the engine is away\n" });
    node.refuse = undefined;
    await api.pod("1", { phase: "Pending", state: "absent", ready: false, reason: "Pulling" });
    await api.pod("0", { phase: "Pending", state: "absent", ready: false, reason: "Pulling" });
    await expect
      .poll(() => sh("true"), patient)
      .toMatchObject({
        code: 5,
        stderr: "error: no replica of shop/web runs in namespace default\n  help: web-0: Pulling\n  help: web-1: Pulling\n",
      });
    expect(await sh("true", "shop-web-0-abcde")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("is not running: Pulling") as string,
    });
    await api.pod("0", { ...running("0"), ready: false });
    await api.pod("1", running("1"));
  });
});

describe("exec over TLS", () => {
  let w: StreamWorld;
  beforeAll(async () => {
    w = await streamWorld({ tls: true });
    await w.putPod("web-0");
  });
  afterAll(() => w[Symbol.asyncDispose]());
  const at = async (token: string, ca: string) => {
    const cluster = `{server: "${w.t.api.url}", certificate-authority-data: ${Buffer.from(ca).toString("base64")}}`;
    api.file(
      "tls",
      `contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\nclusters: [{name: x, cluster: ${cluster}}]\nusers: [{name: x, user: {token: ${token}}}]\n`,
    );
    return api.steady(["exec", "--kubeconfig", "tls", "pod/web-0", "--", "sh", "-c", "echo safe; exit 4"]);
  };

  it("trusts the context's CA only, and is for admins only", async () => {
    const { caPem } = w.t.api;
    expect(await at(w.t.token, caPem)).toEqual({ code: 4, stdout: "safe\n", stderr: "" });
    const reader = await createToken(w.t.kv, realEnv, { name: "bob", groups: ["system:readers"] });
    expect(await at(reader, caPem)).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("bob") as string });
    const other = await streamWorld({ tls: true });
    expect(await at(w.t.token, other.t.api.caPem)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("has a certificate that the context's CA did not sign") as string,
    });
    await other[Symbol.asyncDispose]();
  });
});
