import { describe, expect, it } from "vitest";
import { aNode, planned, rolledOut, type Spec } from "../../controller/testing/forecast.ts";
import { style } from "../text/style.ts";
import { type ObjectChange, showPlan } from "./show.ts";

const web = { image: "nginx:1.27", ports: ["80"], environment: { MODE: "a", TOKEN: "x" }, deploy: { replicas: 3 } };
const shop: Spec = {
  services: {
    web,
    api: { image: "api", networks: ["back"] },
    cron: { image: "cron", volumes: ["jobs:/jobs"], networks: ["back"] },
    redis: { image: "redis:7", networks: ["back"] },
  },
  networks: { back: {} },
  volumes: { data: {}, jobs: {} },
};
const nodes = [aNode("laptop"), aNode("nas", { labels: { disk: "ssd" } })];

const rows: { name: string; from?: Spec; to: Spec; objects?: ObjectChange[]; nodes?: typeof nodes }[] = [
  { name: "a new stack", to: shop, objects: [{ name: "namespace/team", action: "create" }] },
  {
    name: "a change of everything",
    from: shop,
    to: {
      ...shop,
      services: {
        web: { ...web, image: "nginx:1.28", environment: { MODE: "b", TOKEN: "x", NEW: "1" } },
        api: { image: "api", networks: ["back"], deploy: { resources: { limits: { cpus: "0.5" } } } },
        db: { image: "postgres:16", volumes: ["data:/data"], networks: ["back"] },
        redis: { image: "redis:7", networks: ["back"] },
      },
    },
  },
  { name: "nothing", from: shop, to: shop },
  {
    name: "a database that is replaced",
    from: {
      services: { db: { image: "postgres:16", volumes: ["data:/data"], healthcheck: { test: "pg_isready" } } },
      volumes: { data: {} },
    },
    to: {
      services: { db: { image: "postgres:16.1", volumes: ["data:/data"], healthcheck: { test: "pg_isready" } } },
      volumes: { data: {} },
    },
  },
  {
    name: "a service that moves",
    from: { services: { web: { image: "nginx:1.27" } } },
    to: { services: { web: { image: "nginx:1.27", deploy: { placement: { constraints: ["node.labels.disk==ssd"] } } } } },
  },
  {
    name: "no node fits",
    to: { services: { web: { image: "nginx:1.27", ports: ["8080:80"], deploy: { replicas: 3 } } } },
  },
  {
    name: "many replicas",
    from: { services: { web: { image: "nginx:1.27", deploy: { replicas: 9 } } } },
    to: { services: { web: { image: "nginx:1.27", command: "nginx --password=hunter2", deploy: { replicas: 9 } } } },
    nodes: [aNode("nas")],
  },
  {
    name: "on each node",
    from: { services: { agent: { image: "agent:1", deploy: { mode: "global" } } } },
    to: { services: { agent: { image: "agent:2", deploy: { mode: "global" } } } },
  },
];

describe("a plan in words", () => {
  it.each(rows)("$name", async ({ name, from, to, objects = [], nodes: on = nodes }) => {
    const { stored, world } = from ? rolledOut(from, on) : { stored: undefined, world: { nodes: new Map(on), pods: [] } };
    const plan = planned(stored, to, world);
    const action = stored ? (plan.services.some((s) => s.effect !== "unchanged") ? "change" : "unchanged") : "create";
    const text = showPlan([{ stack: "shop", namespace: "default", file: "shop.yaml", action, ...plan }], objects, "home", style(false));
    expect(text).not.toMatch(/hunter2|undefined/);
    await expect(text).toMatchFileSnapshot(`../golden/plan/${name.replaceAll(" ", "-")}.txt`);
  });
});
