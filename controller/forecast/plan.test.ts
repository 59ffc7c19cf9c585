import { describe, expect, it } from "vitest";
import type { PlannedPod } from "../../schemas/types.ts";
import type { NodeParts } from "../place-view.ts";
import { aNode, planned, rolledOut, type Spec } from "../testing/forecast.ts";
import { templateHash } from "../compile.ts";
import type { Forecast } from "./plan.ts";

const shown = (p: PlannedPod): string => `${p.slot} ${p.effect}${p.node ? ` ${p.node}` : ""}${p.to && p.to !== p.node ? ` → ${p.to}` : ""}`;
const podsOf = (f: Forecast, service = "web"): string[] => (f.services.find((s) => s.name === service)?.pods ?? []).map(shown);
const web = { image: "web:1", ports: ["80"] };

describe("what would happen", () => {
  const two = [aNode("a"), aNode("b")];
  const rows: {
    name: string;
    nodes?: [string, NodeParts][];
    from: Spec | undefined;
    to: Spec;
    pods: string[];
    effect: string;
    downtime?: RegExp;
    changes?: string[];
  }[] = [
    { name: "a new Stack", from: undefined, to: { services: { web } }, pods: ["0 create → a"], effect: "create" },
    { name: "nothing", from: { services: { web } }, to: { services: { web } }, pods: ["0 unchanged a"], effect: "unchanged" },
    {
      name: "another image, one replica",
      nodes: [aNode("a")],
      from: { services: { web } },
      to: { services: { web: { ...web, image: "web:2" } } },
      pods: ["0 replace a"],
      effect: "replace",
      downtime: /down from stop until the new one runs/,
      changes: ["image"],
    },
    {
      name: "another image, three replicas",
      from: { services: { web: { ...web, deploy: { replicas: 3 } } } },
      to: { services: { web: { ...web, image: "web:2", deploy: { replicas: 3 } } } },
      nodes: [aNode("a")],
      pods: ["0 replace a", "1 replace a", "2 replace a"],
      effect: "replace",
      downtime: /2 of 3 stay up/,
    },
    {
      name: "a limit",
      from: { services: { web } },
      to: { services: { web: { ...web, deploy: { resources: { limits: { memory: "64M" } } } } } },
      pods: ["0 change a"],
      effect: "update",
      changes: ["mem_limit"],
    },
    {
      name: "more replicas",
      from: { services: { web } },
      to: { services: { web: { ...web, deploy: { replicas: 2 } } } },
      pods: ["0 unchanged a", "1 create → b"],
      effect: "scale",
    },
    {
      name: "fewer replicas",
      from: { services: { web: { ...web, deploy: { replicas: 2 } } } },
      to: { services: { web } },
      pods: ["0 unchanged a", "1 remove b"],
      effect: "scale",
    },
    {
      name: "a constraint that moves it",
      downtime: /down from stop/,
      from: { services: { web } },
      to: { services: { web: { ...web, deploy: { placement: { constraints: ["node.hostname==b"] } } } } },
      pods: ["0 move a → b"],
      effect: "replace",
      changes: ["deploy.placement.constraints"],
    },
    {
      name: "a service that goes",
      from: { services: { web, other: { image: "o" } } },
      to: { services: { other: { image: "o" } } },
      pods: ["0 remove a"],
      effect: "delete",
      downtime: /it goes/,
    },
    {
      name: "global",
      from: { services: { web: { ...web, deploy: { mode: "global" } } } },
      to: { services: { web: { ...web, image: "web:2", deploy: { mode: "global" } } } },
      pods: ["a replace a", "b replace b"],
      effect: "replace",
      downtime: /one after the other/,
    },
  ];
  it.each(rows)("$name", ({ nodes = two, from, to, pods, effect, downtime, changes }) => {
    const { stored, world } = from ? rolledOut(from, nodes) : { stored: undefined, world: { nodes: new Map(nodes), pods: [] } };
    const found = planned(stored, to, world);
    const service = found.services.find((s) => s.name === "web");
    expect(podsOf(found)).toEqual(pods);
    expect(service?.effect).toBe(effect);
    if (downtime) expect(service?.downtime).toMatch(downtime);
    else expect(service?.downtime).toBeUndefined();
    if (changes) expect(service?.changes.map((c) => c.path)).toEqual(changes);
    expect(found.problems).toEqual([]);
  });
});

