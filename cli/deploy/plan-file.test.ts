import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Node, Stack } from "../../schemas/types.ts";
import { TestApi } from "../testing/api.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

const shop = (image: string, password = "sesame1"): string => `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: shop}
spec: {services: {web: {image: "${image}"}}}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: ${password}}
`;

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
  api.file("shop.yaml", shop("web:1"));
  expect((await api.steady(["apply", "-f", "shop.yaml", "--detach"])).code).toBe(0);
});
afterEach(() => api.close());

const image = async (): Promise<unknown> => (await api.store.get<Stack>(RESOURCES.stacks, "default", "shop")).spec.services["web"]?.image;
const planned = async (text: string): Promise<string> => {
  api.file("shop.yaml", text);
  const ran = await api.steady(["plan", "-f", "shop.yaml", "--out", "p.json"]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toBe("Kept in p.json. Next: steady apply p.json\n");
  return join(api.dir, "p.json");
};
const apply = (...args: string[]) => api.steady(["apply", "p.json", "--detach", ...args]);

describe("a plan that is kept (I13)", () => {
  it("is what is applied, also when the manifest has changed since", async () => {
    const file = await planned(shop("web:2"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain("sesame");
    api.file("shop.yaml", shop("web:3"));
    expect(await apply()).toEqual({ code: 0, stdout: "stack.steadfleet.dev/shop configured\n", stderr: "" });
    expect(await image()).toBe("web:2");
    // Applied once, it is of a world that is gone.
    expect(await apply()).toMatchObject({ code: 4, stderr: expect.stringContaining("Stack shop was changed") as string });
  });

  it("is refused when the object has changed", async () => {
    await planned(shop("web:2"));
    api.file("other.yaml", shop("web:9"));
    await api.steady(["apply", "-f", "other.yaml", "--detach"]);
    const { code, stderr } = await apply();
    expect({ code, stderr }).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/stale, and nothing was done: Stack shop was changed/) as string,
    });
    expect(await image()).toBe("web:9");
  });

  it("is refused when something else would become of a container", async () => {
    await planned(shop("web:2"));
    const node = await api.store.get<Node & KubeObject>(RESOURCES.nodes, undefined, "laptop");
    await api.store.update<Node & KubeObject>(RESOURCES.nodes, { ...node, spec: { unschedulable: true } });
    const { code, stderr } = await apply();
    expect(code).toBe(4);
    expect(stderr).toContain("planned: web-0: create to laptop");
    expect(await image()).toBe("web:1");
  });

  it("but not when only its status was written", async () => {
    await planned(shop("web:2"));
    await api.status("shop", { health: "Progressing", progress: 10 } as never);
    expect((await apply()).code).toBe(0);
    expect(await image()).toBe("web:2");
  });

  it("is refused when it was edited, and when it is no plan", async () => {
    const file = await planned(shop("web:2"));
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("web:2", "web:666"));
    expect(await apply()).toMatchObject({ code: 2, stderr: expect.stringContaining("was changed after it was written") as string });
    expect((await api.steady(["apply", "shop.yaml"])).code).toBe(2);
    expect(await image()).toBe("web:1");
  });

  it("asks for a Secret that changes again, and takes no other", async () => {
    await planned(shop("web:2", "sesame2"));
    expect(await apply()).toMatchObject({ code: 2, stderr: expect.stringContaining("name its file again: -f shop.yaml") as string });
    api.file("wrong.yaml", shop("web:2", "sesame3"));
    expect(await apply("-f", "wrong.yaml")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("the secret db is not what was planned") as string,
    });
    expect(await image()).toBe("web:1");
    expect((await apply("-f", "shop.yaml")).code).toBe(0);
    expect(await image()).toBe("web:2");
  });
});
