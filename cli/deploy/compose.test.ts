// `steady` on a folder with a Compose project, against the real API: what is sent, what is owned by what, and what is never shown.
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RESOURCES } from "../../schemas/resources.ts";
import type { ConfigMap, Secret, Stack } from "../../schemas/types.ts";
import { LAST_APPLIED } from "../kube/merge.ts";
import { TestApi } from "../testing/api.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
  mkdirSync(join(api.dir, "deep"));
  api.file(
    "compose.yaml",
    `name: shop
services:
  web:
    image: web:1
    secrets: [db_password]
    configs: [{source: conf, target: /etc/conf}, {source: logo, target: /logo.png}]
  debug: {image: debug:1, profiles: [debug]}
secrets: {db_password: {file: db.txt}}
configs: {conf: {file: web.conf}, logo: {environment: LOGO}}
`,
  );
  api.file("compose.override.yaml", "services: {web: {environment: {MODE: dev}}}\n");
  api.file("web.conf", "listen 80;\n");
  api.file("db.txt", "hunter2-canary\n");
});
afterAll(() => api.close());

const env = { LOGO: "x".repeat(300_000) };
const get = <T extends Secret | ConfigMap | Stack>(resource: (typeof RESOURCES)[keyof typeof RESOURCES], name: string): Promise<T> =>
  api.store.get<T>(resource, "default", name);

describe("a Compose project", () => {
  it("is applied with what it needs before it, which it owns; no value is shown, in any output", async () => {
    const shown: string[] = [];
    const steady = async (...args: string[]): Promise<string> => {
      const ran = await api.steady(args, { env });
      shown.push(ran.stdout, ran.stderr);
      expect(ran.code, ran.stderr).toBe(0);
      return ran.stdout;
    };
    await steady("plan");
    const files = ["-f", "compose.yaml", "-f", "compose.override.yaml"];
    expect(await steady("apply", ...files, "--detach")).toBe(
      "secret/shop-db-password created\nconfigmap/shop-logo created\nstack.steadfleet.dev/shop created\n",
    );
    const stack = await get<Stack>(RESOURCES.stacks, "shop");
    expect(stack.spec).toMatchObject({
      services: { web: { environment: { MODE: "dev" } } },
      secrets: { db_password: { external: true, name: "shop-db-password" } },
      configs: { conf: { content: "listen 80;\n" }, logo: { external: true, name: "shop-logo" } },
    });
    expect(stack.spec.services).not.toHaveProperty("debug");
    const secret = await get<Secret>(RESOURCES.secrets, "shop-db-password");
    expect(secret).toMatchObject({
      type: "steadfleet.dev/compose",
      data: { value: Buffer.from("hunter2-canary\n").toString("base64") },
      metadata: {
        labels: { "steadfleet.dev/stack": "shop" },
        ownerReferences: [{ apiVersion: "steadfleet.dev/v1", kind: "Stack", name: "shop", uid: stack.metadata.uid }],
      },
    });
    expect(secret.metadata.annotations ?? {}).not.toHaveProperty(LAST_APPLIED);
    expect((await get<ConfigMap>(RESOURCES.configmaps, "shop-logo")).metadata.ownerReferences).toHaveLength(1);

    expect(await steady("apply", ...files, "--detach")).toBe(
      "secret/shop-db-password unchanged\nconfigmap/shop-logo unchanged\nstack.steadfleet.dev/shop unchanged\n",
    );
    api.file("db.txt", "hunter3-canary\n");
    await steady("plan", ...files);
    expect(await steady("apply", ...files, "--detach")).toMatch(/^secret\/shop-db-password configured\n/);
    expect((await get<Secret>(RESOURCES.secrets, "shop-db-password")).metadata.ownerReferences).toHaveLength(1);
    for (const text of shown) {
      expect(text).not.toMatch(/canary/);
      expect(text).not.toContain(Buffer.from("hunter").toString("base64").slice(0, 7));
    }
  });

  it("COMPOSE_FILE, COMPOSE_PROFILES, COMPOSE_PROJECT_NAME, of the shell and of .env; a folder below takes the files above", async () => {
    const planned = async (cwd: string, more: Record<string, string>): Promise<string> => {
      const ran = await api.steady(["plan"], { cwd, env: { KUBECONFIG: join(api.dir, "kubeconfig"), ...env, ...more } });
      expect(ran.code, ran.stderr).toBe(0);
      return ran.stdout;
    };
    expect(await planned(join(api.dir, "deep"), {})).toMatch(/^shop /);
    expect(await planned(api.dir, { COMPOSE_PROFILES: "debug", COMPOSE_PROJECT_NAME: "other" })).toMatch(/^other [\s\S]*debug/);
    api.file(".env", "COMPOSE_FILE=compose.yaml%compose.override.yaml\nCOMPOSE_PATH_SEPARATOR=%\nCOMPOSE_PROJECT_NAME=third\n");
    expect(await planned(api.dir, {})).toMatch(/^third /);
    expect(await planned(api.dir, { COMPOSE_PROJECT_NAME: "fourth" })).toMatch(/^fourth /);
  });

  it("is deleted with what was made for it", async () => {
    const ran = await api.steady(["delete", "-f", "compose.yaml", "-p", "shop", "--detach", "--yes"], { env });
    expect(ran.stderr.replace(/^warning[\s\S]*?\n(?=\S|$)/gm, "")).not.toMatch(/error/);
    expect(ran.code).toBe(0);
  });
});
