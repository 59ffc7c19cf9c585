import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RESOURCES } from "../../schemas/resources.ts";
import { TestApi } from "../testing/api.ts";
import { setId } from "./set.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

const stack = (name: string, namespace = "default"): string =>
  `---\napiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {services: {a: {image: a}}}\n`;
const apply = (manifests: string, ...args: string[]) => {
  api.file("all.yaml", manifests);
  return api.steady(["apply", "-f", "all.yaml", "--detach", "--set", "team", ...args]);
};
const stacks = async (namespace = "default"): Promise<string[]> =>
  (await api.store.list(RESOURCES.stacks, { namespace })).items
    .filter((s) => s.metadata.deletionTimestamp === undefined)
    .map((s) => s.metadata.name);

describe("apply --prune --set", () => {
  it("deletes what is no longer in the set, and nothing else", async () => {
    api.file("foreign.yaml", stack("foreign"));
    await api.steady(["apply", "-f", "foreign.yaml", "--detach"]);
    await apply(stack("one") + stack("two") + stack("three"));
    // Without --prune it is remembered.
    await apply(stack("one") + stack("two"));
    expect(await stacks()).toEqual(["foreign", "one", "three", "two"]);
    const dry = await apply(stack("one") + stack("two"), "--prune", "--dry-run");
    expect(dry.stdout).toContain("stack.steadfleet.dev/three pruned (server dry run)\n");
    expect(await stacks()).toEqual(["foreign", "one", "three", "two"]);
    expect((await api.steady(["plan", "-f", "all.yaml", "--set", "team", "--prune"])).stdout).toContain("  - stack/three\n");
    const ran = await apply(stack("one") + stack("two"), "--prune");
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("stack.steadfleet.dev/three pruned\n") as string });
    expect(await stacks()).toEqual(["foreign", "one", "two"]);
  });

  it("refuses to delete more than half, unless the number is said", async () => {
    await apply(stack("one") + stack("two") + stack("three"));
    const refused = await apply(stack("one"), "--prune");
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("2 of the 3 objects of the set team would be deleted") as string,
    });
    expect((await apply(stack("one"), "--prune", "--yes-delete", "1")).code).toBe(2);
    expect(await stacks()).toEqual(["one", "three", "two"]);
    expect((await apply(stack("one"), "--prune", "--yes-delete", "2")).code).toBe(0);
    expect(await stacks()).toEqual(["one"]);
  });

  it("knows its members in other namespaces, and never prunes a namespace", async () => {
    const namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n";
    const made = await apply(namespace + stack("one") + stack("two") + stack("far", "prod"));
    expect(made.code, made.stderr).toBe(0);
    expect((await apply(stack("one") + stack("two"), "--prune")).stdout).toContain("far pruned");
    expect(await stacks("prod")).toEqual([]);
    expect(await api.store.get(RESOURCES.namespaces, undefined, "prod")).toBeDefined();
  });

  it("leaves what belongs to others", async () => {
    await apply(stack("one"));
    api.file("all.yaml", stack("one"));
    expect(await api.steady(["apply", "-f", "all.yaml", "--set", "others", "--detach"])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("stack one belongs to another set") as string,
    });
    expect(await api.steady(["apply", "-f", "all.yaml", "--prune"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--set NAME") as string,
    });
  });

  it("is an ApplySet as Kubernetes knows it", async () => {
    await apply(stack("one"));
    const { metadata } = await api.store.get(RESOURCES.configmaps, "default", "team");
    expect(metadata.labels).toEqual({ "applyset.kubernetes.io/id": setId("team", "default") });
    expect(metadata.annotations).toMatchObject({
      "applyset.kubernetes.io/tooling": "steady/v1",
      "applyset.kubernetes.io/contains-group-kinds": "Stack.steadfleet.dev",
    });
    expect(setId("team", "default")).toMatch(/^applyset-[A-Za-z0-9_-]{43}-v1$/);
  });
});
