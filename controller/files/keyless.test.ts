// Servers without the cluster's encryption key beside those that have it: who leads, and what is left alone.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newKeyPair } from "../../store/seal.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { FileSpec } from "../../schemas/fleet.ts";
import { Fleet, keyless } from "../testing/fleet.ts";

const pass = <T>(kv: T): T => kv;
const { publicKey } = newKeyPair();
const CONF: FileSpec = { kind: "config", key: "conf", source: { kind: "ConfigMap", name: "web" }, target: "/conf", mode: 0o444 };
const web = (image = "web:1") => ({ web: { container: { image, files: [CONF] } }, plain: {} });

let f: Fleet;
beforeEach(async () => {
  f = new Fleet();
  await f.agent("n1", { publicKey });
  await f.objects.create(RESOURCES.configmaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "web", namespace: "default" },
    data: { conf: "x" },
  } as never);
});
afterEach(() => f.close());

const uids = (): string[] =>
  f
    .pods("shop")
    .map((p) => p.pod.uid)
    .toSorted();
const degraded = () => f.stack("shop")?.status?.conditions?.find((c) => c.type === "Degraded");

describe("a server without the encryption key", () => {
  test("does not lead where one with it wants to, whoever came first", async () => {
    const blind = f.control("blind", pass, keyless);
    const able = f.control("able");
    await f.apply("shop", web());
    await f.until(() => f.healthy("shop"));
    expect([blind.isLeader(), able.isLeader()]).toEqual([false, true]);
    await f.env.advance(60_000);
    expect([blind.isLeader(), able.isLeader()]).toEqual([false, true]);
  });

  test("leads when nobody else does for a while, says what waits, and gives way at once to one that has the key", async () => {
    const blind = f.control("blind", pass, keyless);
    await f.apply("shop", web());
    await f.until(() => degraded()?.status === "True");
    expect(blind.isLeader()).toBe(true);
    expect(degraded()?.message).toMatch(/encryption key/);
    await f.until(() => f.pods("shop").some((p) => p.pod.service === "plain" && p.ready));
    expect(f.revisions("shop")).toEqual([]);
    expect(f.stack("shop")?.status).not.toHaveProperty("revision");

    const able = f.control("able");
    await f.until(() => able.isLeader(), 3_000);
    await f.until(() => f.healthy("shop"));
    expect(blind.isLeader()).toBe(false);
    expect(f.revisions("shop").map((r) => r.revision)).toEqual([1]);
    expect(f.stack("shop")?.status?.revision).toBe(1);
  });

  test("leaves what runs, and its revision, as they are", async () => {
    const able = f.control("able");
    await f.apply("shop", web());
    await f.until(() => f.healthy("shop"));
    const [before, status] = [uids(), f.stack("shop")?.status];
    const blind = f.control("blind", pass, keyless);
    const closing = able.close();
    await f.until(() => blind.isLeader());
    await closing;
    await f.until(() => degraded()?.status === "True");
    const now = f.stack("shop")?.status;
    expect([now?.revision, now?.revisionHash, now?.services?.["web"]?.templateHash]).toEqual([
      1,
      status?.revisionHash,
      status?.services?.["web"]?.templateHash,
    ]);
    await f.apply("shop", web("web:2"));
    await f.env.advance(5_000);
    expect(uids()).toEqual(before);
    expect(f.revisions("shop")).toHaveLength(1);

    f.control("again");
    await f.until(() => f.healthy("shop"));
    expect(f.revisions("shop").map((r) => r.revision)).toEqual([1, 2]);
    expect(uids().filter((uid) => before.includes(uid))).toHaveLength(1);
  });
});
