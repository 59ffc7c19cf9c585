import { describe, expect, it } from "vitest";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid as run } from "../testing/compose.ts";
import type { StackSpec } from "../types.ts";
import { MAX_SERVICES } from "./normalize.ts";
import { sharesNode } from "./tied.ts";

const told = (spec: StackSpec): { problems: string[]; warnings: string[] } => {
  const { problems = [], warnings } = run(spec);
  return { problems: problems.map(formatProblem), warnings: warnings.map(formatWarning) };
};

describe("services seen together", () => {
  const image = "nginx";

  it("tell each cycle once", () => {
    const { problems } = told({
      services: {
        a: { image, depends_on: ["b"] },
        b: { image, depends_on: ["c"] },
        c: { image, depends_on: ["b"] },
        d: { image, depends_on: ["a"] },
      },
    });
    expect(problems).toEqual(["spec.services.b.depends_on: services wait for each other: b → c → b — Remove one of these dependencies."]);
  });

  it("tell of a condition that cannot come true", () => {
    const healthy = { db: { condition: "service_healthy" } } as const;
    expect(told({ services: { web: { image, depends_on: healthy }, db: { image } } }).warnings).toEqual([
      'spec.services.web.depends_on.db.condition: "db" has no healthcheck here; unless its image has one, "web" never starts',
    ]);
    expect(told({ services: { web: { image, depends_on: healthy }, db: { image, healthcheck: { disable: true } } } }).problems).toEqual([
      expect.stringMatching(/the health check of "db" is off, so it never becomes healthy/),
    ]);
    const done = { job: { condition: "service_completed_successfully" } } as const;
    expect(told({ services: { web: { image, depends_on: done }, job: { image, restart: "always" } } }).problems).toEqual([
      expect.stringMatching(/"job" is restarted whenever it ends \(restart: always\), so it never completes/),
    ]);
  });

  it("refuse replicas with one host port only where they share a node", () => {
    const service = { image, ports: ["8080:80"], deploy: { replicas: 2 } };
    expect(told({ services: { web: service } }).problems).toEqual([]);
    expect(told({ services: { web: service, db: { image } } }).problems).toEqual([
      expect.stringMatching(/spec.services.web.deploy.replicas: 2 replicas cannot all publish the host port 8080: they run on one node/),
    ]);
    expect(told({ services: { web: { ...service, networks: ["front"] }, db: { image } }, networks: { front: {} } }).problems).toEqual([]);
  });

  it("refuse one host port twice only where it is certain to clash", () => {
    const a = { image, ports: ["8080:80"], networks: ["a"] };
    const b = { image, ports: ["8080:80"], networks: ["b"] };
    const networks = { a: {}, b: {} };
    expect(told({ services: { a, b }, networks }).problems).toEqual([]);
    expect(told({ services: { a, b: { ...b, networks: ["a"] } }, networks }).problems).toEqual([
      expect.stringMatching(/spec.services.b.ports: the host port 8080 is also published by "a"/),
    ]);
    expect(told({ services: { a: { ...a, deploy: { mode: "global" } }, b }, networks }).problems).toHaveLength(1);
    const ssd = { mode: "global" as const, placement: { constraints: ["node.labels.disk==ssd"] } };
    expect(told({ services: { a: { ...a, deploy: ssd }, b }, networks }).problems).toEqual([]);
  });

  it("tell a cycle at the key that makes it", () => {
    const { problems } = told({ services: { a: { image, network_mode: "service:b" }, b: { image, volumes_from: ["a"] } } });
    expect(problems).toEqual(["spec.services.a.network_mode: services wait for each other: a → b → a — Remove one of these dependencies."]);
  });

  it("are called by the names that links give them, on the networks they have in common", () => {
    const { normal } = run({
      services: { web: { image, links: ["db:database", "db"], networks: ["a", "b"] }, db: { image, networks: ["b", "c"] } },
      networks: { a: {}, b: {}, c: {} },
    });
    const [db, web] = normal?.services ?? [];
    expect(db?.container.networks.map((n) => [n.key, n.aliases])).toEqual([
      ["b", ["database"]],
      ["c", []],
    ]);
    expect(web?.dependsOn).toEqual([{ service: "db", condition: "service_started" }]);
  });

  it("wait for those whose namespaces or volumes they share, as depends_on says if it says so", () => {
    const dependsOf = (service: Partial<StackSpec["services"][string]>): unknown =>
      run({ services: { web: { image, ...service }, db: { image, ipc: "shareable", healthcheck: { test: "true" } } } }).normal?.services[1]
        ?.dependsOn;
    const started = [{ service: "db", condition: "service_started" }];
    expect(dependsOf({ pid: "service:db" })).toEqual(started);
    expect(dependsOf({ volumes_from: ["db"] })).toEqual(started);
    const healthy = [{ service: "db", condition: "service_healthy" }];
    expect(dependsOf({ ipc: "service:db", depends_on: { db: { condition: "service_healthy" } } })).toEqual(healthy);
  });

  it("share only what is there to be shared", () => {
    const sharing = { image, ipc: "service:db" };
    expect(told({ services: { web: sharing, db: { image } } }).problems).toEqual([
      'spec.services.web.ipc: the shared memory of "db" is its own — Give "db" `ipc: shareable`.',
    ]);
    expect(told({ services: { web: sharing, db: { image, ipc: "host" } } }).problems).toEqual([]);
    const everywhere = { image, pid: "service:db", deploy: { mode: "global" as const } };
    expect(told({ services: { web: everywhere, db: { image } } }).problems).toEqual([
      'spec.services.web.pid: "web" runs on each node, and "db" does not — Give "db" `deploy: {mode: global}`, too.',
    ]);
  });

  it("have container names of their own", () => {
    const named = { image, container_name: "xy" };
    expect(told({ services: { a: named, b: named } }).problems).toEqual([
      'spec.services.b.container_name: the service "a" has the container name "xy", too',
    ]);
    expect(told({ services: { a: { ...named, scale: 2 }, b: { image } } }).problems).toEqual([
      expect.stringContaining('spec.services.a.container_name: 2 replicas cannot all be called "xy"'),
    ]);
    expect(told({ services: { a: { ...named, scale: 2 } } }).problems).toEqual([]);
  });

  it("warn about version, name and variables", () => {
    const { warnings } = told({
      version: "3.8",
      name: "other",
      services: { web: { image, environment: { A: "${B}", C: "$$x" }, command: ["sh", "-c", "echo ${HOME}"] } },
    });
    expect(warnings).toEqual([
      "spec.version: `version` is obsolete and has no effect; remove it",
      'spec.name: the Stack is named by metadata.name ("shop"); "other" has no effect',
      "spec.services.web.environment.A: ${B} looks like a variable; the server fills in none and keeps it as written",
    ]);
  });

  it("refuse names that cannot be", () => {
    const { problems } = told({ services: { "-x": { image }, ["a".repeat(64)]: { image } }, volumes: { "a b": {} } });
    expect(problems).toEqual([
      expect.stringMatching(/spec.volumes\[a b\]: the key "a b" must be/),
      expect.stringMatching(/spec.services\[-x\]: the service name "-x" must be/),
      expect.stringMatching(/at most 63 characters/),
    ]);
  });

  it(`are at most ${MAX_SERVICES}`, () => {
    const services = Object.fromEntries(Array.from({ length: MAX_SERVICES + 1 }, (_, i) => [`s${i}`, { image }]));
    expect(told({ services }).problems).toEqual([`spec.services: at most ${MAX_SERVICES} services; these are ${MAX_SERVICES + 1}`]);
  });
});

