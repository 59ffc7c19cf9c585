// `kubectl explain` teaches every field, down to the leaves: by OpenAPI v3, and by v2 for old clients.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiWorld } from "../api-world.ts";
import { Kubectl, kubectlPrograms } from "../kubectl.ts";

const programs = await kubectlPrograms();
let world: ApiWorld;

beforeAll(async () => {
  world = await ApiWorld.start();
});
afterAll(() => world?.close());

describe.each(programs)("kubectl $version explain", (program) => {
  let k: Kubectl;
  beforeAll(() => {
    k = new Kubectl(program, world.cluster);
  });
  afterAll(() => k?.close());

  it.each([
    { path: "stack", says: ["A Stack is a set of services", "spec", "status"] },
    { path: "stack.spec.services", says: ["image", "depends_on", "healthcheck", "deploy", "one image, run as one container per replica"] },
    { path: "stack.spec.services.ports", says: ["127.0.0.1:53:53/udp", "target", "host_ip"] },
    { path: "stack.spec.services.ports.published", says: ["the engine chooses"] },
    { path: "stack.spec.services.volumes.tmpfs.size", says: ["64m"] },
    { path: "stack.spec.services.depends_on.condition", says: ["service_completed_successfully"] },
    { path: "stack.spec.services.networks.aliases", says: ["on this network"] },
    { path: "stack.spec.services.deploy.resources.limits.memory", says: ["512M"] },
    { path: "stack.spec.services.healthcheck.test", says: ["CMD-SHELL"] },
    { path: "stack.spec.volumes.external", says: ["neither made nor removed"] },
    { path: "stack.status.services.desired", says: ["How many pods are wanted"] },
    { path: "stack.metadata.finalizers", says: ["must finish before the object goes"] },
    { path: "pod.status.containerStatuses.state.waiting.reason", says: ["Pulling"] },
    { path: "node.spec.taints.effect", says: ["NoSchedule"] },
    { path: "event.involvedObject", says: ["The object that this is about"] },
    { path: "namespace.status.phase", says: ["Terminating"] },
    { path: "configmap.binaryData", says: ["base64"] },
    { path: "secret.stringData", says: ["plain text"] },
    { path: "event.series.count", says: ["How often"] },
    { path: "serviceaccount", says: ["gives no rights", "steady token create"] },
    { path: "serviceaccount.imagePullSecrets.name", says: ["Name of the Secret"] },
    { path: "lease.spec.leaseDurationSeconds", says: ["others must wait"] },
    { path: "stackrevision", says: ["keeps the last ten"] },
    { path: "stackrevision.services.templateHash", says: ["run the same containers"] },
    { path: "stackrevision.spec.services.image", says: ["mage"] },
    { path: "deployment.spec.replicas", says: ["pods"] },
    { path: "replicaset.metadata.annotations", says: ["nobody selects by"] },
    { path: "selfsubjectaccessreview.spec.resourceAttributes.verb", says: ["deletecollection"] },
    { path: "selfsubjectrulesreview.status.resourceRules.resources", says: ["pods/log"] },
    { path: "selfsubjectreview.status.userInfo.groups", says: ["system:readers"] },
  ])("$path", async ({ path, says }) => {
    const said = (await k.ok("explain", path)).replace(/\s+/g, " ");
    for (const words of says) expect(said).toContain(words);
  });

  it("tells the newer form of events apart", async () => {
    expect(await k.ok("explain", "events.note", "--api-version=events.k8s.io/v1")).toContain("What happened, as a sentence");
    expect(await k.ok("explain", "event.message")).toContain("What happened, as a sentence");
  });

  it("shows the whole tree", async () => {
    expect(await k.ok("explain", "stack", "--recursive")).toMatch(/replicas\s+<integer>/);
  });

  it("says what does not exist", async () => {
    expect(await k.fails("explain", "stack.spec.servces")).toContain('field "servces" does not exist');
  });
});
