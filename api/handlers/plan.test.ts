import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackPlan } from "../../schemas/types.ts";
import { STACKS, type TestApi, testApi } from "../testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
  expect((await t.call("POST", STACKS, { body: stack("shop", { web: { image: "a:1" } }) })).code).toBe(201);
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const stack = (name: string, services: object, metadata: object = {}): object => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name, ...metadata },
  spec: { services },
});
const ask = (name: string, of: object, o: object = {}) =>
  t.call("POST", `${STACKS}/${name}/plan`, { body: { apiVersion: "steadfleet.dev/v1", kind: "StackPlan", spec: { stack: of } }, ...o });

describe("stacks/plan", () => {
  it("says what would happen, of a Stack that is there and of one that is not, and stores nothing", async () => {
    const before = (await t.call("GET", `${STACKS}/shop`)).body.metadata;
    const changed = await ask("shop", stack("shop", { web: { image: "a:2" } }));
    expect(changed.code, changed.text).toBe(200);
    const { status } = changed.body as unknown as StackPlan;
    expect(status).toMatchObject({ uid: before.uid, resourceVersion: before.resourceVersion, volumes: [] });
    expect(status?.services).toMatchObject([{ name: "web", effect: "update", changes: [{ path: "image", from: "a:1", to: "a:2" }] }]);
    // There is no node yet.
    expect(status?.problems).toEqual([expect.stringMatching(/^web: /)]);
    expect((await t.call("GET", `${STACKS}/shop`)).body.metadata.resourceVersion).toBe(before.resourceVersion);

    const fresh = (await ask("new", stack("new", { web: { image: "a:2" } }))).body as unknown as StackPlan;
    expect(fresh.status?.services[0]?.effect).toBe("create");
    expect(fresh.status?.uid).toBeUndefined();
    expect((await t.call("GET", `${STACKS}/new`)).code).toBe(404);
  });

  it("refuses what an apply would refuse, and what was read too long ago", async () => {
    const bad = await ask("shop", stack("shop", { web: { imgae: "a" } }));
    expect([bad.code, bad.body.details.causes?.some((c) => c.message.includes("image"))]).toEqual([422, true]);
    expect((await ask("shop", stack("shop", { web: { image: "a" } }, { resourceVersion: "1" }))).code).toBe(409);
    expect((await ask("shop", stack("other", { web: { image: "a" } }))).code).toBe(400);
    expect((await t.call("POST", `${STACKS}/shop/plan`, { body: stack("shop", {}) })).code).toBe(400);
  });

  it("is for those who may write, and is discovered", async () => {
    expect((await ask("shop", stack("shop", { web: { image: "a" } }), { token: null })).code).toBe(401);
    const { body } = await t.call("GET", "/apis/steadfleet.dev/v1");
    expect(JSON.stringify(body)).toContain('"stacks/plan"');
  });
});
