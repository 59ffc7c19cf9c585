// The first five minutes, as a newcomer lives them: `steady dev` with two Docker hosts, a Compose file, failures with reasons, and everything gone at the end.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Hosts, startHosts } from "../harness/hosts.ts";
import { loadImages, TEST_IMAGES } from "../harness/images.ts";
import { newLair, removeLair, room } from "../harness/lair.ts";
import { Program, steady as runSteady } from "../harness/program.ts";
import type { RunResult } from "../harness/run.ts";
import { until } from "../harness/until.ts";

const OTHERS = `apiVersion: v1
kind: Config
clusters: [{name: prod, cluster: {server: "https://prod:6443"}}] # not ours
users: [{name: ann, user: {token: abc}}]
contexts: [{name: prod, context: {cluster: prod, user: ann}}]
current-context: prod
`;

describe("steady dev", () => {
  let dir: string;
  let hosts: Hosts;
  let dev: Program;
  const env = (): Record<string, string> => ({ HOME: join(dir, "home"), KUBECONFIG: join(dir, "kubeconfig"), NO_COLOR: "1", CI: "" });
  const steady = (args: string[], more: Record<string, string> = {}): Promise<RunResult> => runSteady(args, { env: { ...env(), ...more } });
  const devArgs = (): string[] => ["dev", "--data-dir", join(dir, "dev"), ...hosts.list.flatMap((h) => ["--node", `${h.name}=${h.url}`])];
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const stack = (name: string, service: string): string =>
    file(
      `${name}.yaml`,
      `apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: ${name}}\nspec:\n  services:\n    web:\n      image: ${TEST_IMAGES.web}\n${service}`,
    );
  const ours = async (): Promise<string[]> =>
    (
      await Promise.all(hosts.list.map((h) => h.docker(["ps", "-a", "--filter", "label=steadfleet.dev/cluster", "--format", "{{.Names}}"])))
    ).flatMap((r) => r.split("\n").filter((n) => n !== ""));
  const startDev = async (): Promise<void> => {
    const before = dev.log.length;
    dev.start();
    await until(() => (dev.log.slice(before).includes("  Stop       Ctrl-C") ? true : undefined), {
      what: "steady dev to be ready",
      deadlineMs: 60_000,
      show: () => dev.log,
    });
  };

  beforeAll(async () => {
    dir = newLair("cli");
    mkdirSync(join(dir, "home"));
    writeFileSync(join(dir, "kubeconfig"), OTHERS);
    hosts = await startHosts(2);
    await loadImages(hosts.list);
    await hosts.get("node-1").docker(["run", "-d", "--name", "theirs", TEST_IMAGES.web, "/bin/hold"]);
    dev = new Program("dev", devArgs(), join(room(dir, "log"), "dev.log"), env());
    await startDev();
  });
  afterAll(async () => {
    await dev?.stop();
    await hosts?.stop();
    if (dir) removeLair(dir);
  });

  it("says what it did, and makes its context current beside the others", () => {
    expect(dev.log).toMatch(
      /✔ Docker \S+ for node-1 [\s\S]*✔ etcd 3\.\d+[\s\S]*✔ API +https:\/\/127\.0\.0\.1:\d+[\s\S]*✔ Agent +node-2 +Ready[\s\S]*✔ Context +"steadfleet-dev" added/,
    );
    expect(dev.log).toContain("previous: prod");
    const kubeconfig = readFileSync(join(dir, "kubeconfig"), "utf8");
    expect(kubeconfig).toContain("current-context: steadfleet-dev");
    expect(kubeconfig).toContain("# not ours");
  });

  it("refuses a second one on the same data directory", async () => {
    const second = await steady(devArgs());
    expect(second.code).toBe(4);
    expect(second.stderr).toContain("is running already");
  });

  it("lists its nodes", async () => {
    expect((await steady(["node", "ls"])).stdout).toMatch(/^NAME +STATUS[\s\S]*node-1 +Ready[\s\S]*node-2 +Ready/);
  });

  it("deploys a Compose file, and finds nothing to do the second time", async () => {
    file(
      "compose.yaml",
      `name: shop\nservices:\n  web:\n    image: ${TEST_IMAGES.web}\n    volumes: [data:/data]\n    environment: {GREETING: "\${GREETING:-hello}"}\nvolumes: {data: }\n`,
    );
    const first = await steady(["up", "-f", join(dir, "compose.yaml")]);
    expect(first.stderr).toMatch(/\+ web +create 1 [\s\S]*web-0 node-\d Healthy[\s\S]*✔ shop is Healthy: 1\/1 replicas, revision 1/);
    expect(first).toMatchObject({ code: 0, stdout: "stack.steadfleet.dev/shop created\n" });
    expect(await steady(["apply", "-f", join(dir, "compose.yaml")])).toMatchObject({
      code: 0,
      stdout: "stack.steadfleet.dev/shop unchanged\n",
    });
    const changed = await steady(["plan", "-f", join(dir, "compose.yaml"), "--exit-code"], { GREETING: "secret" });
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain("environment.GREETING  differs (the value is not shown)");
    expect(changed.stdout).not.toContain("secret");
  });

  const failures: { name: string; service: string; said: RegExp }[] = [
    {
      name: "noimage",
      service: "      image: steadfleet.local/nope:1\n      pull_policy: never\n",
      said: /web-0 on node-\d: ImageNotFound: /,
    },
    {
      name: "crash",
      service: '      command: [/bin/sh, -c, "echo FATAL no database; exit 3"]\n',
      said: /web-0 on node-\d: CrashLoopBackOff: [\s\S]*\| FATAL no database/,
    },
    {
      name: "once",
      service: '      restart: "no"\n      command: [/bin/sh, -c, "echo bad config; exit 4"]\n',
      said: /code 4[\s\S]*\| bad config/,
    },
    {
      name: "nowhere",
      service: "      deploy: {placement: {constraints: [node.labels.disk==ssd]}}\n",
      said: /0 of 2 nodes fit: 2 lack label disk=ssd/,
    },
  ];
  it.each(failures)("fails fast, and says why: $name", async ({ name, service, said }) => {
    const path = stack(name, service);
    if (service.includes("image:")) writeFileSync(path, readFileSync(path, "utf8").replace(`      image: ${TEST_IMAGES.web}\n`, ""));
    const failed = await steady(["apply", "-f", path, "--timeout", "60s"]);
    expect(failed.stderr).toMatch(said);
    expect(failed.stderr).toContain(`Next: steady status ${name}`);
    expect(failed.code).toBe(5);
    expect((await steady(["status", name])).stdout).toMatch(new RegExp(`^${name} {2}✖ `));
    expect(await steady(["delete", name])).toMatchObject({ code: 0, stdout: `stack.steadfleet.dev/${name} deleted\n` });
  });

  it("a job that ends well is done", async () => {
    expect(await steady(["apply", "-f", stack("job", '      restart: "no"\n      command: [/bin/true]\n')])).toMatchObject({ code: 0 });
    expect((await steady(["ps", "job"])).stdout).toContain("Completed");
    await steady(["delete", "job"]);
  });

  it("leaves containers running when it stops, and continues with the same cluster", async () => {
    const before = await ours();
    const kubeconfig = readFileSync(join(dir, "kubeconfig"), "utf8");
    await dev.stop();
    expect(await ours()).toEqual(before);
    expect(await steady(["get", "stacks"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("containers on the nodes keep running") as string,
    });
    await startDev();
    expect(readFileSync(join(dir, "kubeconfig"), "utf8")).toBe(kubeconfig);
    await until(async () => ((await steady(["status", "shop", "--exit-code"])).code === 0 ? true : undefined), {
      what: "shop to be Healthy again",
      deadlineMs: 60_000,
      show: async () => (await steady(["status"])).stdout,
    });
    expect(await ours()).toEqual(before);
  });

  it("keeps a volume, and deletes it only when asked to", async () => {
    const volumes = async (): Promise<string> => (await Promise.all(hosts.list.map((h) => h.docker(["volume", "ls", "-q"])))).join("");
    expect(await steady(["delete", "shop"])).toMatchObject({ code: 0 });
    expect(await volumes()).toContain("shop_data");
    await steady(["up", "-f", join(dir, "compose.yaml")]);
    expect(await steady(["down", "shop", "--volumes", "--yes"])).toMatchObject({ code: 0, stdout: "stack.steadfleet.dev/shop deleted\n" });
    expect(await volumes()).not.toContain("shop_data");
  });

  it("--reset takes away all that it made, and nothing else", async () => {
    await steady(["apply", "-f", stack("last", "      deploy: {replicas: 2}\n")]);
    expect(await ours()).toHaveLength(2);
    expect(await steady(["dev", "--reset", "--data-dir", join(dir, "dev")])).toMatchObject({ code: 4 });
    await dev.stop();
    const reset = await steady(["dev", "--reset", "--data-dir", join(dir, "dev")]);
    expect(reset.stderr).toContain('✔ Context "steadfleet-dev" removed');
    expect(reset.code).toBe(0);
    expect(await ours()).toEqual([]);
    expect((await hosts.get("node-1").docker(["ps", "--format", "{{.Names}}"])).trim()).toBe("theirs");
    expect(existsSync(join(dir, "dev"))).toBe(false);
    const kubeconfig = readFileSync(join(dir, "kubeconfig"), "utf8");
    expect(kubeconfig).toContain("current-context: prod");
    expect(kubeconfig).not.toContain("steadfleet");
  });
});
