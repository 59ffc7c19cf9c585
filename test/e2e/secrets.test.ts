// A secret's whole way, on a real etcd, real Docker and stock kubectl: it reaches the file in the container, and nothing else
// that anybody can read: not etcd, not docker inspect, not a disk, not a log, not an event (I12).
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Delivery, NodeInfo } from "../../schemas/fleet.ts";
import type { Stack, StackSpec } from "../../schemas/types.ts";
import { infoKey, nodesPrefix, parseSealedKey, sessionKey } from "../../store/keys.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { run, runAny } from "../harness/run.ts";
import { kubectlPrograms } from "../kubectl.ts";

const NODE = "node-1";
const ONE = "correct-horse-battery-staple";
const TWO = "tr0ub4dor-and-three";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** As it is, as kubectl sends it, and as it looks within another base64, at each of the three offsets. */
const formsOf = (text: string): string[] => [
  text,
  ...[0, 1, 2].map((skip) =>
    Buffer.from(" ".repeat(skip) + text)
      .toString("base64")
      .slice(skip === 0 ? 0 : 4, -4),
  ),
];
const FORMS = [ONE, TWO].flatMap((secret) => [...formsOf(secret), ...formsOf(base64(secret))]);

const spec: StackSpec = {
  services: {
    app: {
      image: TEST_IMAGES.web,
      command: ["/bin/hold"],
      restart: "unless-stopped",
      secrets: ["db-password", { source: "db-password", target: "/etc/app/password", uid: "101", gid: "102", mode: 0o440 }],
      configs: [
        { source: "page", target: "/etc/app/page.html" },
        { source: "motd", target: "/etc/app/motd", mode: 0o555 },
      ],
    },
    other: { image: TEST_IMAGES.web, command: ["/bin/hold"], networks: ["apart"] },
  },
  networks: { apart: {} },
  secrets: { "db-password": { external: true, name: "db" } },
  configs: { page: { external: true }, motd: { content: "be nice\n" } },
};

