import type { Writable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createToken, revokeTokenId, tokenIdOf } from "../../api/index.ts";
import { type FakeNode, fakeNode } from "../../api/testing/fake-node.ts";
import type { ObservedPod } from "../../schemas/fleet.ts";
import { realEnv } from "../../store/env.ts";
import { TestApi } from "../testing/api.ts";
import type { TestIo } from "../testing/io.ts";

const SHOP =
  "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n  services:\n    web: {image: web:1}\n    db: {image: db:1}\n";
vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 });
const patient = { timeout: 20_000 };

let api: TestApi;
let node: FakeNode;
const running = (slot: string): Partial<ObservedPod> => ({ containerId: slot.repeat(64), startedAt: "2026-11-21T12:00:00.000Z" });
beforeAll(async () => {
  node = await fakeNode();
  api = await TestApi.start(node.links);
  api.file("shop.yaml", SHOP);
  await api.steady(["apply", "-f", "shop.yaml", "--detach"]);
  for (const slot of ["0", "1"]) await api.pod(slot, running(slot));
});
afterAll(async () => {
  await api.close();
  await node[Symbol.asyncDispose]();
});

const at = (n: number): string => `2026-11-21T12:00:00.${String(n).padStart(9, "0")}Z`;
/** What each pod has said: the time in nanoseconds, and the words. */
let said: Record<string, [at: number, words: string][]>;
/** Followers that wait for more. */
let open: { pod: string; out: Writable; query: URLSearchParams }[];
let asked: URLSearchParams[];

beforeEach(() => {
  said = { "0": [], "1": [], "2": [] };
  open = [];
  asked = [];
  node.refuse = undefined;
  node.log = (query, out) => {
    asked.push(query);
    const pod = query.get("uid")?.split("-")[2] ?? "";
    const since = query.get("sinceTime") ?? "";
    const tail = query.get("tail") === null ? 1000 : Number(query.get("tail"));
    const lines = (said[pod] ?? []).filter(([n]) => at(n) >= since);
    for (const [n, words] of tail === 0 ? [] : lines.slice(-tail)) out.write(`${at(n)} ${words}\n`);
    if (query.get("follow") === "1") open.push({ pod, out, query });
    else out.end();
  };
});
const say = (pod: string, n: number, words: string): void => {
  said[pod]?.push([n, words]);
  for (const f of open) if (f.pod === pod && !f.out.destroyed) f.out.write(`${at(n)} ${words}\n`);
};
const follow = (args: string[]): { io: TestIo; end: () => Promise<number> } => {
  const io = api.io();
  const following = api.steady(["logs", "-f", ...args], {}, io);
  return {
    io,
    end: async () => {
      io.stop.abort();
      return (await following).code;
    },
  };
};
const shows = (io: TestIo, text: string) => expect.poll(() => io.stdout.text, patient).toBe(text);

describe("logs", () => {
  beforeEach(() => {
    said["0"] = [
      [1, "a"],
      [3, "c"],
    ];
    said["1"] = [
      [2, "b"],
      [4, "d"],
    ];
  });

  it("of a Stack, a service, the namespace: all replicas in the order of time, with their names", async () => {
    const text = "web-0 | a\nweb-1 | b\nweb-0 | c\nweb-1 | d\n";
    for (const target of ["shop", "stack/shop", "shop/web"])
      expect(await api.steady(["logs", target])).toEqual({ code: 0, stdout: text, stderr: "" });
    expect((await api.steady(["logs"])).stdout).toBe(text.replaceAll("web", "shop/web"));
    expect((await api.steady(["logs", "shop", "--no-prefix"])).stdout).toBe("a\nb\nc\nd\n");
    expect((await api.steady(["logs", "shop", "-t", "--tail", "1"])).stdout).toBe(`web-0 | ${at(3)} c\nweb-1 | ${at(4)} d\n`);
    expect((await api.steady(["logs", "shop", "--color", "always", "--tail=1"])).stdout).toBe(
      "\u001b[36mweb-0 | \u001b[39mc\n\u001b[33mweb-1 | \u001b[39md\n",
    );
  });

  it("of one replica or pod: the lines as they are", async () => {
    for (const target of ["shop/web-0", "shop-web-0-abcde", "pod/shop-web-0-abcde", "shop/shop-web-0-abcde"])
      expect(await api.steady(["logs", target])).toEqual({ code: 0, stdout: "a\nc\n", stderr: "" });
  });

  it("asks for what was asked for", async () => {
    await api.steady(["logs", "shop/web-0", "--since", "5m", "--tail", "7", "--previous"]);
    expect(asked[0]?.get("tail")).toBe("7");
    expect(asked[0]?.get("previous")).toBe("1");
    expect(Math.abs(Date.now() - 300_000 - Date.parse(asked[0]?.get("sinceTime") ?? ""))).toBeLessThan(60_000);
    await api.steady(["logs", "shop/web-0", "--since", "2026-11-21T12:00:00Z"]);
    expect(asked[1]?.get("sinceTime")).toBe("2026-11-21T12:00:00Z");
  });

  it.each<[args: string[], code: number, said: string | RegExp]>([
    [["shpo"], 5, 'error: no stack or pod "shpo" in namespace default. Did you mean: shop?\n'],
    [["shop-web-0-abcd"], 5, /Did you mean: shop-web-0-abcde\?/],
    [["pod/shop-web-0-abcd"], 5, /no pod "shop-web-0-abcd" in namespace default\. Did you mean: pod\/shop-web-0-abcde\?/],
    [["shop/wbe"], 5, /no service or replica "wbe" in stack shop\. Did you mean: shop\/web\?/],
    [["shop/zzzzzz"], 5, /in stack shop\n {2}help: services: web, db\n/],
    [["shpo/web"], 5, /Did you mean: shop\?/],
    [["shop", "-n", "other"], 5, /no stack or pod "shop" in namespace other; there is one in default/],
    [["shop/web/0"], 2, /expected STACK, STACK\/SERVICE/],
    [["shop/db"], 0, "No replicas of shop/db in namespace default.\n"],
    [["shop", "--since", "yesterday"], 2, /--since: expected a duration/],
    [["shop", "--tail", "x"], 2, /--tail: expected a whole number/],
    [["shop", "-f", "--previous"], 2, /--previous has an end/],
  ])("logs %j → %d", async (args, code, words) => {
    const ran = await api.steady(["logs", ...args]);
    expect(ran.stderr).toMatch(words);
    expect([ran.code, ran.stdout]).toEqual([code, ""]);
  });

  it("says whose log cannot be read, and shows the others", async () => {
    await api.pod("2", { phase: "Pending", state: "absent", ready: false, reason: "Pulling" });
    expect(await api.steady(["logs", "shop", "--tail=1"])).toEqual({
      code: 0,
      stdout: "web-0 | c\nweb-1 | d\n",
      stderr: 'web-2: container "web" in pod "shop-web-2-abcde" is waiting to start: Pulling\n',
    });
    expect(await api.steady(["logs", "shop/web-2"])).toMatchObject({ code: 5, stdout: "" });
    await api.noPod("2");
    node.refuse = { status: 503, error: { reason: "ServiceUnavailable", message: "the engine is away" } };
    expect(await api.steady(["logs", "shop"])).toEqual({
      code: 5,
      stdout: "",
      stderr: "web-0: the engine is away\nweb-1: the engine is away\n",
    });
  });
});