describe("services that share a node", () => {
  it.each<[string, Partial<StackSpec>, boolean]>([
    ["on the default network", { services: { web: { image: "a" }, db: { image: "a" } } }, true],
    ["with a volume", { services: { web: { image: "a", volumes: ["data:/d"] } }, volumes: { data: {} } }, true],
    [
      "with another's network",
      { services: { web: { image: "a", network_mode: "service:db" }, db: { image: "a", networks: ["x"] } }, networks: { x: {} } },
      true,
    ],
    [
      "with another's volumes",
      { services: { web: { image: "a", networks: ["x"], volumes_from: ["db"] }, db: { image: "a" } }, networks: { x: {} } },
      true,
    ],
    ["on the node's network", { services: { web: { image: "a", network_mode: "host" }, db: { image: "a", network_mode: "host" } } }, false],
    ["alone", { services: { web: { image: "a" } } }, false],
    ["on networks of their own", { services: { web: { image: "a", networks: ["x"] }, db: { image: "a" } }, networks: { x: {} } }, false],
    ["global", { services: { web: { image: "a", deploy: { mode: "global" } }, db: { image: "a" } } }, false],
    ["in a body that is not valid", { services: { web: { image: "" }, db: { image: "a" } } }, false],
    ["that are not there", { services: { db: { image: "a" }, api: { image: "a" } } }, false],
  ])("%s", (_, spec, tied) => {
    expect(sharesNode({ metadata: { name: "shop" }, spec: spec as StackSpec }, "web")).toBe(tied);
  });
});