describe("configs and secrets", () => {
  let fleet: Fleet;
  let kubectl: (...args: string[]) => Promise<string>;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["web"] });
    const path = (await kubectlPrograms()).at(-1)?.path ?? "kubectl";
    const env = { KUBECONFIG: fleet.kubeconfig, HOME: fleet.dir };
    kubectl = async (...args) => (await run(path, args, { env, timeoutMs: 60_000 })).stdout;
  });
  afterAll(() => fleet?.stop());

  const host = () => fleet.member(NODE).host;
  const app = async () => {
    const found = (await fleet.containers(NODE, "vault")).filter(({ Name }) => Name.startsWith("/vault-app-"));
    expect(found).toHaveLength(1);
    return found[0]?.Id ?? "";
  };
  const session = async (): Promise<string | undefined> => (await fleet.kv.get(sessionKey(NODE))).item?.value;
  const inside = async (...command: string[]): Promise<string> => host().docker(["exec", await app(), ...command]);
  const runDir = (): string => join(fleet.dir, "run", readdirSync(join(fleet.dir, "run"))[0] ?? "");
  const sealed = async (): Promise<[string, Delivery][]> =>
    (await fleet.kv.range(nodesPrefix)).items
      .filter(({ key }) => parseSealedKey(key))
      .map(({ key, value }) => [key, JSON.parse(value) as Delivery]);

  it("reach the container as files, with owner and mode as said", async () => {
    await kubectl("create", "secret", "generic", "db", `--from-literal=password=${ONE}`);
    await kubectl("create", "configmap", "page", "--from-literal=page.html=<h1>hello</h1>");
    await fleet.up("vault", spec);
    expect(await inside("cat", "/run/secrets/db-password")).toBe(ONE);
    expect(await inside("cat", "/etc/app/password")).toBe(ONE);
    expect(await inside("cat", "/etc/app/page.html")).toBe("<h1>hello</h1>");
    expect(await inside("cat", "/etc/app/motd")).toBe("be nice");
    const stat = await inside("stat", "-c", "%u:%g %a", "/run/secrets/db-password", "/etc/app/password", "/etc/app/motd");
    expect(stat.split("\n")).toEqual(["0:0 444", "101:102 440", "0:0 555"]);
    expect((await host().dockerAny(["exec", await app(), "sh", "-c", "echo x > /run/secrets/db-password"])).code).not.toBe(0);
    expect(statSync(runDir()).mode & 0o777).toBe(0o700);
    expect((await run("stat", ["-f", "-c", "%T", runDir()])).stdout.trim()).toBe("tmpfs");
  });

  it("a changed Secret replaces its consumers once, and nobody else", async () => {
    const before = await fleet.everywhere("vault");
    const first = (await fleet.healthy("vault")).status?.revision ?? 0;
    await kubectl("label", "secret", "db", "looked=at");
    // With kubectl's own memory of it: the whole object, in an annotation.
    const manifest = await kubectl("create", "secret", "generic", "db", `--from-literal=password=${TWO}`, "--dry-run=client", "-o", "yaml");
    await kubectlApply(manifest);
    await fleet.until("the new content", async () => {
      const after = await fleet.everywhere("vault");
      const renewed = after.filter(({ Id, State }) => State.Running && !before.some((b) => b.Id === Id));
      return renewed.length === 1 && after.length === 2;
    });
    const stack = await fleet.healthy("vault");
    expect(stack.status?.revision).toBe(first + 1);
    expect(await inside("cat", "/run/secrets/db-password")).toBe(TWO);
    const kept = (await fleet.everywhere("vault")).filter(({ Id }) => before.some((b) => b.Id === Id));
    expect(kept.map(({ Name }) => Name)).toEqual([expect.stringMatching(/^\/vault-other-/)]);
    expect((await sealed()).filter(([key]) => key.includes("secret:db"))).toHaveLength(1);
    expect(JSON.parse(await kubectl("get", "secret", "db", "-o", "json"))).toMatchObject({ data: { password: base64(TWO) } });
  });
  const kubectlApply = (manifest: string) =>
    runAny("sh", ["-c", 'printf "%s" "$MANIFEST" | kubectl apply -f -'], {
      env: { MANIFEST: manifest, KUBECONFIG: fleet.kubeconfig, HOME: fleet.dir, PATH: process.env["PATH"] ?? "" },
    }).then(({ code, stdout, stderr }) => expect(code, stdout + stderr).toBe(0));

  it("are nowhere else: etcd with all its history, docker inspect, disks, logs, events", async () => {
    await fleet.until("the checkpoint", () => readFileSync(join(fleet.dir, NODE, "checkpoint.json"), "utf8").includes("secret:db@"));
    const found: string[] = [];
    const look = (where: string, text: string): void => {
      for (const form of FORMS) if (text.includes(form)) found.push(`${where}: ${form}`);
    };
    // Everything that etcd has ever written, old revisions and its log included.
    for (const file of filesBelow(fleet.etcd.dataDir)) look(file, readFileSync(file, "latin1"));
    // Data directories and logs of server and agent; Docker's own data; not the tmpfs.
    for (const dir of [fleet.dir, host().options.dir])
      for (const file of filesBelow(dir, [join(fleet.dir, "run")])) look(file, readFileSync(file, "latin1"));
    for (const { Id, Name } of await fleet.everywhere("vault")) look(`inspect ${Name}`, await host().docker(["inspect", Id]));
    for (const kinds of ["stacks,stackrevisions,pods,nodes,events,deployments,replicasets,configmaps"])
      look("kubectl get", await kubectl("get", kinds, "-A", "-o", "yaml", "--show-managed-fields"));
    look("describe", await kubectl("describe", "stack,secret,pod"));
    expect(found).toEqual([]);
    // And the search finds what is there.
    for (const file of filesBelow(runDir())) look(file, readFileSync(file, "latin1"));
    expect(found).toHaveLength(2);
    expect(filesBelow(fleet.etcd.dataDir).some((file) => readFileSync(file, "latin1").includes("/sealed/default/secret:db@"))).toBe(true);
  });

  it("come back after a reboot, with etcd and server away", async () => {
    const { agent } = fleet.member(NODE);
    const id = await app();
    await fleet.etcd.kill9();
    await agent.kill9();
    await host().kill9();
    await run("umount", ["-l", runDir()]);
    expect(readdirSync(runDir())).toEqual([]);
    await host().start();
    agent.start();
    await fleet.until("the container to run again", async () => {
      const { stdout } = await host().dockerAny(["inspect", "-f", "{{.State.Running}}", id]);
      return stdout.trim() === "true";
    });
    expect(await inside("cat", "/run/secrets/db-password")).toBe(TWO);
    expect(await app()).toBe(id);
    const before = await fleet.etcd.restart().then(() => session());
    await fleet.until("the agent to be back", async () => (await session()) !== before);
    await fleet.healthy("vault");
    expect(await app()).toBe(id);
  });

  it("are sealed anew when the node has lost its key", async () => {
    const { agent } = fleet.member(NODE);
    const keyOf = async () => (JSON.parse((await fleet.kv.get(infoKey(NODE))).item?.value ?? "{}") as NodeInfo).publicKey;
    const lost = await keyOf();
    const id = await app();
    await agent.stop();
    rmSync(join(fleet.dir, NODE, "node.key"));
    agent.start();
    await fleet.until("a new key", async () => (await keyOf()) !== lost);
    const fresh = await keyOf();
    await fleet.until("the secret to be sealed to it", async () =>
      (await sealed()).every(([, d]) => d.type === "plain" || d.recipient === fresh),
    );
    await fleet.healthy("vault");
    expect(await app()).toBe(id);
    await kubectl("delete", "pod", "-l", "steadfleet.dev/stack=vault,steadfleet.dev/service=app");
    await fleet.healthy("vault");
    expect(await app()).not.toBe(id);
    expect(await inside("cat", "/etc/app/password")).toBe(TWO);
  });

  it("a Secret that is deleted in use is missed in words; what runs goes on; nothing is left of the Stack", async () => {
    const id = await app();
    await kubectl("delete", "secret", "db");
    const missing = await fleet.until("the status to say so", async () =>
      (await fleet.client.get<Stack>("stacks", "vault")).status?.conditions?.find((c) => c.reason === "SecretNotFound"),
    );
    expect(missing.message).toMatch(/app: secret db-password: Secret db does not exist/);
    expect(await app()).toBe(id);
    expect(await inside("cat", "/run/secrets/db-password")).toBe(TWO);
    await fleet.down("vault");
    expect(await sealed()).toEqual([]);
    await fleet.until("no file to be left", () => readdirSync(runDir()).length === 0);
  });
});

/** Regular files, without what lies below `except`. */
function filesBelow(dir: string, except: readonly string[] = []): string[] {
  if (except.includes(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    // Layers of images and their mounts: nothing of ours, and thousands of files.
    if (entry.isDirectory()) return /\/data\/(overlay2|vfs|image)$|\/exec$/.test(path) ? [] : filesBelow(path, except);
    return entry.isFile() ? [path] : [];
  });
}
