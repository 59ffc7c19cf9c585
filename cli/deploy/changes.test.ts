import { describe, expect, it } from "vitest";
import { compile } from "../../controller/compile.ts";
import { style } from "../text/style.ts";
import { type Effect, serviceChanges } from "./changes.ts";
import { normalBody } from "./normal.ts";
import { showPlan } from "./show.ts";

type Services = Record<string, object>;
const body = (services: Services): ReturnType<typeof normalBody> =>
  normalBody(
    {
      apiVersion: "steadfleet.dev/v1",
      kind: "Stack",
      metadata: { name: "shop", namespace: "default", uid: "", resourceVersion: "", creationTimestamp: "" },
      spec: { services, volumes: { data: {} } },
    },
    "shop",
  );

const web = { image: "nginx:1.27", ports: ["8080:80"] };
const rows: { name: string; from: object | undefined; to: object | undefined; effect: Effect; paths?: string[] }[] = [
  { name: "nothing", from: web, to: web, effect: "unchanged" },
  { name: "another spelling of the same", from: web, to: { ...web, ports: [{ target: 80, published: "8080" }] }, effect: "unchanged" },
  { name: "a new service", from: undefined, to: web, effect: "create" },
  { name: "a service that goes", from: web, to: undefined, effect: "delete" },
  { name: "another image", from: web, to: { ...web, image: "nginx:1.28" }, effect: "replace", paths: ["image"] },
  {
    name: "an environment variable",
    from: { ...web, environment: { A: "1" } },
    to: { ...web, environment: { A: "2" } },
    effect: "replace",
    paths: ["env.A"],
  },
  {
    name: "a limit",
    from: web,
    to: { ...web, deploy: { resources: { limits: { memory: "64M" } } } },
    effect: "update",
    paths: ["limits.memoryBytes"],
  },
  { name: "the restart policy", from: web, to: { ...web, restart: "always" }, effect: "update", paths: ["restart.policy"] },
  { name: "more replicas", from: { image: "a" }, to: { image: "a", deploy: { replicas: 3 } }, effect: "scale", paths: ["replicas"] },
  {
    name: "a limit and another image",
    from: web,
    to: { ...web, image: "b", deploy: { resources: { limits: { memory: "64M" } } } },
    effect: "replace",
  },
  {
    name: "a constraint",
    from: web,
    to: { ...web, deploy: { placement: { constraints: ["node.labels.disk==ssd"] } } },
    effect: "update",
    paths: ["constraints"],
  },
  { name: "global", from: web, to: { ...web, deploy: { mode: "global" } }, effect: "replace" },
];

const other = { image: "other" };
const services = (s: object | undefined): Services => ({ other, ...(s ? { web: s } : {}) });

describe("what a change does", () => {
  it.each(rows)("$name → $effect", ({ from, to, effect, paths }) => {
    const changes = serviceChanges(body(services(from)), body(services(to)));
    expect(changes.find((c) => c.service === "other")?.effect).toBe("unchanged");
    const change = changes.find((c) => c.service === "web");
    expect(change?.effect).toBe(effect);
    if (paths) expect(change?.changes.map((c) => c.path)).toEqual(paths);
  });

  it.each(rows.filter((r) => r.from && r.to && r.effect !== "scale"))("and the controller agrees: $name", ({ from, to, effect, name }) => {
    const hash = (s: object | undefined): string | undefined =>
      compile(body(services(s))).services.find((c) => c.name === "web")?.templateHash;
    // From replicated to global every pod is another slot's.
    if (name !== "global") expect(hash(from) !== hash(to)).toBe(effect === "replace");
  });

  it("no value of the environment is ever shown", () => {
    const changes = serviceChanges(
      body({ web: { ...web, environment: { A: "hunter2", B: "old" } } }),
      body({ web: { ...web, environment: { A: "hunter3" } } }),
    );
    expect(JSON.stringify(changes)).not.toMatch(/hunter|old/);
  });
});

describe("a plan", () => {
  it("reads like one", () => {
    const from = body({
      web: { ...web, ports: ["80"], deploy: { replicas: 3 } },
      api: { image: "api" },
      cron: { image: "cron", volumes: ["data:/data"] },
      redis: { image: "redis:7" },
    });
    const to = body({
      web: { ...web, ports: ["80"], image: "nginx:1.28", deploy: { replicas: 3 } },
      api: { image: "api", deploy: { resources: { limits: { cpus: "0.5" } } } },
      redis: { image: "redis:7" },
      db: { image: "db", volumes: ["data:/data"], deploy: { replicas: 1 } },
    });
    expect(
      showPlan(
        [{ stack: "shop", namespace: "default", file: "shop.yaml", action: "change", services: serviceChanges(from, to) }],
        [{ name: "namespace/team", action: "create" }],
        "home",
        style(false),
      ),
    ).toMatchInlineSnapshot(`
      "shop ← shop.yaml    context home
        ~ api    update in place (no restart)                   api
            limits.cpus  (none) → 0.5
        - cron   delete 1 replica                               cron                 volume data is kept
        + db     create 1 replica                               db                   volume data
        = redis  unchanged                                      redis:7
        ~ web    replace 3 replicas, stop first, one at a time  nginx:1.28  auto→80
            image  nginx:1.27 → nginx:1.28

        + namespace/team
      Plan: services: 1 to create, 1 to replace, 1 to update in place, 1 to delete, 1 unchanged, 1 other object to create or change.
      "
    `);
  });
});
