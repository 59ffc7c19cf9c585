// Contents of configs and secrets in a plan: what they replace, why, and what is missing. No value of them goes into a plan.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Objects, withFiles } from "../../controller/files/compile.ts";
import { compileStack } from "../../controller/stacks/compile.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { ConfigMap, Secret, Stack } from "../../schemas/types.ts";
import { TestApi } from "../testing/api.ts";

vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });

const hash = (about: string, content: Uint8Array): string =>
  createHash("sha256").update(`${about}\n`).update(content).digest("hex").slice(0, 16);

let api: TestApi;
afterEach(() => api.close());

const configMap = (name: string, text: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {${name}: ${JSON.stringify(text)}}\n`;
const STACK = `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: shop}
spec:
  services:
    web:
      image: web:1
      configs: [{source: motd, target: /etc/motd}]
      secrets: [db]
    plain: {image: plain:1}
  configs: {motd: {external: true}}
  secrets: {db: {external: true}}
`;
const SECRET = (value: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {db: ${value}}\n`;
const all = (motd: string, password: string): string => [STACK, configMap("motd", motd), SECRET(password)].join("---\n");

const plan = async (): Promise<string> => {
  const ran = await api.steady(["plan", "-f", "all.yaml"]);
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stdout;
};

/** As controller and agent would leave it: `web` runs with what is stored. */
const rollOut = async (): Promise<void> => {
  const stack = await api.store.get<Stack>(RESOURCES.stacks, "default", "shop");
  const motd = await api.store.get<ConfigMap>(RESOURCES.configmaps, "default", "motd");
  const db = await api.store.get<Secret>(RESOURCES.secrets, "default", "db");
  const objects: Objects = {
    find: (kind) =>
      kind === "ConfigMap"
        ? new Map([["motd", Buffer.from(motd.data?.["motd"] ?? "")]])
        : new Map([["db", Buffer.from(db.data?.["db"] ?? "", "base64")]]),
    hash,
  };
  const wanted = withFiles(compileStack(stack), "default", objects);
  if ("problems" in wanted) throw new Error(wanted.problems.join());
  for (const s of wanted.compiled.services) {
    const name = `shop-${s.name}-0-abcde`;
    await api.pod(s.name, { uid: name }, "laptop", {
      ...{ name, uid: name, service: s.name, slot: "0", templateHash: s.templateHash, container: s.container },
    });
  }
};

const roll = async (): Promise<void> => {
  api.file("all.yaml", all("hello", "hunter2-canary"));
  const applied = await api.steady(["apply", "-f", "all.yaml", "--detach"]);
  expect(applied.code, applied.stderr).toBe(0);
  await rollOut();
};

beforeEach(async () => {
  api = await TestApi.start(undefined, hash);
});

it("what runs with the same contents is unchanged", async () => {
  await roll();
  expect(await plan()).toContain("Plan: services: 2 unchanged.");
});

it("a ConfigMap or Secret that changes in the same manifests replaces its consumers, with the reason", async () => {
  await roll();
  api.file("all.yaml", all("welcome", "hunter2-canary"));
  const one = await plan();
  expect(one).toContain("replace web-0 on laptop: config motd has other content");
  expect(one).toMatch(/= plain +unchanged/);
  expect(one).toContain("~ configmap/motd");
  api.file("all.yaml", all("welcome", "hunter3-canary"));
  const two = await plan();
  expect(two).toContain("replace web-0 on laptop: config motd, secret db have other content");
  expect(two).not.toMatch(/canary|welcome/);
});

it("a ConfigMap that was changed in the cluster already does, too", async () => {
  await roll();
  const motd = await api.store.get<ConfigMap>(RESOURCES.configmaps, "default", "motd");
  await api.store.update<ConfigMap>(RESOURCES.configmaps, { ...motd, data: { motd: "changed by hand" } });
  api.file("all.yaml", STACK);
  expect(await plan()).toContain("replace web-0 on laptop: config motd has other content");
});

it("one that is missing is a wait with its name; one that comes with the same manifests is not", async () => {
  api.file("all.yaml", `${STACK}---\n${configMap("motd", "hello")}`);
  const text = await plan();
  expect(text).toMatch(/! web: .*Secret db does not exist in the Stack's namespace: kubectl create secret generic db/);
  expect(text).toMatch(/\+ web +create, when it can/);
  expect(text).not.toContain("ConfigMap motd does not exist");
  expect(text).toContain("create plain-0 on laptop");
  api.file("all.yaml", all("hello", "hunter2-canary"));
  expect(await plan()).toContain("create web-0 on laptop");
});

it("a server without a key to reckon hashes tells what is called as before from what is foreseen to change", async () => {
  await api.close();
  api = await TestApi.start();
  await roll();
  expect(await plan()).toContain("Plan: services: 2 unchanged.");
  api.file("all.yaml", all("welcome", "hunter2-canary"));
  expect(await plan()).toContain("replace web-0 on laptop: config motd has other content");
});
