// Images from real registries: with and without passwords, tags that move, pulls before stops, registries that misbehave.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComposeService, Pod, Stack, StackSpec } from "../../schemas/types.ts";
import { FakeRegistry, type Misbehaviour } from "../harness/fake-registry.ts";
import { type Container, Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { Registry } from "../harness/registry.ts";

const ANN = { name: "ann", password: "s3cret" };
const hold = (image: string, more: Partial<ComposeService> = {}): ComposeService => ({ image, command: ["/bin/hold"], ...more });
const one = (service: ComposeService, more: object = {}): StackSpec => ({ services: { web: service }, ...more });
const on = (node: string, replicas = 1) => ({ replicas, placement: { constraints: [`node.hostname==${node}`] } });

describe("images", () => {
  let fleet: Fleet;
  let registry: Registry;
  let open: Registry;
  let fake: FakeRegistry;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 2, agentArgs: ["--image-min-age", "1s", "--image-unused", "0", "--image-revisions", "1"] });
    const { gateway: address } = fleet.hosts;
    [registry, open, fake] = await Promise.all([
      Registry.start({ address, users: { [ANN.name]: ANN.password } }),
      Registry.start({ address }),
      FakeRegistry.start(address),
    ]);
  });
  afterAll(async () => {
    await Promise.all([registry?.stop(), open?.stop(), fake?.stop()]);
    await fleet?.stop();
  });

  const engine = () => fleet.member("node-1").host;
  /** Where images are pushed from that the other node shall not have had before. */
  const workshop = () => fleet.member("node-2").host;
  /** The status of the Stack's pods when one of them says so. */
  const says = (stack: string, reason: string): Promise<Pod> =>
    fleet.until(`a pod of ${stack} to say ${reason}`, async () => (await fleet.pods(stack)).find((p) => p.status?.reason === reason));
  const digestOf = async (stack: string): Promise<string | undefined> =>
    (await fleet.client.get<Stack>("stacks", stack)).status?.services?.["web"]?.imageDigest;

  it("come from a private registry with the Secret, and are denied without; a Secret that comes later helps", async () => {
    const digest = await registry.push(engine(), TEST_IMAGES.web, "acme/web:1", ANN);
    const image = `${registry.host}/acme/web:1`;
    await fleet.apply("private", one(hold(image, { "x-steadfleet": { imagePullSecrets: ["hub"] } })));
    const denied = await says("private", "ImageDenied");
    expect(denied.status?.message).toMatch(/no basic auth credentials/);
    const status = await fleet.until("the Stack to name the Secret", async () => {
      const { status: s } = await fleet.client.get<Stack>("stacks", "private");
      return s?.services?.["web"]?.message?.includes("Secret hub does not exist") ? s : undefined;
    });
    expect(status.health).toBe("Failed");
    const auths = { [registry.host]: { auth: Buffer.from(`${ANN.name}:${ANN.password}`).toString("base64") } };
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "hub", namespace: "default" },
      type: "kubernetes.io/dockerconfigjson",
      data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") },
    };
    await fleet.client.apply("secrets", secret);
    await fleet.healthy("private");
    expect(await digestOf("private")).toBe(digest);
    const [pod] = await fleet.pods("private");
    expect(pod?.status?.containerStatuses?.[0]?.imageID).toBe(`docker-pullable://${registry.host}/acme/web@${digest}`);
    await fleet.down("private");
    // The default account's are for whoever names none.
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } };
    await fleet.client.apply("serviceaccounts", { ...account, imagePullSecrets: [{ name: "hub" }] } as typeof account);
    await registry.push(fleet.member("node-2").host, TEST_IMAGES.web, "acme/other:1", ANN);
    await fleet.up("account", one(hold(`${registry.host}/acme/other:1`, { deploy: on("node-1") })));
    await fleet.down("account");
    // Nobody hears the password.
    expect(fleet.logs(10_000)).not.toContain(ANN.password);
  });

  it("are the same bits everywhere, also when the tag moves between two nodes' pulls", async () => {
    const first = await open.push(engine(), TEST_IMAGES.web, "moving:1");
    const image = `${open.host}/moving:1`;
    await fleet.up("moving", one(hold(image, { deploy: on("node-1") })));
    expect(await digestOf("moving")).toBe(first);
    const [before] = await fleet.everywhere("moving");
    const second = await open.push(engine(), TEST_IMAGES.web2, "moving:1");
    expect(second).not.toBe(first);
    await fleet.up("moving", one(hold(image, { deploy: { replicas: 2 } })));
    const both = await fleet.everywhere("moving");
    expect(both.map((c) => c.node)).toEqual(["node-1", "node-2"]);
    expect(new Set(both.map((c) => c.Image))).toEqual(new Set([before?.Image]));
    // The one that was there is still there, and comes back with the same bits though its tag means others by now.
    expect(both[0]?.Id).toBe(before?.Id);
    await engine().docker(["pull", "-q", image]);
    await engine().docker(["rm", "-f", before?.Id ?? ""]);
    const healed = await fleet.until("the container to come back", async () =>
      (await fleet.containers("node-1", "moving")).find((c) => c.State.Running && c.Id !== before?.Id),
    );
    expect(healed.Image).toBe(before?.Image);
    // A restart asks anew what the tag means: on a node that pulls always.
    await fleet.up("moving", one(hold(image, { pull_policy: "always", deploy: { replicas: 2 } })));
    expect(await digestOf("moving")).toBe(second);
    await fleet.down("moving");
  });

  it("that do not exist leave the old container serving, and say so; the next image is there before the old container stops", async () => {
    await open.push(engine(), TEST_IMAGES.web, "next:1");
    const spec = (tag: string): StackSpec => one(hold(`${open.host}/next:${tag}`, { deploy: on("node-1") }));
    await fleet.up("next", spec("1"));
    const [before] = await fleet.everywhere("next");
    await fleet.apply("next", spec("gone"));
    const stuck = await fleet.until("the Stack to say why it waits", async () => {
      const { status } = await fleet.client.get<Stack>("stacks", "next");
      return status?.services?.["web"]?.message?.includes("ImageNotFound") ? status : undefined;
    });
    expect(stuck).toMatchObject({ health: "Degraded", ready: "1/1" });
    expect(stuck.services?.["web"]?.message).toMatch(/^node-1 cannot start what comes next: ImageNotFound: .*goes on serving$/);
    expect((await fleet.everywhere("next")).map((c) => [c.Id, c.State.Running])).toEqual([[before?.Id, true]]);
    await open.push(engine(), TEST_IMAGES.web2, "next:2");
    await fleet.up("next", spec("2"));
    const [after] = await fleet.everywhere("next");
    const pulled = await imageEvents(fleet, "node-1", `${open.host}/next:2`);
    expect(pulled.at(-1)).toBeLessThan(Date.parse(after?.State.StartedAt ?? ""));
    const notes = (await fleet.events()).map((e) => `${e.reason} ${e.message}`);
    // The successor found its image here.
    expect(notes.filter((n) => n.startsWith("Pulled") && n.includes("next:2"))).toEqual([]);
    await fleet.down("next");
  });

  it("go when nobody needs them: those that the agent pulled, and no others", async () => {
    const host = engine();
    const mine = `${open.host}/gc:mine`;
    await open.push(workshop(), TEST_IMAGES.web, "gc:mine");
    await open.push(workshop(), TEST_IMAGES.web2, "gc:1");
    await host.docker(["pull", "-q", mine]);
    await fleet.up("gc", one(hold(`${open.host}/gc:1`, { deploy: on("node-1") })));
    await fleet.down("gc");
    const has = async (image: string): Promise<boolean> => (await host.dockerAny(["image", "inspect", image])).code === 0;
    await fleet.until("the agent to remove the image", async () => !(await has(`${open.host}/gc:1`)), 120_000);
    expect(await has(mine)).toBe(true);
    expect(await has(TEST_IMAGES.web)).toBe(true);
  });

  it.each<[Misbehaviour, string, RegExp]>([
    ["ratelimit", "RegistryRateLimited", /retry-after: 90s.*next try at/],
    ["arm64-only", "ImageWrongPlatform", /no matching manifest/],
    ["unauthorized", "ImageDenied", /unauthorized/],
    ["broken", "RegistryUnreachable", /out of order.*500/],
    ["missing", "ImageNotFound", /check name and tag/],
    ["stalls", "Pulling", /0\/1 layers, \d+ kB of 2 MB/],
  ])("are told apart: %s", async (what, reason, message) => {
    await fleet.apply(what, one(hold(fake.image(what))));
    const pod = await fleet.until(`a pod of ${what} to say ${reason}`, async () =>
      (await fleet.pods(what)).find((p) => p.status?.reason === reason && message.test(p.status.message ?? "")),
    );
    expect(pod.status?.containerStatuses?.[0]?.state).toMatchObject({ waiting: { reason } });
    await fleet.client.delete("stacks", what);
  });

  it("are pulled by their policy: never not at all, and every so often when it is time", async () => {
    await open.push(workshop(), TEST_IMAGES.web, "policy:1");
    const image = `${open.host}/policy:1`;
    const spec = (pull_policy: string, env: string): StackSpec =>
      one(hold(image, { pull_policy, environment: { X: env }, deploy: on("node-1") }));
    await fleet.apply("policy", spec("never", "0"));
    expect((await says("policy", "ImageNotFound")).status?.message).toContain("pull_policy is never");
    await fleet.up("policy", spec("every_12h", "1"));
    const first = await digestOf("policy");
    const second = await open.push(workshop(), TEST_IMAGES.web2, "policy:1");
    // Not time yet: another template, the same bits.
    await fleet.up("policy", spec("every_12h", "2"));
    expect(await digestOf("policy")).toBe(first);
    await fleet.up("policy", spec("always", "3"));
    expect(await digestOf("policy")).toBe(second);
    const [container] = (await fleet.everywhere("policy")) as Container[];
    expect(container?.Config.Env).toContain("X=3");
    await fleet.down("policy");
  });
});

/** Milliseconds since the epoch at which the engine pulled the image. */
const imageEvents = async (fleet: Fleet, node: string, image: string): Promise<number[]> => {
  const filters = ["--filter", "type=image", "--filter", "event=pull", "--filter", `image=${image}`];
  const said = await fleet.member(node).host.docker(["events", "--since", "10m", "--until", "0s", "--format", "{{.TimeNano}}", ...filters]);
  return said
    .split("\n")
    .filter(Boolean)
    .map((nanos) => Number(BigInt(nanos) / 1_000_000n));
};
