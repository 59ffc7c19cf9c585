import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Body, STACKS, type TestApi, testApi } from "../testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
  await make("one", { web: { image: "a" }, agent: { image: "b", deploy: { mode: "global" } } });
  await make("two", { web: { image: "a" }, db: { image: "b" } });
  await make("none", { agent: { image: "b", deploy: { mode: "global" } } });
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const make = async (name: string, services: object): Promise<void> => {
  const body = { apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name }, spec: { services } };
  expect((await t.call("POST", STACKS, { body })).code).toBe(201);
};
const ONE = `${STACKS}/one`;
const merge = { "Content-Type": "application/merge-patch+json" };
const patch = (body: object, query = "") => t.call("PATCH", `${ONE}/scale${query}`, { body, headers: merge });
const replicas = (b: Body): unknown => b.spec["replicas"];

describe("stacks/scale", () => {
  it("is the number of the one replicated service", async () => {
    const { code, body } = await t.call("GET", `${ONE}/scale`);
    expect(code).toBe(200);
    expect(body).toMatchObject({
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "one", namespace: "default" },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: "steadfleet.dev/stack=one,steadfleet.dev/service=web" },
    });
  });

  it("changes that number, and nothing else", async () => {
    const before = (await t.call("GET", ONE)).body;
    expect(replicas((await patch({ spec: { replicas: 4 } }, "?dryRun=All")).body)).toBe(4);
    expect((await t.call("GET", ONE)).body.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(replicas((await patch({ spec: { replicas: 4 } }, "?fieldManager=scaler")).body)).toBe(4);
    const after = (await t.call("GET", ONE)).body;
    expect(after.metadata.generation).toBe(2);
    expect(after.spec).toEqual({
      services: { web: { image: "a", deploy: { replicas: 4 } }, agent: { image: "b", deploy: { mode: "global" } } },
    });
    expect(after.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: "scaler", operation: "Update", subresource: "scale" }),
    );
    expect((await patch({ spec: { replicas: 4 } })).body.metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  });

  it("takes a whole Scale without saying what type it is, as kubectl sends it", async () => {
    const { body } = await t.call("GET", `${ONE}/scale`);
    const put = (b: object) => t.call("PUT", `${ONE}/scale`, { raw: JSON.stringify(b), headers: { "Content-Type": "" } });
    const done = await put({ ...body, spec: { replicas: 2 } });
    expect(done.code, done.text).toBe(200);
    expect(replicas(done.body)).toBe(2);
    const late = await put({ ...body, spec: { replicas: 7 } });
    expect([late.code, late.body.reason]).toEqual([409, "Conflict"]);
  });

  it("takes a JSON patch, and says which patches it does not take", async () => {
    const headers = { "Content-Type": "application/json-patch+json" };
    const done = await t.call("PATCH", `${ONE}/scale`, { body: [{ op: "replace", path: "/spec/replicas", value: 3 }], headers });
    expect(replicas(done.body)).toBe(3);
    expect(
      (await t.call("PATCH", `${ONE}/scale`, { body: {}, headers: { "Content-Type": "application/strategic-merge-patch+json" } })).code,
    ).toBe(415);
  });

  it.each([{ replicas: -1 }, { replicas: 1001 }, { replicas: "3" }, { replicas: 1.5 }, { more: 1 }])("refuses %j", async (spec) => {
    expect((await patch({ spec })).code).toBe(422);
  });

  it("is refused where one number cannot say which service, with what to do", async () => {
    for (const [method, path] of [
      ["GET", "two"],
      ["GET", "none"],
    ] as const)
      expect((await t.call(method, `${STACKS}/${path}/scale`)).code).toBe(400);
    const { message } = (await t.call("PATCH", `${STACKS}/two/scale`, { body: { spec: { replicas: 2 } }, headers: merge })).body;
    expect(message).toContain("kubectl scale deploy/two-web --replicas=2");
    expect((await t.call("GET", `${STACKS}/absent/scale`)).code).toBe(404);
  });

  it("is a table of its own", async () => {
    const accept = { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    const { body } = await t.call("GET", `${ONE}/scale`, { headers: accept });
    expect(body.columnDefinitions?.map((c) => c.name)).toEqual(["Name", "Desired", "Available", "Age"]);
    expect(body.rows[0]?.cells.slice(0, 3)).toEqual(["one", 3, 0]);
  });
});