describe("logs --follow", () => {
  it("first what was in the order of time, then what comes; 130 at Ctrl-C", async () => {
    said["0"] = [
      [1, "a"],
      [3, "c"],
    ];
    said["1"] = [[2, "b"]];
    const { io, end } = follow(["shop"]);
    await shows(io, "web-0 | a\nweb-1 | b\nweb-0 | c\n");
    await expect.poll(() => open.length, patient).toBe(2);
    say("1", 4, "d");
    await shows(io, "web-0 | a\nweb-1 | b\nweb-0 | c\nweb-1 | d\n");
    expect(await end()).toBe(130);
    await expect.poll(() => node.open.size, patient).toBe(0);
  });

  it("goes on after a broken connection, with each line once", async () => {
    said["0"] = [
      [1, "a"],
      [2, "b"],
      [2, "b too"],
    ];
    const { io, end } = follow(["shop/web-0"]);
    await shows(io, "a\nb\nb too\n");
    node.drop();
    said["0"].push([2, "b again"], [3, "c"]);
    await shows(io, "a\nb\nb too\nb again\nc\n");
    expect(asked.at(-1)?.get("sinceTime")).toBe(at(2));
    expect(io.stderr.text).toMatch(/^web-0: .*trying again\n$/);
    expect(await end()).toBe(130);
  });

  it("of a service: replicas join and leave", async () => {
    said["0"] = [[1, "a"]];
    await api.noPod("1");
    const { io, end } = follow(["shop/web", "--tail", "5"]);
    await shows(io, "a\n");
    said["2"] = [[2, "hello"]];
    await api.pod("2", running("2"));
    await shows(io, "a\nweb-2 | hello\n");
    await expect.poll(() => open.map((f) => f.pod).toSorted(), patient).toEqual(["0", "2"]);
    expect(open.find((f) => f.pod === "2")?.query.get("tail")).toBeNull();
    await api.noPod("2");
    await expect.poll(() => node.open.size, patient).toBe(1);
    say("0", 5, "still here");
    await shows(io, "a\nweb-2 | hello\nweb-0 | still here\n");
    expect(await end()).toBe(130);
    await api.pod("1", running("1"));
  });

  it("waits for a container that is not made yet, and reads its next run", async () => {
    await api.pod("2", { phase: "Pending", state: "absent", ready: false, reason: "Pulling" });
    const { io, end } = follow(["shop/web-2"]);
    said["2"] = [[1, "first run"]];
    await api.pod("2", running("2"));
    await shows(io, "first run\n");
    const [first] = open;
    said["2"].push([2, "second run"]);
    first?.out.end();
    await api.pod("2", { ...running("2"), startedAt: "2026-11-21T12:05:00.000Z" });
    await shows(io, "first run\nsecond run\n");
    expect(await end()).toBe(130);
    await api.noPod("2");
  });

  it("of a pod ends with the pod", async () => {
    await api.pod("2", running("2"));
    const io = api.io();
    const following = api.steady(["logs", "-f", "shop-web-2-abcde"], {}, io);
    await expect.poll(() => open.length, patient).toBe(1);
    say("2", 1, "bye");
    await shows(io, "bye\n");
    await api.noPod("2");
    expect((await following).code).toBe(0);
    expect(io.stderr.text).toBe("pod shop-web-2-abcde is gone\n");
  });

  it("ends with 3 when its token is revoked", async () => {
    const token = await createToken(api.kv, realEnv, { name: "bob", groups: ["system:readers"] });
    const users = `users: [{name: x, user: {token: ${token}}}]`;
    api.file(
      "bob",
      `contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\nclusters: [{name: x, cluster: {server: "${api.url}"}}]\n${users}\n`,
    );
    const io = api.io();
    const following = api.steady(["logs", "-f", "shop", "--kubeconfig", "bob"], {}, io);
    await expect.poll(() => open.length, patient).toBe(2);
    await revokeTokenId(api.kv, tokenIdOf(token) ?? "");
    expect((await following).code).toBe(3);
    expect(io.stderr.text).toContain("the token of this context is not known here (any more)");
  });
});