it("says which keys and never which values of the environment", () => {
  const from = { ...web, environment: { DB_PASSWORD: "old-value", A: "same" }, command: "run --token abc123 --x 1" };
  const to = { ...web, environment: { DB_PASSWORD: "new-value", A: "same", NEW: "1" }, command: "run --token def456 --x 2" };
  const { stored, world } = rolledOut({ services: { web: from } }, [aNode("a")]);
  const found = planned(stored, { services: { web: to } }, world);
  const [service] = found.services;
  expect(service?.changes.map((c) => c.path)).toEqual(["command", "environment.DB_PASSWORD", "environment.NEW"]);
  expect(JSON.stringify(found)).not.toMatch(/old-value|new-value|abc123|def456/);
  expect(service?.pods[0]?.why).toBe("command, environment.DB_PASSWORD, environment.NEW changed");
});

it("keeps named volumes, on their node, and leaves those that nobody mounts any more", () => {
  const db = { image: "db:1", volumes: ["data:/data"] };
  const { stored, world } = rolledOut({ services: { db }, volumes: { data: {} } }, [aNode("a"), aNode("b")]);
  const replaced = planned(stored, { services: { db: { ...db, image: "db:2" } }, volumes: { data: {} } }, world);
  expect(replaced.volumes).toEqual([{ key: "data", name: "shop_data", node: "a", services: ["db"], effect: "keep" }]);
  const left = planned(stored, { services: { db: { image: "db:2" } } }, world);
  expect(left.volumes.map((v) => v.effect)).toEqual(["leave"]);
  const fresh = planned(undefined, { services: { db }, volumes: { data: {} } }, { nodes: new Map([aNode("a")]), pods: [] });
  expect(fresh.volumes.map((v) => v.effect)).toEqual(["create"]);
  expect(fresh.networks).toEqual([{ key: "default", name: "shop_default", node: "a", effect: "create" }]);
});

it("says with the node's name why something cannot be placed", () => {
  const pinned = { ...web, ports: ["80:80"], deploy: { replicas: 2 } };
  const found = planned(undefined, { services: { web: pinned } }, { nodes: new Map([aNode("a")]), pods: [] });
  expect(podsOf(found)).toEqual(["0 create → a"]);
  expect(found.problems.join()).toMatch(/web: .*80.*/);
  const none = planned(undefined, { services: { web } }, { nodes: new Map([aNode("a", { session: false })]), pods: [] });
  expect(none.problems.join()).toMatch(/web: .*a/);
});

it("a world in which something else would happen has another digest; one that differs in what matters not has the same", () => {
  const nodes = [aNode("a"), aNode("b")];
  const { stored, world } = rolledOut({ services: { web } }, nodes);
  const next = { services: { web: { ...web, image: "web:2" } } };
  const { digest } = planned(stored, next, world);
  expect(planned(stored, next, world).digest).toBe(digest);
  expect(planned(stored, next, { ...world, nodes: new Map([...nodes, aNode("c")]) }).digest).toBe(digest);
  expect(planned(stored, next, { ...world, nodes: new Map([aNode("a", { unschedulable: true }), aNode("b")]) }).digest).not.toBe(digest);
  expect(planned(stored, { services: { web: { ...web, image: "web:3" } } }, world).digest).not.toBe(digest);
});

it("contents of configs: the same ones replace nothing, others do, and are not told", () => {
  const web2 = { image: "web:1", configs: ["conf"] };
  const spec = (content: string): Spec => ({ services: { web: web2 }, configs: { conf: { content } } });
  const { stored, world } = rolledOut(spec("one"), [aNode("a")]);
  // As the controller leaves it: with a hash, and without content.
  const pods = world.pods.map((p) => {
    const files = p.desired.container.files?.map((f) => ({ ...f, source: { kind: "Inline" as const, content: "" }, hash: "1234" }));
    return { ...p, desired: { ...p.desired, container: { ...p.desired.container, ...(files ? { files } : {}) } } };
  });
  const hashed = pods.map((p) => ({ ...p, desired: { ...p.desired, templateHash: templateHash(p.desired.container) } }));
  expect(podsOf(planned(stored, spec("one"), { ...world, pods: hashed }))).toEqual(["0 unchanged a"]);
  const other = planned(stored, spec("two-secret"), { ...world, pods: hashed });
  expect(podsOf(other)).toEqual(["0 replace a"]);
  expect(other.services[0]?.changes.map((c) => c.path)).toEqual(["configs.conf.content"]);
  expect(other.services[0]?.pods[0]?.why).toBe("config conf has other content");
  const both = planned(stored, { ...spec("two-secret"), services: { web: { ...web2, image: "web:2" } } }, { ...world, pods: hashed });
  expect(both.services[0]?.pods[0]?.why).toBe("image changed, config conf has other content");
  expect(JSON.stringify(other)).not.toContain("two-secret");
});
