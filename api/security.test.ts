// What an attacker or a broken client sends. Each case: the code, the word, and a server that lives on.
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { createToken, revokeToken } from "./auth.ts";
import { startApi } from "./server.ts";
import { STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

const CMS = "/api/v1/namespaces/default/configmaps";
const SECRETS = "/api/v1/namespaces/default/secrets";
const lines: string[] = [];
let t: TestApi;
let reader: string;
let nobody: string;
beforeAll(async () => {
  t = await testApi({ log: (l) => lines.push(l) });
  reader = await createToken(t.kv, realEnv, { name: "eve", groups: ["system:readers"] });
  nobody = await createToken(t.kv, realEnv, { name: "bob", groups: [] });
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

describe("default deny", () => {
  it("every route has a policy", () => {
    const { router, policies } = t.api.routes;
    expect(router.stack.length).toBeGreaterThan(40);
    for (const layer of router.stack) expect(policies.get(layer), `${layer.methods.join()} ${String(layer.path)}`).toBeDefined();
    const open = router.stack.filter((l) => policies.get(l)?.type === "open").map((l) => String(l.path));
    expect(open.toSorted()).toEqual(["/healthz", "/livez", "/readyz", "/version"]);
  });

  it("every route but the open ones refuses strangers and forged tokens", async () => {
    const forged = `${t.token.slice(0, -1)}${t.token.endsWith("0") ? "1" : "0"}`;
    for (const layer of t.api.routes.router.stack) {
      const path = String(layer.path).replaceAll(/:\w+/g, "default");
      const method = layer.methods.find((m) => m !== "HEAD") ?? "GET";
      const open = t.api.routes.policies.get(layer)?.type === "open";
      for (const token of [null, forged, "steady_x_y", "nonsense"]) {
        const r = await t.call(method, path, { token });
        expect([path, r.code]).toEqual([path, open ? 200 : 401]);
        if (!open) expect(r.body).toMatchObject({ kind: "Status", code: 401, reason: "Unauthorized" });
      }
    }
    expect((await t.call("GET", "/no/such/path", { token: null })).code).toBe(401);
    expect((await t.call("GET", "/no/such/path")).body).toMatchObject({ kind: "Status", code: 404 });
    expect((await t.call("PUT", STACKS)).code).toBe(405);
  });

  it("readers read all but secrets and write nothing; a token without groups does discovery only", async () => {
    await t.call("POST", STACKS, { body: stack("policy") });
    for (const path of [STACKS, `${STACKS}/policy`, "/api/v1/pods", "/api/v1/nodes", "/metrics"])
      expect((await t.call("GET", path, { token: reader })).code).toBe(200);
    for (const path of [SECRETS, `${SECRETS}/x`, "/api/v1/secrets", `${SECRETS}?watch=true`])
      expect((await t.call("GET", path, { token: reader })).code).toBe(403);
    const denied = [
      ["POST", STACKS],
      ["PUT", `${STACKS}/policy`],
      ["PATCH", `${STACKS}/policy`],
      ["DELETE", `${STACKS}/policy`],
      ["DELETE", STACKS],
      ["PATCH", `${STACKS}/policy/status`],
    ] as const;
    for (const [method, path] of denied) expect((await t.call(method, path, { token: reader, body: {} })).code).toBe(403);
    expect((await t.call("GET", "/apis", { token: nobody })).code).toBe(200);
    expect((await t.call("GET", "/metrics", { token: nobody })).code).toBe(403);
    expect((await t.call("GET", "/api/v1/namespaces/default/pods", { token: nobody })).body.message).toBe(
      'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  it("a revoked token is worth nothing", async () => {
    const token = await createToken(t.kv, realEnv, { name: "x", groups: ["system:masters"] });
    expect((await t.call("GET", STACKS, { token })).code).toBe(200);
    await revokeToken(t.kv, token);
    await expect.poll(async () => (await t.call("GET", STACKS, { token })).code, { timeout: 20_000 }).toBe(401);
  });

  it("keeps hashes of tokens only", async () => {
    const { items } = await t.kv.range("/steadfleet/auth/tokens/");
    expect(items.length).toBeGreaterThan(0);
    for (const i of items) for (const token of [t.token, reader]) expect(i.value).not.toContain(token.split("_")[2]);
  });

  it("refuses impersonation, and tokens in the URL", async () => {
    expect((await t.call("GET", STACKS, { headers: { "Impersonate-User": "root" } })).code).toBe(403);
    expect((await t.call("GET", STACKS, { headers: { "impersonate-extra-x": "root" } })).code).toBe(403);
    for (const q of [`x=${t.token}`, "access_token=abc", `token=${encodeURIComponent(t.token)}`])
      expect((await t.call("GET", `${STACKS}?${q}`, { token: null })).body).toMatchObject({
        code: 400,
        message: expect.stringMatching(/^TokenInUrl/),
      });
    expect(lines.join("\n")).not.toContain(t.token);
  });

  it("plain HTTP beyond loopback is refused", async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1"])
      await expect(
        startApi({
          kv: t.kv,
          env: realEnv,
          log: undefined as never,
          dataDir: "/nonexistent",
          host,
          port: 0,
          insecureHttp: true,
          version: "0",
        }),
      ).rejects.toThrow(/loopback/);
  });
});

describe("abuse", () => {
  const post = (raw: string | Buffer, headers: Record<string, string> = {}, path = CMS) => t.call("POST", path, { raw, headers });
  const ok = async (): Promise<void> => expect((await t.call("GET", "/livez", { token: null })).text).toBe("ok");

  it.each<[string, () => Promise<{ code: number; body: { message: string } }>, number, RegExp]>([
    ["B-01 5 MiB of JSON", () => post(`{"a":"${"x".repeat(5 << 20)}"}`), 413, /BodyTooLarge: limit is 1048576 bytes/],
    ["B-03 a compressed body", () => post(gzipSync("x".repeat(1 << 20)), { "Content-Encoding": "gzip" }), 415, /EncodingNotSupported/],
    ["B-04 endless nesting", () => post("[".repeat(100_000)), 400, /TooDeep.*64/],
    ["B-05 YAML", () => post("kind: ConfigMap", { "Content-Type": "application/yaml" }), 415, /UseJson/],
    ["B-06 YAML brackets", () => post("[".repeat(20_000), { "Content-Type": "application/yaml" }), 415, /UseJson/],
    ["B-09 a key given twice", () => post('{"kind":"ConfigMap","kind":"Secret"}'), 400, /DuplicateKey/],
    ["B-10 __proto__", () => post('{"__proto__":{"isAdmin":true}}'), 400, /ForbiddenKey/],
    ["B-10 constructor", () => post('{"metadata":{"labels":{"constructor":{"prototype":{"x":1}}}}}'), 400, /ForbiddenKey/],
    ["many values", () => post(`{"data":[${"0,".repeat(60_000)}0]}`), 400, /TooManyNodes/],
    ["a body that is no object", () => post("[]"), 400, /not a JSON object/],
    ["a body of nothing", () => post(""), 400, /Malformed/],
    ["not UTF-8", () => post(Buffer.from([0x22, 0xff, 0x22])), 400, /UTF-8/],
    [
      "forged protobuf",
      () =>
        post(Buffer.from("k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", "latin1"), {
          "Content-Type": "application/vnd.kubernetes.protobuf",
        }),
      400,
      /protocol buffer/,
    ],
    ["no namespace like that", () => post("{}", {}, "/api/v1/namespaces/..%2f..%2fnodes/configmaps"), 404, /not found/],
  ])("%s", async (_name, send, code, message) => {
    const r = await send();
    expect([r.code, r.body.message]).toEqual([code, expect.stringMatching(message)]);
    await ok();
  });

  it("B-02 a body without end loses its connection", async () => {
    const { port } = new URL(t.api.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `POST ${CMS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${t.token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    let answer = "";
    socket.on("data", (d: Buffer) => (answer += d.toString()));
    socket.on("error", () => {});
    const closed = new Promise<void>((r) => socket.on("close", () => r()));
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", more);
    more();
    await closed;
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    await ok();
  });

  it.each(["a/b", "../../nodes/n2", "a\u0000b", "\u202eevil", "x".repeat(300), "Ａ", "UPPER", "-a", "a..b", ""])(
    "B-13 name %j",
    async (name) => {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
      const r = await t.call("POST", CMS, { body });
      expect([r.code, r.body.details.causes?.some((c) => c.field.startsWith("metadata.name"))]).toEqual([422, true]);
      if (name === "") return;
      for (const method of ["GET", "DELETE"]) expect((await t.call(method, `${CMS}/${encodeURIComponent(name)}`)).code).toBe(404);
      const before = (await t.kv.status()).revision;
      expect((await t.call("PUT", `${CMS}/${encodeURIComponent(name)}`, { body })).code).toBe(404);
      expect((await t.kv.status()).revision).toBe(before);
    },
  );

  it("hides nothing of a header that is too long, and takes long ones for exec", async () => {
    expect((await t.call("GET", `${STACKS}?command=${"x".repeat(30_000)}`)).code).toBe(200);
    expect((await t.call("GET", `${STACKS}?command=${"x".repeat(70_000)}`)).code).toBe(431);
  });
});

describe("when etcd is away", () => {
  it("says so, with when to try again, and recovers", async () => {
    const { MemoryKv } = await import("../store/memory.ts");
    const kv = new MemoryKv(realEnv);
    const other = await testApi({ kv });
    kv.partition(true);
    const r = await other.call("GET", STACKS);
    expect(r.body).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
    expect(r.headers["retry-after"]).toBe("1");
    expect((await other.call("GET", "/readyz", { token: null })).code).toBe(500);
    expect((await other.call("GET", "/livez", { token: null })).code).toBe(200);
    kv.partition(false);
    expect((await other.call("GET", STACKS)).code).toBe(200);
    kv.loseReplies(1);
    expect((await other.call("POST", STACKS, { body: stack("maybe") })).body).toMatchObject({
      code: 504,
      message: expect.stringMatching(/may or may not/),
    });
    await other[Symbol.asyncDispose]();
  });
});

describe("audit", () => {
  it("tells who did what, without bodies", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "audited" }, stringData: { password: "hunter2" } };
    await t.call("POST", SECRETS, { body: secret });
    await t.call("DELETE", `${SECRETS}/audited`, { token: reader });
    const audit = lines.map((l) => JSON.parse(l) as Record<string, unknown>).filter((l) => l["audit"] === true && l["name"] === "audited");
    expect(audit).toEqual([
      expect.objectContaining({ user: "admin", verb: "create", resource: "secrets", namespace: "default", code: 201 }),
      expect.objectContaining({ user: "eve", verb: "delete", resource: "secrets", code: 403 }),
    ]);
    expect(lines.join("\n")).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});
