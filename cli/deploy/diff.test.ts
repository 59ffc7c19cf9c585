import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { TestApi } from "../testing/api.ts";
import { unifiedDiff } from "./unified.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

const SHOP = `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: shop}
spec:
  services:
    web:
      image: web:1
      environment: {PASSWORD: hunter1, MODE: a}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: sesame1}
`;

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
  api.file("shop.yaml", SHOP);
  expect((await api.steady(["apply", "-f", "shop.yaml", "--detach"])).code).toBe(0);
});
afterAll(() => api.close());

describe("steady diff", () => {
  it("ends with 0 and says nothing when nothing differs", async () => {
    expect(await api.steady(["diff", "-f", "shop.yaml"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("ends with 1 and tells lines, without the values of secrets and environments", async () => {
    api.file("new.yaml", SHOP.replace("web:1", "web:2").replace("hunter1", "hunter2").replace("sesame1", "sesame2"));
    const { code, stdout } = await api.steady(["diff", "-f", "new.yaml"]);
    expect(code).toBe(1);
    expect(stdout).toContain("--- live/stacks.default.shop\n+++ new/stacks.default.shop\n@@ ");
    expect(stdout).toContain("+      image: web:2\n");
    expect(stdout).toContain('-        PASSWORD: "*** (before)"\n-      image: web:1\n+        PASSWORD: "*** (after)"\n');
    expect(stdout).toContain('+  password: "*** (after)"');
    expect(stdout).not.toMatch(/hunter|sesame|resourceVersion|last-applied/);
    expect((await api.steady(["diff", "-f", "new.yaml", "--show-secrets"])).stdout).toContain("PASSWORD: hunter2");
  });

  it("tells of what is not there yet, and of errors by 2 and more", async () => {
    api.file("other.yaml", "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: other}\nspec: {services: {a: {image: a}}}\n");
    const fresh = await api.steady(["diff", "-f", "other.yaml"]);
    expect(fresh).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^--- \/dev\/null\n\+\+\+ new\/stacks.default.other\n@@ -0,0 \+1,\d+ @@/) as string,
    });
    for (const args of [
      ["diff", "-f", "missing.yaml"],
      ["diff", "--frob"],
    ])
      expect((await api.steady(args)).code).toBeGreaterThanOrEqual(2);
  });

  it("honours KUBECTL_EXTERNAL_DIFF", async () => {
    const tool = join(api.dir, "tool.sh");
    writeFileSync(tool, '#!/bin/sh\necho "$1"; ls "$2" "$3"; exit 1\n');
    chmodSync(tool, 0o755);
    const env = { KUBECTL_EXTERNAL_DIFF: `${tool} --brief` };
    const { code, stdout } = await api.steady(["diff", "-f", "new.yaml"], { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^--brief\n[\s\S]*stacks\.default\.shop/);
    writeFileSync(tool, "#!/bin/sh\nexit 3\n");
    expect((await api.steady(["diff", "-f", "new.yaml"], { env })).code).toBeGreaterThanOrEqual(2);
  });
});

describe("a unified diff", () => {
  const names = { a: "a", b: "b" };
  const lines = (...l: string[]): string => l.map((x) => `${x}\n`).join("");
  it.each([
    ["", "", ""],
    [lines("x"), lines("x"), ""],
    ["", lines("x"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n"],
    [lines("x"), "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n"],
    [lines("a", "b", "c"), lines("a", "x", "c"), "--- a\n+++ b\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"],
    [
      lines(..."0123456789".split("")),
      lines(..."x12345678y".split("")),
      "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-0\n+x\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-9\n+y\n",
    ],
  ])("%j → %j", (a, b, want) => expect(unifiedDiff(a, b, names)).toBe(want));
});
