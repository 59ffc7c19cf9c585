// The documents as the server gives them out, and whether they tell the truth about it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KINDS } from "../kinds/index.ts";
import { type TestApi, testApi } from "../testing/server.ts";
import { GNOSTIC_TYPE } from "./gnostic.ts";
import { operationsOf } from "./operations.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const get = (path: string, accept = "application/json"): Promise<Response> =>
  fetch(new URL(path, t.api.url), { headers: { authorization: `Bearer ${t.token}`, accept }, redirect: "manual" });
const GROUP_PATH = "apis/steadfleet.dev/v1";

/** Subresources that say why not are in no document. */
const isRefused = (l: (typeof t.api.routes.router.stack)[number]): boolean => {
  const policy = t.api.routes.policies.get(l);
  if (policy?.type !== "resource" || policy.subresource === undefined) return false;
  const methods: Record<string, string> = { create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE", get: "GET" };
  return Object.keys(policy.kind.refused ?? {}).some((what) => {
    const [verb = "", subresource] = what.split("/").toReversed();
    return l.methods.includes(methods[verb] ?? "") && policy.subresource === subresource;
  });
};

describe("what is served", () => {
  it("is what the documents say, and nothing else", () => {
    const said = KINDS.flatMap(operationsOf).map((o) => `${o.method.toUpperCase()} ${o.path}`);
    const routes = t.api.routes.router.stack
      .filter((l) => t.api.routes.policies.get(l)?.type === "resource" && !isRefused(l))
      .flatMap((l) => l.methods.filter((m) => m !== "HEAD").map((m) => `${m} ${String(l.path).replaceAll(/:(\w+)/g, "{$1}")}`));
    expect(said.toSorted()).toEqual(routes.toSorted());
  });
});

describe("OpenAPI v3", () => {
  const address = async (): Promise<string> => {
    const { paths } = (await (await get("/openapi/v3")).json()) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(["api/v1", GROUP_PATH]));
    return paths[GROUP_PATH]?.serverRelativeURL ?? "";
  };

  it("may be kept for good under its hashed address", async () => {
    const answer = await get(await address());
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toContain("immutable");
    expect(Date.parse(answer.headers.get("expires") ?? "")).toBeGreaterThan(Date.now() + 300 * 86_400_000);
    expect(await answer.json()).toMatchObject({ openapi: "3.0.0" });
  });

  it("is asked for again without a hash, and found again under an old one", async () => {
    expect((await get(`/openapi/v3/${GROUP_PATH}`)).headers.get("cache-control")).toContain("no-cache");
    const old = await get(`/openapi/v3/${GROUP_PATH}?hash=0123`);
    expect(old.status).toBe(301);
    expect(old.headers.get("location")).toBe(await address());
  });
});

describe("OpenAPI v2", () => {
  it("is protocol buffers for who asks for them, under a type that kubectl can read", async () => {
    const answer = await get("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
    expect(answer.headers.get("content-type")).toBe(GNOSTIC_TYPE);
    expect(Buffer.from(await answer.arrayBuffer()).subarray(0, 5)).toEqual(Buffer.from([0x0a, 3, ...Buffer.from("2.0")]));
  });

  it("is JSON for all others", async () => {
    expect(await (await get("/openapi/v2")).json()).toMatchObject({ swagger: "2.0" });
  });
});

describe("discovery", () => {
  const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

  it.each(["/api", "/apis"])("%s is one document for who knows it", async (path) => {
    const answer = await get(path, `${aggregated},application/json`);
    expect(answer.headers.get("content-type")).toBe(aggregated);
    expect(answer.headers.get("vary")).toContain("Accept");
    expect(await answer.json()).toMatchObject({ kind: "APIGroupDiscoveryList" });
  });

  it.each([
    { path: "/api", kind: "APIVersions" },
    { path: "/apis", kind: "APIGroupList" },
    { path: "/api/v1", kind: "APIResourceList" },
    { path: "/apis/steadfleet.dev", kind: "APIGroup" },
    { path: "/apis/steadfleet.dev/v1", kind: "APIResourceList" },
  ])("$path is $kind for who does not", async ({ path, kind }) => {
    const answer = await get(path, "application/json, */*");
    expect(answer.headers.get("content-type")).toMatch(/^application\/json(; charset=utf-8)?$/);
    expect(await answer.json()).toMatchObject({ kind });
  });
});
