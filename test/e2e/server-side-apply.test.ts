// kubectl apply --server-side, with stock kubectls: conflicts, diff, pruning by ApplySet, and the way there from client-side apply.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestApi, testApi } from "../../api/testing/server.ts";
import type { Stack } from "../../schemas/types.ts";
import { run } from "../harness/run.ts";
import { Kubectl, type KubectlProgram, kubectlPrograms, rows } from "../kubectl.ts";

const programs = await kubectlPrograms();
const minor = ({ version }: KubectlProgram): number => Number(version.split(".")[1]);
let t: TestApi;
beforeAll(async () => {
  t = await testApi({ tls: true });
});
afterAll(() => t?.[Symbol.asyncDispose]());

const LAST = "kubectl.kubernetes.io/last-applied-configuration";

const stack = (name: string, web: object, more: object = {}, metadata: object = {}) => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name, ...metadata },
  spec: { services: { web, ...more } },
});
const config = (name: string, data: Record<string, string>) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

describe.each(programs)("kubectl $version apply --server-side", (program) => {
  /** It folds what it managed by client-side apply into its server-side entry, since 1.26; and has ApplySets, since 1.27. */
  const newer = minor(program) >= 27;
  const namespace = `ssa${program.version.replace(".", "-")}`;
  let k: Kubectl;
  /** Older ones hold even a part of an object against the schema, and miss what is required. */
  const flags = newer ? [] : ["--validate=false"];
  const apply = (file: string, ...args: string[]) => k.any("apply", "--server-side", "-f", file, ...flags, ...args);
  const stored = async (name: string) => {
    const { body } = await t.call("GET", `/apis/steadfleet.dev/v1/namespaces/${namespace}/stacks/${name}`);
    return body as unknown as Stack;
  };
  const managers = async (name: string) => (await stored(name)).metadata.managedFields?.map((e) => `${e.manager} ${e.operation}`);

  beforeAll(async () => {
    k = new Kubectl(program, { server: t.api.url, token: t.token, caPem: t.api.caPem }, namespace);
    await k.ok("create", "namespace", namespace);
  });
  afterAll(() => k?.close());

  it("creates, and said again changes nothing", async () => {
    const file = k.file("shop.json", stack("shop", { image: "nginx:1.27", environment: { A: "1" } }));
    expect((await apply(file)).stdout).toBe("stack.steadfleet.dev/shop serverside-applied\n");
    const first = await stored("shop");
    expect((await apply(file)).stdout).toBe("stack.steadfleet.dev/shop serverside-applied\n");
    expect(await stored("shop")).toEqual(first);
    expect(await managers("shop")).toEqual(["kubectl Apply"]);
  });

  it("of other fields goes beside it; of the same ones it says who is in the way", async () => {
    const trace = k.file("trace.json", stack("shop", { environment: { TRACE: "on" } }));
    expect((await apply(trace, "--field-manager=platform")).code).toBe(0);
    expect((await stored("shop")).spec.services["web"]).toEqual({ image: "nginx:1.27", environment: { A: "1", TRACE: "on" } });
    const other = k.file("other.json", stack("shop", { image: "nginx:1.28" }));
    const refused = await apply(other, "--field-manager=platform");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.services.web.image');
    expect(refused.stderr).toContain("--force-conflicts");
    expect((await apply(other, "--field-manager=platform", "--force-conflicts")).code).toBe(0);
    // What it says no longer is gone; what the other manager says stays.
    expect((await stored("shop")).spec.services["web"]).toEqual({ image: "nginx:1.28", environment: { A: "1" } });
  });

  it("is foretold by diff and by a dry run", async () => {
    const file = k.file("next.json", stack("shop", { image: "nginx:1.29", environment: { A: "1" } }));
    const before = await stored("shop");
    const diff = await k.any("diff", "--server-side", "--force-conflicts", "-f", file);
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringMatching(/-\s+image: nginx:1\.28\n\+\s+image: nginx:1\.29/)]);
    expect((await apply(file, "--dry-run=server", "--force-conflicts")).stdout).toContain("serverside-applied (server dry run)");
    expect(await stored("shop")).toEqual(before);
    const same = k.file("same.json", stack("shop", { image: "nginx:1.28", environment: { A: "1" } }));
    await apply(same);
    expect((await k.any("diff", "--server-side", "-f", same)).code).toBe(0);
  });

  it("of a misspelt key says what was meant", async () => {
    const file = k.file("bad.json", stack("bad", { imgae: "nginx" }));
    const { code, stderr } = await apply(file, "--validate=false");
    expect([code, stderr]).toEqual([1, expect.stringContaining('spec.services.web.imgae: unknown field; did you mean "image"?')]);
  });

  it("keeps a key without a value", async () => {
    const bare = {
      ...stack("bare", { image: "x", volumes: ["data:/data"] }),
      spec: { services: { web: { image: "x", volumes: ["data:/data"] } }, volumes: { data: null } },
    };
    expect((await apply(k.file("bare.json", bare))).code).toBe(0);
    expect((await stored("bare")).spec.volumes).toEqual({ data: null });
  });

  it("other verbs of kubectl own what they change", async () => {
    await k.ok("label", "stack", "shop", "tier=front");
    await k.ok("annotate", "stack", "shop", "note=x");
    k.edits("s/nginx:1.28/nginx:1.30/");
    await k.ok("edit", "stack", "shop");
    const names = await managers("shop");
    expect(names).toEqual(expect.arrayContaining(["kubectl-label Update", "kubectl-annotate Update", "kubectl-edit Update"]));
    const refused = await apply(k.file("again.json", stack("shop", { image: "nginx:1.28" })));
    expect(refused.stderr).toContain('conflict with "kubectl-edit" using steadfleet.dev/v1');
  });

  it("shows the managers only when it is asked to", async () => {
    expect(rows(await k.ok("get", "stack", "shop"))).toHaveLength(1);
    if (newer) {
      expect(await k.ok("get", "stack", "shop", "-o", "yaml")).not.toContain("managedFields");
      expect(await k.ok("get", "stack", "shop", "-o", "yaml", "--show-managed-fields")).toContain("manager: kubectl-edit");
    }
    expect(await k.ok("describe", "stack", "shop")).toContain("Name:");
  });

  it("follows client-side apply without a conflict with itself, and the other way round", async () => {
    const csa = k.file("csa.json", stack("csa", { image: "nginx:1.27", user: "1" }));
    await k.ok("apply", "-f", csa);
    expect(await managers("csa")).toEqual(["kubectl-client-side-apply Update"]);
    const next = await apply(k.file("csa2.json", stack("csa", { image: "nginx:1.28" })));
    expect([next.code, next.stderr]).toEqual([0, ""]);
    const after = await stored("csa");
    expect(JSON.parse((after.metadata.annotations ?? {})[LAST] ?? "")).toMatchObject({
      spec: { services: { web: { image: "nginx:1.28" } } },
    });
    if (newer) {
      expect(await managers("csa")).toEqual(["kubectl Apply", "kubectl-last-applied Apply"]);
      // Its former client-side fields are its own now: what it leaves out goes.
      expect(after.spec.services["web"]).toEqual({ image: "nginx:1.28" });
    }
    await k.ok("apply", "-f", k.file("csa3.json", stack("csa", { image: "nginx:1.29" })));
    expect((await stored("csa")).spec.services["web"]).toMatchObject({ image: "nginx:1.29" });
    expect((await apply(k.file("csa4.json", stack("csa", { image: "nginx:1.30" })))).code).toBe(0);
  });
});

