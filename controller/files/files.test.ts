// Configs and secrets through the controller, in memory: what lies where, when, and who is replaced.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Delivery, FileSpec } from "../../schemas/fleet.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { nodesPrefix, parseSealedKey } from "../../store/keys.ts";
import { newKeyPair, open } from "../../store/seal.ts";
import { Fleet, type Seen } from "../testing/fleet.ts";

type Secret = KubeObject & { data?: Record<string, string> };
const keys = newKeyPair();
let f: Fleet;
beforeEach(() => (f = new Fleet()));
afterEach(() => f.close());

const file = (source: FileSpec["source"], key = "password"): FileSpec => ({
  kind: source.kind === "Secret" ? "secret" : "config",
  key,
  source,
  target: `/run/secrets/${key}`,
  mode: 0o444,
});
const SECRET = file({ kind: "Secret", name: "db" });
const CONFIG = file({ kind: "ConfigMap", name: "web" }, "conf");
const INLINE = file({ kind: "Inline", content: "inline-text" }, "motd");
const withFiles = (...files: FileSpec[]) => ({ container: { files } });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const put = async (value: string, labels: Record<string, string> = {}): Promise<void> => {
  const old = await f.objects.get<Secret>(RESOURCES.secrets, "default", "db").catch(() => undefined);
  const data = { password: base64(value) };
  if (old) await f.objects.update<Secret>(RESOURCES.secrets, { ...old, metadata: { ...old.metadata, labels }, data });
  else
    await f.objects.create<Secret>(RESOURCES.secrets, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "db", namespace: "default" },
      data,
    });
};
/** What lies sealed, opened: `n1 secret:db` → content. */
const lying = (pair = keys): Record<string, string> =>
  Object.fromEntries(
    f.kv.server.below(nodesPrefix, f.kv.server.revision).flatMap(({ key, value }) => {
      const where = parseSealedKey(key);
      return where ? [[`${where.node} ${where.name}`, open(pair.privateKey, key, JSON.parse(value) as Delivery).toString()]] : [];
    }),
  );
const hashes = (pods: Seen[]): (string | undefined)[] => pods.flatMap((p) => p.pod.container.files?.map((x) => x.hash) ?? []);
const uids = (): string[] =>
  f
    .pods("shop")
    .map((p) => p.pod.uid)
    .toSorted();
const degraded = () => f.stack("shop")?.status?.conditions?.find((c) => c.type === "Degraded");

