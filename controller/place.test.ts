import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { NodeView } from "./model.ts";
import { place, type PlacementRequest, portsClash, type Tally } from "./place.ts";
import { hostname, label, node, taint } from "./testing/builders.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** Of a world without pods of the service; what the nodes say about themselves counts. */
const tallyOf = (nodes: NodeView[], ofService: Record<string, number> = {}): Tally => {
  const byName = new Map(nodes.map((n) => [n.name, n]));
  return {
    ofService: (n) => ofService[n] ?? 0,
    total: (n) => byName.get(n)?.pods ?? 0,
    ports: (n) => byName.get(n)?.ports ?? [],
    names: (n) => byName.get(n)?.names ?? [],
  };
};
const port = (published: number, hostIp?: string) => ({ target: 80, published, protocol: "tcp" as const, ...(hostIp ? { hostIp } : {}) });
const use = (published: number, hostIp?: string) => ({
  published,
  protocol: "tcp",
  ...(hostIp ? { hostIp } : {}),
  stack: "default/blog",
  pod: "blog-web-0-abcde",
});

const rows: { name: string; nodes: NodeView[]; request?: Partial<PlacementRequest>; ofService?: Record<string, number>; want: string }[] = [
  { name: "takes the first by name among equals", nodes: [node("n2"), node("n1")], want: "n1" },
  { name: "takes the one with fewest pods of the service", nodes: [node("n1"), node("n2", { pods: 9 })], ofService: { n1: 1 }, want: "n2" },
  { name: "then the one with fewest pods in all", nodes: [node("n1", { pods: 2 }), node("n2", { pods: 1 })], want: "n2" },
  { name: "knows when there is no node at all", nodes: [], want: "0 of 0 nodes fit: no node has joined yet" },
  {
    name: "counts equal reasons together, and names cordoned nodes",
    nodes: [node("n1"), node("n2"), node("n3", { labels: { disk: "ssd" }, unschedulable: true })],
    request: { constraints: [label("disk", "ssd")] },
    want: "0 of 3 nodes fit: 2 lack label disk=ssd · 1 cordoned (n3)",
  },
  {
    name: "says which node does not answer, and which is not ready",
    nodes: [
      node("n1", { ready: false, notReady: "not responding" }),
      node("n2", { ready: false, notReady: "not ready: Docker does not answer" }),
    ],
    want: "0 of 2 nodes fit: 1 not ready: Docker does not answer (n2) · 1 not responding (n1)",
  },
  { name: "compares node.hostname with the name", nodes: [node("n1"), node("n2")], request: { constraints: [hostname("n2")] }, want: "n2" },
  {
    name: "and with the reported hostname",
    nodes: [node("n1"), node("n2", { hostname: "pi" })],
    request: { constraints: [hostname("pi")] },
    want: "n2",
  },
  {
    name: "excludes by !=",
    nodes: [node("n1", { labels: { zone: "a" } })],
    request: { constraints: [{ ...label("zone", "a"), operator: "!=" }] },
    want: "0 of 1 node fits: 1 has label zone=a, which is excluded",
  },
  {
    name: "keeps away from a taken host port, and says whose it is",
    nodes: [node("n1", { ports: [use(80)] })],
    request: { ports: [port(80)] },
    want: "0 of 1 node fits: 1 host port 80/tcp in use by default/blog-web-0-abcde (n1)",
  },
  {
    name: "shares a port between different addresses",
    nodes: [node("n1", { ports: [use(80, "10.0.0.1")] })],
    request: { ports: [port(80, "10.0.0.2")] },
    want: "n1",
  },
  {
    name: "sees that one node cannot give a port twice",
    nodes: [node("n1")],
    request: { ports: [port(80), port(80)] },
    want: "0 of 1 node fits: 1 has host port 80/tcp once, and it is wanted twice",
  },
  {
    name: "gives a container name once on a node, and says who has it",
    nodes: [node("n1", { names: [{ name: "db", stack: "default/blog", pod: "blog-db-0-abcde" }] })],
    request: { names: ["web", "db"] },
    want: '0 of 1 node fits: 1 container name "db" in use by default/blog-db-0-abcde (n1)',
  },
  {
    name: "takes another node for the same container name",
    nodes: [node("n1", { names: [{ name: "db", stack: "default/blog", pod: "blog-db-0-abcde" }] }), node("n2", { pods: 9 })],
    request: { names: ["db"] },
    want: "n2",
  },
  {
    name: "follows a volume, whatever else is free",
    nodes: [node("n1"), node("n2", { unschedulable: true })],
    request: { pinned: { type: "volume", volume: "data", node: "n2" } },
    want: "waits for node n2, which is cordoned: volume data is there. Next: kubectl uncordon n2",
  },
  {
    name: "keeps away from taints, and prefers nodes that none advises against",
    nodes: [
      node("n1", { taints: [taint("NoSchedule")] }),
      node("n2", { taints: [taint("NoExecute")] }),
      node("n3", { taints: [taint("PreferNoSchedule")] }),
      node("n4", { pods: 9 }),
    ],
    ofService: { n4: 3 },
    want: "n4",
  },
  {
    name: "takes a node that a taint only advises against when there is no other",
    nodes: [node("n1", { unschedulable: true }), node("n2", { taints: [taint("PreferNoSchedule")] })],
    want: "n2",
  },
  {
    name: "names taints and who has them",
    nodes: [node("n1", { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] }), node("n2", { unschedulable: true })],
    want: "0 of 2 nodes fit: 1 cordoned (n2) · 1 tainted gpu=yes:NoSchedule (n1)",
  },
  {
    name: "says what opens the node that a group must wait for",
    nodes: [node("n1", { taints: [taint("NoSchedule", "gpu")] }), node("n2")],
    request: { pinned: { type: "group", services: ["api", "web"], node: "n1" } },
    want:
      "waits for node n1, which is tainted gpu:NoSchedule: api, web must share a node, and some of them still run there. " +
      "Next: kubectl taint node n1 gpu-, or kubectl drain n1 to move them all",
  },
  {
    name: "does not start with an empty volume behind people's backs",
    nodes: [node("n1")],
    request: { pinned: { type: "volume", volume: "data", node: "n9" } },
    want: "volume data is on node n9, which is not known any more: bring n9 back, or give the volume another name to start with an empty one elsewhere",
  },
];

