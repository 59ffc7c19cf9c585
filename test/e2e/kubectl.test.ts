// An unmodified kubectl against the real API on a real etcd: what is promised to people who know kubectl.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Stack } from "../../schemas/types.ts";
import { ApiWorld, healthy } from "../api-world.ts";
import { until } from "../harness/until.ts";
import { heading, Kubectl, kubectlPrograms, rows } from "../kubectl.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const programs = await kubectlPrograms();
let world: ApiWorld;

beforeAll(async () => {
  world = await ApiWorld.start();
  await world.putNode("alpha");
});
afterAll(() => world?.close());

const stack = (name: string, web: object = {}, spec: object = {}) => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name, labels: { app: name } },
  spec: { services: { web: { image: "nginx:1.27", ports: ["8080:80"], ...web } }, ...spec },
});

// One client after the other, each in a namespace of its own; the tests of one build on each other.
describe.each(programs)("kubectl $version", (program) => {
  /** Validates by itself, by OpenAPI v2; newer ones let the server do it. */
  const old = Number(program.version.split(".")[1]) < 25;
  const namespace = `k${program.version.replace(".", "-")}`;
  let k: Kubectl;
  /** Whether anyone watches stacks. */
  const watched = async () =>
    /^steadfleet_api_watchers\{resource="stacks\.steadfleet\.dev"\} [1-9]/m.test(await k.ok("get", "--raw", "/metrics"));
  const patch = (type: string, body: unknown) => k.ok("patch", "stack", "blog", `--type=${type}`, "-p", JSON.stringify(body));
  const stored = (name: string) => world.client.get<Stack>("stacks", name, namespace);

  beforeAll(() => {
    k = new Kubectl(program, world.cluster, namespace);
  });
  afterAll(() => k?.close());

  describe("finds out what there is", () => {
    it("api-versions", async () => {
      expect((await k.ok("api-versions")).trim().split("\n")).toEqual(expect.arrayContaining(["steadfleet.dev/v1", "v1"]));
    });

    it("api-resources", async () => {
      const table = rows(await k.ok("api-resources"));
      expect(table).toContainEqual(["stacks", "stk", "steadfleet.dev/v1", "true", "Stack"]);
      expect(table).toContainEqual(["nodes", "no", "v1", "false", "Node"]);
      const kinds = ["configmaps", "events", "namespaces", "nodes", "pods", "secrets", "stacks"];
      expect(table.map((r) => r[0])).toEqual(expect.arrayContaining(kinds));
    });

    it("version", async () => {
      expect(await k.ok("version", ...(old ? ["--short"] : []))).toMatch(/Server Version: .*v\d+\.\d+\.\d+/);
    });
  });

  describe("core objects from its own generators", () => {
    it("create namespace", async () => {
      expect(await k.ok("create", "namespace", namespace)).toBe(`namespace/${namespace} created\n`);
      expect(rows(await k.ok("get", "ns", namespace))).toEqual([[namespace, "Active", expect.stringMatching(/^\d+s$/)]]);
      const again = await k.fails("create", "namespace", namespace);
      expect(again).toMatch(/AlreadyExists|already exists/);
    });

    it("create configmap and secret", async () => {
      await k.ok("create", "configmap", "settings", "--from-literal=color=grün", "--from-literal=size=3");
      await k.ok("create", "secret", "generic", "password", "--from-literal=value=s3cret");
      expect(rows(await k.ok("get", "configmap", "settings"))[0]?.slice(0, 2)).toEqual(["settings", "2"]);
      expect(rows(await k.ok("get", "secrets", "password"))[0]?.slice(0, 3)).toEqual(["password", "Opaque", "1"]);
      expect((await k.json<{ data: object }>("get", "configmap", "settings")).data).toEqual({ color: "grün", size: "3" });
      expect(await k.ok("get", "secret", "password", "-o", "jsonpath={.data.value}")).toBe(Buffer.from("s3cret").toString("base64"));
    });

    it("apply configmap: created, unchanged, configured", async () => {
      const apply = (color: string) => {
        const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied" }, data: { color, shape: "round" } };
        return k.ok("apply", "-f", k.file("config.json", object));
      };
      expect(await apply("red")).toBe("configmap/applied created\n");
      expect(await apply("red")).toBe("configmap/applied unchanged\n");
      expect(await apply("blue")).toBe("configmap/applied configured\n");
      expect(await k.ok("get", "cm", "applied", "-o", "jsonpath={.data.color},{.data.shape}")).toBe("blue,round");
    });

    it("describe namespace", async () => {
      expect(await k.ok("describe", "namespace", namespace)).toMatch(new RegExp(`Name:\\s+${namespace}\\n(.*\\n)*Status:\\s+Active`));
    });
  });

  describe("stacks", () => {
    it("apply: created, unchanged, configured", async () => {
      expect(await k.ok("apply", "-f", k.file("shop.json", stack("shop")))).toBe("stack.steadfleet.dev/shop created\n");
      const first = await stored("shop");
      expect(first.metadata.generation).toBe(1);

      expect(await k.ok("apply", "-f", k.file("shop.json", stack("shop")))).toBe("stack.steadfleet.dev/shop unchanged\n");
      expect((await stored("shop")).metadata.resourceVersion).toBe(first.metadata.resourceVersion);

      const changed = k.file("shop.json", stack("shop", { image: "nginx:1.28" }));
      expect(await k.ok("apply", "-f", changed)).toBe("stack.steadfleet.dev/shop configured\n");
      const second = await stored("shop");
      expect(second.spec.services["web"]?.image).toBe("nginx:1.28");
      expect(second.metadata.generation).toBe(2);
    });

    it("apply --dry-run=server changes nothing", async () => {
      const before = await stored("shop");
      const file = k.file("dry.json", stack("shop", { image: "nginx:9" }));
      expect(await k.ok("apply", "--dry-run=server", "-f", file)).toBe("stack.steadfleet.dev/shop configured (server dry run)\n");
      expect(await stored("shop")).toEqual(before);
    });

    it("create refuses what exists, and stores what does not", async () => {
      expect(await k.fails("create", "-f", k.file("shop.json", stack("shop")))).toContain('stacks.steadfleet.dev "shop" already exists');
      expect(await k.ok("create", "-f", k.file("blog.json", stack("blog")))).toBe("stack.steadfleet.dev/blog created\n");
    });

    it("get prints tables", async () => {
      await world.setStatus("shop", namespace, healthy(2));
      const table = await k.ok("get", "stacks");
      expect(heading(table)).toBe("NAME READY UPDATED PROGRESS STATUS REVISION AGE");
      expect(rows(table).map((r) => r.slice(0, 5))).toEqual([
        ["blog", "<none>", "<none>", "<none>", "Unknown"],
        ["shop", "1/1", "1/1", "100%", "Healthy"],
      ]);
      expect(heading(await k.ok("get", "stk", "-o", "wide"))).toBe("NAME READY UPDATED PROGRESS STATUS REVISION AGE NODES IMAGES MESSAGE");
      expect(heading(await k.ok("get", "stacks", "-A"))).toMatch(/^NAMESPACE NAME READY/);
      expect(await k.ok("get", "stacks", "-A", "--no-headers")).toContain(namespace);
      expect(await k.ok("get", "stacks", "--show-labels")).toContain("app=shop");
      expect(rows(await k.ok("get", "stacks", "-L", "app"))[1]?.at(-1)).toBe("shop");
      expect(await k.ok("get", "stacks", "--sort-by=.metadata.name", "--no-headers")).toMatch(/^blog /);
      expect(await k.ok("get", "all")).toContain("stack.steadfleet.dev/shop");
    });

    it("get selects, and prints other forms", async () => {
      expect(await k.ok("get", "stacks", "-o", "name")).toBe("stack.steadfleet.dev/blog\nstack.steadfleet.dev/shop\n");
      expect(await k.ok("get", "stacks", "-l", "app=blog", "-o", "name")).toBe("stack.steadfleet.dev/blog\n");
      expect(await k.ok("get", "stacks", "-l", "app in (shop,x),!nothing", "-o", "name")).toBe("stack.steadfleet.dev/shop\n");
      expect(await k.ok("get", "stacks", "--field-selector", "metadata.name=shop", "-o", "name")).toBe("stack.steadfleet.dev/shop\n");
      expect(await k.ok("get", "stack", "shop", "-o", "yaml")).toContain("image: nginx:1.28");
      expect((await k.json<Stack>("get", "stack", "shop")).spec.services["web"]?.image).toBe("nginx:1.28");
      expect(await k.fails("get", "stack", "nope")).toBe('Error from server (NotFound): stacks.steadfleet.dev "nope" not found\n');
    });

    it("get -w prints what changes", async () => {
      const watch = k.start("get", "stacks", "-w", "--no-headers");
      await until(() => watch.lines.length >= 2, { what: "the stacks that are there" });
      await world.setStatus("shop", namespace, { ...healthy(2), health: "Degraded" });
      await until(() => /^shop .*Degraded/.test(watch.lines.at(-1) ?? ""), { what: "the changed row", show: () => watch.lines.join("\n") });
      await world.setStatus("shop", namespace, healthy(2));
      await until(() => /^shop .*Healthy/.test(watch.lines.at(-1) ?? ""), {
        what: "the row as before",
        show: () => watch.lines.join("\n"),
      });
      await watch.stop();
    });

    it("wait --for=condition=Ready ends when the status says so", async () => {
      expect(await k.fails("wait", "--for=condition=Ready", "stack/blog", "--timeout=1s")).toContain("timed out");
      const waiting = k.ok("wait", "--for=condition=Ready", "stack", "--all", "--timeout=30s");
      await world.setStatus("blog", namespace, healthy(1));
      const said = (await waiting).trim().split("\n").toSorted();
      expect(said).toEqual(["stack.steadfleet.dev/blog condition met", "stack.steadfleet.dev/shop condition met"]);
    });

    it("label and annotate are no change of what is wanted", async () => {
      const { generation } = (await stored("blog")).metadata;
      await k.ok("label", "stack", "blog", "tier=front");
      expect(await k.fails("label", "stack", "blog", "tier=back")).toContain("already has a value (front)");
      await k.ok("label", "stack", "blog", "tier=back", "--overwrite");
      await k.ok("annotate", "stack", "blog", "note=hello there");
      expect((await stored("blog")).metadata).toMatchObject({ labels: { tier: "back" }, annotations: { note: "hello there" } });
      await k.ok("label", "stack", "blog", "tier-");
      await k.ok("annotate", "stack", "blog", "note-");
      const { metadata } = await stored("blog");
      expect(metadata.labels).toEqual({ app: "blog" });
      expect(metadata.annotations).toBeUndefined();
      expect(metadata.generation).toBe(generation);
    });

    it("patch --type=merge and --type=json", async () => {
      const before = (await stored("blog")).metadata.generation ?? 0;
      const merge = { spec: { services: { web: { deploy: { replicas: 3 } } } } };
      expect(await patch("merge", merge)).toBe("stack.steadfleet.dev/blog patched\n");
      const web = "/spec/services/web";
      const operations = [
        { op: "test", path: `${web}/deploy/replicas`, value: 3 },
        { op: "replace", path: `${web}/image`, value: "nginx:2" },
      ];
      expect(await patch("json", operations)).toBe("stack.steadfleet.dev/blog patched\n");
      expect(await patch("merge", merge)).toBe("stack.steadfleet.dev/blog patched (no change)\n");
      const after = await stored("blog");
      expect(after.metadata.generation).toBe(before + 2);
      expect(after.spec.services["web"]).toMatchObject({ image: "nginx:2", deploy: { replicas: 3 } });
    });

    it("what is wrong is refused, with where and what was meant", async () => {
      const apply = (o: object, ...flags: string[]) => k.fails("apply", "-f", k.file("wrong.json", o), ...flags);
      const typo = await apply(stack("typo", { imgae: "x" }), ...(old ? ["--validate=false"] : []));
      expect(typo).toContain("spec.services.web.imgae");
      expect(typo).toMatch(/did you mean .*image/);
      const wrong = await apply(stack("wrong", { restart: "sometimes", ports: ["99999:80"] }));
      expect(wrong).toContain("spec.services.web.restart");
      expect(wrong).toContain("spec.services.web.ports[0]");
      const build = await apply(stack("build", { image: undefined, build: "." }), ...(old ? ["--validate=false"] : []));
      expect(build).toContain("spec.services.web.build");
      expect(build).toContain("docker build");
      expect(await k.ok("get", "stacks", "-o", "name")).toBe("stack.steadfleet.dev/blog\nstack.steadfleet.dev/shop\n");
    });

    if (old) {
      it("an unknown field is found before anything is sent", async () => {
        const said = await k.fails("apply", "-f", k.file("typo.json", stack("typo", { imgae: "x" })));
        expect(said).toContain('ValidationError(Stack.spec.services.web): unknown field "imgae"');
      });
    }

    it("short forms, long forms and null are taken as written", async () => {
      const web = {
        command: null,
        environment: { COUNT: 3, ON: true },
        ports: ["8081:80", 9000, { target: 53, protocol: "udp" }],
        networks: { default: null, back: { aliases: ["w"] } },
        depends_on: ["db"],
        healthcheck: { test: "true", interval: "5s" },
      };
      const db = { image: "postgres:16", volumes: ["data:/data"], networks: ["back", "default"] };
      const spec = { services: { web: { image: "nginx:1.27", ...web }, db }, volumes: { data: null }, networks: { back: null } };
      const file = k.file("forms.json", { ...stack("forms"), spec });
      expect(await k.ok("apply", "-f", file)).toBe("stack.steadfleet.dev/forms created\n");
      expect(await k.ok("apply", "-f", file)).toBe("stack.steadfleet.dev/forms unchanged\n");
    });

    it("the server's warnings are printed", async () => {
      const { stderr, stdout } = await k.any("apply", "-f", k.file("forms.json", stack("forms", {}, { version: "3.8" })));
      expect(stdout).toBe("stack.steadfleet.dev/forms configured\n");
      expect(stderr).toMatch(/^Warning: .*version/m);
    });

    it("a stale replace conflicts", async () => {
      const stale = await stored("shop");
      await k.ok("label", "stack", "shop", "touched=yes");
      const said = await k.fails("replace", "-f", k.file("stale.json", stale));
      expect(said).toContain('Operation cannot be fulfilled on stacks.steadfleet.dev "shop": the object has been modified');
      expect(await k.ok("replace", "-f", k.file("fresh.json", await stored("shop")))).toBe("stack.steadfleet.dev/shop replaced\n");
    });

    it("edit", async () => {
      k.edits("s/nginx:1.28/nginx:1.29/");
      expect(await k.ok("edit", "stack", "shop")).toBe("stack.steadfleet.dev/shop edited\n");
      expect((await stored("shop")).spec.services["web"]?.image).toBe("nginx:1.29");
      k.edits("");
      expect((await k.any("edit", "stack", "shop")).stderr).toContain("Edit cancelled, no changes made.");
    });

    it("diff shows what apply would change", async () => {
      const { code, stdout, stderr } = await k.any("diff", "-f", k.file("shop.json", stack("shop", { image: "nginx:1.30" })));
      expect(stderr).toBe("");
      expect(code).toBe(1);
      expect(stdout).toMatch(/-\s+image: nginx:1.29\n\+\s+image: nginx:1.30/);
    });
  });

  it("the examples are accepted as they are", async () => {
    const said = await k.ok("apply", "--dry-run=server", "-f", EXAMPLES);
    expect(said.trim().split("\n").length).toBeGreaterThanOrEqual(3);
    expect(said).toContain("stack.steadfleet.dev/web created (server dry run)");
  });

  describe("describe", () => {
    it("stack, with its events", async () => {
      await world.putEvent(await stored("shop"), "Healed", "container was removed outside; created again");
      const said = await k.ok("describe", "stack", "shop");
      expect(said).toMatch(/^Name:\s+shop$/m);
      expect(said).toMatch(/Health:\s+Healthy/);
      expect(said).toMatch(/Normal\s+Healed\s+.*\s+agent\s+container was removed outside; created again/);
      const [event] = rows(await k.ok("get", "events"));
      expect(event?.slice(1)).toEqual(["Normal", "Healed", "stack/shop", "container was removed outside; created again"]);
    });

    it("pod", async () => {
      await world.putPod("alpha", await stored("shop"), "shop-web-0-aaaaa");
      const said = await k.ok("describe", "pod", "shop-web-0-aaaaa");
      for (const line of [
        /^Node:\s+alpha\/192\.0\.2\.10$/m,
        /^Status:\s+Running$/m,
        /Controlled By:\s+Stack\/shop/,
        /Image:\s+nginx:1\.27/,
        /Ready:\s+True/,
        /memory:\s+64M/,
      ]) {
        expect(said).toMatch(line);
      }
    });

    it("node, with its pods", async () => {
      const said = await k.ok("describe", "node", "alpha");
      for (const line of [
        /^Name:\s+alpha$/m,
        /topology\.kubernetes\.io\/zone=a/,
        /InternalIP:\s+192\.0\.2\.10/,
        /Container Runtime Version:\s+docker:\/\/20\.10\.24/,
        /Ready\s+True/,
        /shop-web-0-aaaaa/,
      ]) {
        expect(said).toMatch(line);
      }
    });
  });

  describe("nodes and pods", () => {
    it("get stacks,pods,nodes -o wide", async () => {
      const crashing = { ready: false, state: "restarting", restarts: 4, reason: "CrashLoopBackOff" } as const;
      await world.putPod("alpha", await stored("shop"), "shop-web-1-bbbbb", crashing);
      const pods = await k.ok("get", "pods", "-o", "wide");
      expect(heading(pods)).toBe("NAME READY STATUS RESTARTS AGE IP NODE STACK IMAGE");
      expect(rows(pods).map((r) => r.slice(0, 4))).toEqual([
        ["shop-web-0-aaaaa", "1/1", "Running", "0"],
        ["shop-web-1-bbbbb", "0/1", "CrashLoopBackOff", "4"],
      ]);
      const all = await k.ok("get", "stacks,pods,nodes", "-o", "wide");
      for (const part of ["stack.steadfleet.dev/shop", "pod/shop-web-0-aaaaa", "node/alpha", "docker://20.10.24", "1+2"]) {
        expect(all).toContain(part);
      }
    });

    it("get pods selects", async () => {
      expect(await k.ok("get", "pods", "-l", "tier=front", "-o", "name")).toContain("pod/shop-web-1-bbbbb");
      const here = await k.ok("get", "pods", "--field-selector", "spec.nodeName=alpha,status.phase!=Failed", "-o", "name");
      expect(here).toContain("pod/shop-web-0-aaaaa");
      expect(await k.ok("get", "pods", "--field-selector", "spec.nodeName=beta", "-o", "name")).toBe("");
    });

    it("label node; cordon and uncordon", async () => {
      await k.ok("label", "node", "alpha", "disk=ssd", "--overwrite");
      await k.ok("cordon", "alpha");
      expect(rows(await k.ok("get", "nodes"))[0]?.slice(0, 2)).toEqual(["alpha", "Ready,SchedulingDisabled"]);
      await k.ok("uncordon", "alpha");
      expect(rows(await k.ok("get", "nodes", "-l", "disk=ssd"))[0]?.slice(0, 2)).toEqual(["alpha", "Ready"]);
    });
  });

  describe("delete", () => {
    it("waits until the finalizers are done", async () => {
      await world.releasing(namespace, async () => {
        expect(await k.ok("delete", "stack", "blog")).toMatch(/^stack\.steadfleet\.dev "blog" deleted/);
        expect(await world.client.find("stacks", "blog", namespace)).toBeUndefined();
        expect(await k.ok("delete", "-f", k.file("shop.json", stack("shop")))).toMatch(/^stack\.steadfleet\.dev "shop" deleted/);
      });
    });

    it("--wait=false leaves the object, which is being deleted", async () => {
      await k.ok("delete", "stack", "forms", "--wait=false");
      expect(rows(await k.ok("get", "stack", "forms"))[0]).toContain("Terminating");
      // Those of earlier commands end a moment after them.
      await until(async () => !(await watched()), { what: "nobody to watch" });
      const waiting = k.ok("wait", "--for=delete", "stack/forms", "--timeout=30s");
      // The oldest kubectl fails when what it shall wait for is gone already.
      const released = until(watched, { what: "kubectl to watch" }).then(() => world.releasing(namespace, () => waiting));
      expect(await Promise.all([waiting, released])).toContain("stack.steadfleet.dev/forms condition met\n");
    });

    it("takes a selection", async () => {
      await k.ok("label", "configmap", "settings", "applied", "old=yes");
      const said = await k.ok("delete", "configmaps", "-l", "old=yes");
      expect(said).toMatch(/configmap "applied" deleted[^\n]*\nconfigmap "settings" deleted/);
      expect(await k.ok("get", "configmaps", "-l", "old=yes", "-o", "name")).toBe("");
    });
  });
});
