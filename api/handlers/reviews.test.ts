import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken } from "../auth.ts";
import type { User } from "../auth.ts";
import { KINDS } from "../kinds/index.ts";
import { messageField, stringField } from "../openapi/wire.ts";
import { realEnv } from "../../store/env.ts";
import { envelope, protobufBody } from "../testing/protobuf.ts";
import { type Body, type TestApi, testApi } from "../testing/server.ts";
import { METRICS_PATH, OPEN_PATHS, review, rulesOf } from "./reviews.ts";

let t: TestApi;
let reader: string;
beforeAll(async () => {
  t = await testApi();
  reader = await createToken(t.kv, realEnv, { name: "bob", groups: ["system:readers"] });
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
const SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const status = <T>(body: Body): T => body.status as T;
const ask = async (spec: object, token?: string): Promise<{ allowed: boolean; reason: string }> => {
  const { code, text, body } = await t.call("POST", ACCESS, { body: { spec }, ...(token ? { token } : {}) });
  expect(code, text).toBe(201);
  return status(body);
};
const can = async (verb: string, resource: string, token?: string, more: object = {}): Promise<boolean> =>
  (await ask({ resourceAttributes: { verb, resource, ...more } }, token)).allowed;

describe("may I", () => {
  it("is answered for objects", async () => {
    expect(await can("create", "stacks", undefined, { group: "steadfleet.dev" })).toBe(true);
    expect(await can("create", "stacks", reader, { group: "steadfleet.dev" })).toBe(false);
    expect(await can("list", "stacks", reader, { group: "steadfleet.dev", namespace: "x", name: "y" })).toBe(true);
    expect(await can("get", "secrets", reader)).toBe(false);
    expect(await can("*", "*")).toBe(true);
    expect(await can("*", "*", reader)).toBe(false);
    expect(await can("get", "*", reader, { group: "*" })).toBe(false);
  });

  it("is no where nobody could, with what to do instead", async () => {
    const pods = await ask({ resourceAttributes: { verb: "create", resource: "pods" } });
    expect(pods).toMatchObject({ allowed: false, reason: expect.stringContaining("Stack") as string });
    expect(await can("create", "services")).toBe(false);
    expect(await can("patch", "nodes", undefined, { subresource: "status" })).toBe(false);
  });

  it("is answered for paths", async () => {
    const path = (p: string, verb: string, token?: string) =>
      ask({ nonResourceAttributes: { path: p, verb } }, token).then((s) => s.allowed);
    expect(await path("/metrics", "get", reader)).toBe(true);
    expect(await path("/metrics", "post")).toBe(false);
  });

  it("comes from typed clients as protocol buffers", async () => {
    const spec = messageField(2, [
      messageField(1, [stringField(1, "default"), stringField(2, "create"), stringField(3, "steadfleet.dev"), stringField(5, "stacks")]),
    ]);
    const body = envelope("authorization.k8s.io/v1", "SelfSubjectAccessReview", [messageField(1, []), spec]);
    const answer = await t.call("POST", ACCESS, protobufBody(body));
    expect(answer.code, answer.text).toBe(201);
    expect(answer.body.status).toMatchObject({ allowed: true });
  });

  it("must be one question, and a whole one", async () => {
    expect((await t.call("POST", ACCESS, { body: { spec: {} } })).code).toBe(422);
    expect((await t.call("POST", ACCESS, { body: { spec: { resourceAttributes: { verb: "get" } } } })).code).toBe(400);
    expect((await t.call("POST", ACCESS, { body: { spec: { resourceAttributes: { verb: 5 } } } })).code).toBe(422);
    expect((await t.call("POST", ACCESS, { body: {} })).code).toBe(422);
  });
});

describe("what may I", () => {
  it("lists what is allowed, kind by kind", async () => {
    const rules = async (token?: string) => {
      const { body } = await t.call("POST", RULES, { body: { spec: { namespace: "default" } }, ...(token ? { token } : {}) });
      return status<{ resourceRules: { resources: string[]; verbs: string[] }[] }>(body).resourceRules;
    };
    expect((await rules()).find((r) => r.resources[0] === "secrets")?.verbs).toContain("create");
    const of = await rules(reader);
    expect(of.find((r) => r.resources[0] === "secrets")).toBeUndefined();
    expect(of.find((r) => r.resources[0] === "stacks")?.verbs).toEqual(["get", "list", "watch"]);
    expect(of.find((r) => r.resources[0] === "selfsubjectaccessreviews")?.verbs).toEqual(["create"]);
  });

  it("says the same as single questions, and as the routes do", () => {
    const user = (...groups: string[]): User => ({ name: "u", groups, tokenId: "t" });
    for (const u of [user("system:masters"), user("system:readers"), user("system:nodes"), user()]) {
      const listed = new Set(rulesOf(u).flatMap((r) => r.verbs.map((v) => `${v} ${r.apiGroups[0]}/${r.resources[0]}`)));
      for (const { resource: r, verbs, subresources } of KINDS)
        for (const { name, verbs: of } of [{ name: undefined, verbs }, ...subresources])
          for (const verb of of) {
            const { allowed } = review(u, { verb, group: r.group, resource: r.resource, subresource: name });
            expect(listed.has(`${verb} ${r.group}/${r.resource}${name ? `/${name}` : ""}`), `${verb} ${r.resource}/${name}`).toBe(allowed);
          }
    }
    const paths = (type: string): string[] => [...t.api.routes.policies].filter(([, p]) => p.type === type).map(([l]) => String(l.path));
    expect(paths("open").toSorted()).toEqual(OPEN_PATHS.toSorted());
    expect(paths("metrics")).toEqual([METRICS_PATH]);
  });
});

describe("who am I", () => {
  it("is answered to whoever has a token", async () => {
    const { code, body } = await t.call("POST", SELF, { body: {}, token: reader });
    expect(code).toBe(201);
    expect(body.status).toMatchObject({ userInfo: { username: "bob", groups: ["system:readers", "system:authenticated"] } });
    expect((await t.call("POST", SELF, { body: {}, token: null })).code).toBe(401);
  });
});

describe("what has no meaning here", () => {
  it.each([
    ["POST", "/api/v1/namespaces/default/pods", "Stack"],
    ["PATCH", "/api/v1/namespaces/default/pods/x", "Stack"],
    ["PATCH", "/api/v1/nodes/n/status", "agent"],
    ["PUT", "/api/v1/namespaces/x/finalize", "metadata.finalizers"],
    ["POST", "/api/v1/namespaces/default/serviceaccounts/x/token", "steady token create"],
  ])("%s %s says what to do instead", async (method, path, word) => {
    const { code, body } = await t.call(method, path, { body: {} });
    expect(code).toBe(405);
    expect(body.message).toContain(word);
    expect((await t.call(method, path, { body: {}, token: reader })).code).toBe(403);
  });
  it("is named where it is a whole group", async () => {
    const { code, body } = await t.call("POST", "/apis/batch/v1/namespaces/default/jobs", { body: {} });
    expect(code).toBe(404);
    expect(body.message).toContain("batch/v1");
  });
});