describe("configs and secrets", () => {
  test("lie on the nodes that need them, in the commit that first needs them, and go with the last pod", async () => {
    const commits: number[] = [];
    f.control();
    for (const n of ["n1", "n2", "n3"]) await f.agent(n, { publicKey: keys.publicKey });
    await put("hunter2");
    await f.objects.create(RESOURCES.configmaps, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web", namespace: "default" },
      data: { "nginx.conf": "server {}" },
    } as never);
    await f.apply("shop", { web: { replicas: 2, ...withFiles(SECRET, CONFIG, INLINE) }, plain: {} });
    await f.until(() => f.healthy("shop"));
    const nodes = f
      .pods("shop")
      .filter((p) => p.pod.service === "web")
      .map((p) => p.node);
    expect(lying()).toEqual(
      Object.fromEntries(
        nodes.flatMap((n) => [
          [`${n} secret:db`, "hunter2"],
          [`${n} config:web`, "server {}"],
          [`${n} inline`, "inline-text"],
        ]),
      ),
    );
    const raw = JSON.stringify(f.kv.server.below(nodesPrefix, f.kv.server.revision));
    for (const hidden of ["hunter2", base64("hunter2")]) expect(raw).not.toContain(hidden);
    for (const { key, value, create } of f.kv.server.below(nodesPrefix, f.kv.server.revision)) {
      if (!key.includes("/desired/")) continue;
      expect(value).not.toContain("inline-text");
      for (const sealed of f.kv.server
        .below(nodesPrefix, f.kv.server.revision)
        .filter((i) => parseSealedKey(i.key)?.node === key.split("/")[3]))
        if (value.includes("web")) commits.push(create - sealed.create);
    }
    expect(commits.every((late) => late >= 0)).toBe(true);
    expect(JSON.stringify(f.revisions("shop"))).not.toContain("hunter2");
    await f.objects.delete(RESOURCES.stacks, "default", "shop");
    await f.until(() => f.stack("shop") === undefined);
    expect(lying()).toEqual({});
  });

  test("a changed Secret replaces its consumers once; other metadata replaces nobody", async () => {
    f.control();
    await f.agent("n1", { publicKey: keys.publicKey });
    await put("one");
    await f.apply("shop", { web: withFiles(SECRET), plain: {} });
    await f.until(() => f.healthy("shop"));
    const [before, plain] = [uids(), f.pods("shop").find((p) => p.pod.service === "plain")?.pod.uid];
    await put("one", { touched: "yes" });
    await f.env.advance(5_000);
    expect(uids()).toEqual(before);
    await put("two");
    await f.until(() => lying()["n1 secret:db"] === "two" && f.healthy("shop"));
    const after = uids();
    expect(after).not.toEqual(before);
    expect(after).toContain(plain);
    expect(Object.values(lying())).toEqual(["two"]);
    await f.env.advance(10_000);
    expect(uids()).toEqual(after);
  });

  test("a missing Secret holds up its service alone, says so, and what runs goes on", async () => {
    f.control();
    await f.agent("n1", { publicKey: keys.publicKey });
    await f.apply("shop", { web: withFiles(SECRET), plain: {} });
    await f.until(() => degraded()?.reason === "SecretNotFound");
    expect(degraded()?.message).toMatch(/^web: secret password: Secret db does not exist/);
    await f.until(() => f.pods("shop").some((p) => p.pod.service === "plain" && p.ready));
    expect(f.pods("shop").filter((p) => p.pod.service === "web")).toEqual([]);
    await put("one");
    await f.until(() => f.healthy("shop"));
    const before = uids();
    await f.objects.delete(RESOURCES.secrets, "default", "db");
    await f.until(() => degraded()?.reason === "SecretNotFound");
    await f.env.advance(10_000);
    expect(uids()).toEqual(before);
    expect(f.pods("shop").every((p) => p.pod.deletionTimestamp === undefined && p.ready)).toBe(true);
    expect(lying()).toEqual({ "n1 secret:db": "one" });
    await put("one");
    await f.until(() => f.healthy("shop"));
    expect(uids()).toEqual(before);
  });

  test("a node without a key gets none of it, and gets it when it has one; another key is sealed to anew", async () => {
    f.control();
    const agent = await f.agent("n1");
    await put("one");
    await f.apply("shop", { web: withFiles(SECRET) });
    await f.until(() => degraded()?.reason === "Unplaceable");
    expect(degraded()?.message).toMatch(/1 without a key that secrets are sealed to.* \(n1\)/);
    await agent.stop();
    const second = await f.agent("n1", { publicKey: keys.publicKey });
    await f.until(() => f.healthy("shop"));
    expect(lying()).toEqual({ "n1 secret:db": "one" });
    const before = uids();
    await second.stop();
    const other = newKeyPair();
    await f.agent("n1", { publicKey: other.publicKey });
    await f.until(() => {
      try {
        return lying(other)["n1 secret:db"] === "one";
      } catch {
        return false;
      }
    });
    expect(uids()).toEqual(before);
  });

  test("what an earlier leader left behind goes when the next one begins, and nothing else", async () => {
    await f.agent("n1", { publicKey: keys.publicKey });
    await f.kv.commit([{ key: "/steadfleet/nodes/n1/sealed/default/secret:old@1", value: { type: "plain", data: "" } }]);
    await put("one");
    f.control();
    await f.apply("shop", { web: withFiles(SECRET) });
    await f.until(() => f.healthy("shop"));
    expect(lying()).toEqual({ "n1 secret:db": "one" });
    expect(hashes(f.pods("shop"))).toHaveLength(1);
  });

  test("a Stack without configs or secrets costs no more revisions than before", async () => {
    f.control();
    await f.agent("n1", { publicKey: keys.publicKey });
    await f.apply("plain", { web: {} });
    await f.until(() => f.healthy("plain"));
    const writes = f.kv.server.revision;
    await put("one");
    await f.apply("shop", { web: withFiles(SECRET) });
    await f.until(() => f.healthy("shop"));
    const start = f.kv.server.revision;
    expect(
      f.kv.server
        .below(nodesPrefix, start)
        .filter((i) => parseSealedKey(i.key))
        .map((i) => i.create),
    ).toEqual(
      f.kv.server
        .below(nodesPrefix, start)
        .filter((i) => i.key.includes("/desired/default/shop"))
        .map((i) => i.create),
    );
    expect(start).toBeGreaterThan(writes);
  });
});