describe.each(programs.filter((p) => minor(p) >= 27))("kubectl $version apply --prune --applyset", (program) => {
  const namespace = `set${program.version.replace(".", "-")}`;
  let k: Kubectl;
  beforeAll(async () => {
    k = new Kubectl(program, { server: t.api.url, token: t.token, caPem: t.api.caPem }, namespace);
    await k.ok("create", "namespace", namespace);
  });
  afterAll(() => k?.close());

  it.each(["secret", "configmap"])("removes what a %s says was applied before, and is no more", async (parent) => {
    const dir = join(k.home, `set-${parent}`);
    mkdirSync(dir);
    const put = (...objects: object[]) => writeFileSync(join(dir, "all.yaml"), objects.map((o) => `---\n${JSON.stringify(o)}\n`).join(""));
    const args = ["apply", "-n", namespace, "--server-side", "-f", dir, "--prune", `--applyset=${parent}/set-${parent}`];
    const apply = async () => (await run(program.path, args, { env: { ...k.env, KUBECTL_APPLYSET: "true" }, timeoutMs: 60_000 })).stdout;
    put(config("one", { a: "1" }), config("two", { a: "1" }), stack(`pruned-${parent}`, { image: "x" }));
    await apply();
    put(config("one", { a: "2" }));
    const said = await apply();
    expect(said).toContain("configmap/two pruned");
    expect(said).toContain(`stack.steadfleet.dev/pruned-${parent} pruned`);
    expect(await k.ok("get", "configmap", "-l", "applyset.kubernetes.io/part-of", "-o", "name")).toBe("configmap/one\n");
    await k.ok("delete", "configmap", "one");
  });
});
