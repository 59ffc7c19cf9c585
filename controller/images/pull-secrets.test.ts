import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Objects } from "../files/compile.ts";
import { compile } from "../compile.ts";
import { service } from "../testing/builders.ts";
import { withPulls } from "./pull-secrets.ts";
import type { NormalService } from "../../schemas/compose/normal.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { newKeyPair } from "../../store/seal.ts";
import { Fleet } from "../testing/fleet.ts";

const secrets = (...names: string[]): Objects => ({
  find: (kind, name) =>
    kind === "Secret" && names.includes(name) ? new Map([[".dockerconfigjson", Buffer.from(`{"of":"${name}"}`)]]) : undefined,
  hash: (about, content) => createHash("sha256").update(about).update(content).digest("hex").slice(0, 16),
});
const pulls = (services: NormalService[], objects: Objects, defaults: string[] = []) => {
  const found = withPulls({ normal: { services }, compiled: compile({ services }) }, "default", objects, defaults);
  if ("problems" in found) throw new Error("problems");
  const { pullSecrets = new Map(), lacks = new Map() } = found.pulls ?? {};
  return {
    names: Object.fromEntries([...pullSecrets].map(([s, list]) => [s, list.map((x: { name: string }) => x.name)])),
    lacks: Object.fromEntries(lacks),
    contents: [...(found.contents?.keys() ?? [])].map((id) => id.split("@")[0]),
  };
};

describe("pull secrets", () => {
  it("are the service's, else the default account's; nobody's where nothing is pulled", () => {
    const services = [
      service("web", { imagePullSecrets: ["hub"] }),
      service("db"),
      service("local", { container: { pullPolicy: "never" } }),
    ];
    expect(pulls(services, secrets("hub", "team"), ["team"])).toMatchObject({
      names: { web: ["hub"], db: ["team"] },
      lacks: {},
      contents: ["secret:hub:.dockerconfigjson", "secret:team:.dockerconfigjson"],
    });
    expect(pulls([service("web")], secrets("hub")).names).toEqual({});
    expect(pulls([service("web", { imagePullSecrets: [] })], secrets("team"), ["team"]).names).toEqual({});
  });

  it("that are missing are told, and the others are used", () => {
    const { names, lacks } = pulls([service("web", { imagePullSecrets: ["hub", "gone"] })], secrets("hub"));
    expect(names).toEqual({ web: ["hub"] });
    expect(lacks["web"]).toMatch(/^imagePullSecrets: Secret gone does not exist/);
  });
});

describe("in a fleet", () => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = new Fleet();
    await fleet.agent("n1", { publicKey: newKeyPair().publicKey });
    fleet.control();
    await fleet.env.advance(1_000);
  });
  afterEach(() => fleet.close());
  const ofPods = () => fleet.pods("shop").map((p) => p.pod.pullSecrets?.map((s) => s.name));
  const secret = (name: string, password: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/dockerconfigjson",
    metadata: { name, namespace: "default" },
    data: {
      ".dockerconfigjson": Buffer.from(JSON.stringify({ auths: { "r.example": { username: "ann", password } } })).toString("base64"),
    },
  });

  it("they come with the account, go to the node sealed, and change in place", async () => {
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    const [before] = fleet.pods("shop");
    expect(ofPods()).toEqual([undefined]);
    await fleet.objects.create(RESOURCES.secrets, secret("hub", "canary-1"));
    const account = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace: "default" },
      imagePullSecrets: [{ name: "hub" }],
    };
    await fleet.objects.create(RESOURCES.serviceaccounts, account);
    await fleet.until(() => ofPods()[0]?.[0] === "hub");
    const hash = fleet.pods("shop")[0]?.pod.pullSecrets?.[0]?.hash;
    const old = await fleet.objects.get(RESOURCES.secrets, "default", "hub");
    await fleet.objects.update(RESOURCES.secrets, {
      ...secret("hub", "canary-2"),
      metadata: { ...old.metadata, resourceVersion: "" },
    });
    await fleet.until(() => fleet.pods("shop")[0]?.pod.pullSecrets?.[0]?.hash !== hash);
    await fleet.until(() => fleet.healthy("shop"));
    expect(fleet.pods("shop").map((p) => p.pod.uid)).toEqual([before?.pod.uid]);
    const below = fleet.kv.server.below("/steadfleet/nodes/", fleet.kv.server.revision);
    expect(below.some((i) => i.key.includes("/sealed/default/secret:hub:"))).toBe(true);
    expect(below.map((i) => i.value).join()).not.toContain("canary");
  });

  it("one that is missing holds up nobody", async () => {
    await fleet.apply("shop", { web: { imagePullSecrets: ["gone"] } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(ofPods()).toEqual([undefined]);
  });
});
