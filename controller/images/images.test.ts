// Which bits a fleet runs: agents that tell, a controller that pins.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fleet } from "../testing/fleet.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;
const C = `sha256:${"c".repeat(64)}`;
let fleet: Fleet;
/** What the registry says that a tag means, to each node. */
let means: Record<string, Record<string, string>>;

beforeEach(async () => {
  fleet = new Fleet();
  means = {};
  for (const n of ["n1", "n2", "n3"]) await fleet.agent(n, { bits: (image) => means[n]?.[image] });
  fleet.control();
  await fleet.env.advance(1_000);
});
afterEach(() => fleet.close());

const everywhere = (image: string, digest: string): void => {
  for (const n of ["n1", "n2", "n3"]) means[n] = { ...means[n], [image]: digest };
};
const service = () => fleet.stack("shop")?.status?.services?.["web"];
const reported = async (): Promise<(string | undefined)[]> => {
  const items = fleet.kv.server.below("/steadfleet/nodes/", fleet.kv.server.revision).filter((i) => i.key.includes("/observed/"));
  return items.map((i) => (JSON.parse(i.value) as { imageDigest?: string }).imageDigest?.split("@")[1]);
};
const up = async (image: string, more: object = {}): Promise<void> => {
  await fleet.apply("shop", { web: { image, replicas: 3, ...more } });
  await fleet.until(() => fleet.healthy("shop"));
  await fleet.env.advance(2_000);
};

describe("all pods of a template run the same bits", () => {
  it("those of the first that says, also where the tag means others", async () => {
    means = { n1: { "app:1": A }, n2: { "app:1": B }, n3: { "app:1": B } };
    await up("app:1");
    expect(new Set(await reported()).size).toBe(1);
    const [digest] = await reported();
    expect(service()?.imageDigest).toBe(digest);
    expect(fleet.revisions("shop")[0]?.services["web"]).toMatchObject({ imageDigest: digest });
    // New ones, too, whatever the tag has come to mean.
    everywhere("app:1", C);
    await up("app:1", { replicas: 5 });
    expect(new Set(await reported())).toEqual(new Set([digest]));
    expect(fleet.pods("shop")).toHaveLength(5);
  });

  it("and go back to the same ones", async () => {
    everywhere("app:1", A);
    await up("app:1");
    everywhere("app:2", B);
    await up("app:2");
    expect(service()?.imageDigest).toBe(B);
    everywhere("app:1", C);
    await up("app:1");
    expect(service()?.imageDigest).toBe(A);
    expect(new Set(await reported())).toEqual(new Set([A]));
  });

  it("until a restart resolves the tag anew", async () => {
    everywhere("app:1", A);
    await up("app:1");
    everywhere("app:1", B);
    await up("app:1", { restartedAt: "2026-01-02T00:00:00Z" });
    expect(service()?.imageDigest).toBe(B);
    expect(new Set(await reported())).toEqual(new Set([B]));
  });

  it("a pod that runs them is not rewritten, and what no registry knows is not pinned", async () => {
    everywhere("app:1", A);
    await up("app:1");
    const before = fleet.kv.server.revision;
    await fleet.env.advance(60_000);
    expect(fleet.kv.server.revision).toBe(before);
    await up("local:1");
    expect(service()?.imageDigest).toBeUndefined();
    expect(fleet.pods("shop").every((p) => p.pod.imageDigest === undefined)).toBe(true);
  });

  it("costs an apply no more than one revision", async () => {
    const cost = async (name: string, image: string): Promise<number> => {
      const before = fleet.kv.server.revision;
      await fleet.apply(name, { web: { image, networks: ["a"], volumes: ["v"], replicas: 3 } });
      await fleet.until(() => fleet.healthy(name));
      await fleet.env.advance(5_000);
      return fleet.kv.server.revision - before;
    };
    everywhere("app:1", A);
    const local = await cost("local", "local:1");
    expect(await cost("remote", "app:1")).toBeLessThanOrEqual(local + 1);
  });
});

describe("an update to what cannot start", () => {
  it("leaves what serves alone, says why, and goes on when it is put right", async () => {
    await fleet.agent("n4", {
      unprepared: (image) => (image === "app:gone" ? { reason: "ImageNotFound", message: "check name and tag" } : undefined),
    });
    await fleet.until(() => fleet.agents.has("n4"));
    const on = { replicas: 1, constraints: [] };
    for (const n of ["n1", "n2", "n3"]) await fleet.editNode(n, (node) => ({ ...node, spec: { ...node.spec, unschedulable: true } }));
    await fleet.env.advance(1_000);
    await up("app:1", on);
    const [before] = fleet.pods("shop");
    expect(before?.node).toBe("n4");
    await fleet.apply("shop", { web: { image: "app:gone", ...on } });
    await fleet.until(() => fleet.stack("shop")?.status?.health === "Degraded");
    await fleet.env.advance(60_000);
    const status = fleet.stack("shop")?.status;
    expect(status).toMatchObject({ health: "Degraded", ready: "1/1" });
    expect(status?.conditions?.find((c) => c.type === "Degraded")?.message).toMatch(/n4 cannot start what comes next: ImageNotFound/);
    expect(fleet.pods("shop").map((p) => [p.pod.uid, p.pod.deletionTimestamp])).toEqual([[before?.pod.uid, undefined]]);
    await up("app:2", on);
    expect(fleet.pods("shop").map((p) => p.pod.container.image)).toEqual(["app:2"]);
  });
});