describe("place", () => {
  for (const row of rows) {
    it(row.name, () => {
      const got = place({ constraints: [], ports: [], ...row.request }, row.nodes, tallyOf(row.nodes, row.ofService));
      expect("node" in got ? got.node : got.whyNot).toBe(row.want);
    });
  }

  it("chooses the same node in whatever order they come, and only one that is ready and not cordoned", () => {
    const one = fc.record({ ready: fc.boolean(), unschedulable: fc.boolean(), pods: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), (raw) => {
        const nodes = raw.map((o, i) => node(`n${i}`, o));
        const got = place({ constraints: [], ports: [] }, nodes, tallyOf(nodes));
        expect(place({ constraints: [], ports: [] }, nodes.toReversed(), tallyOf(nodes))).toEqual(got);
        const chosen = "node" in got ? nodes.find((n) => n.name === got.node) : undefined;
        expect(chosen !== undefined).toBe(nodes.some((n) => n.ready && !n.unschedulable));
        if (chosen) expect(nodes.filter((n) => n.ready && !n.unschedulable).every((n) => n.pods >= chosen.pods)).toBe(true);
      }),
    );
  });

  it("knows that the wildcard address clashes with each", () => {
    expect([undefined, "0.0.0.0", "::"].map((ip) => portsClash(port(80, ip), use(80, "10.0.0.1")))).toEqual([true, true, true]);
    expect(portsClash(port(80), { ...use(80), protocol: "udp" })).toBe(false);
  });
});
