// kubectl delete --cascade=background|foreground|orphan on a real etcd, with the controller that sees to it.
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Controller, startController } from "../../controller/index.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { realEnv } from "../../store/env.ts";
import { ApiWorld } from "../api-world.ts";
import { until } from "../harness/until.ts";
import { Kubectl, kubectlPrograms } from "../kubectl.ts";

const programs = await kubectlPrograms();
let world: ApiWorld;
let controller: Controller;
beforeAll(async () => {
  world = await ApiWorld.start();
  controller = startController({ kv: world.kv, env: realEnv, log: pino({ level: "silent" }), id: "c1", leaderTtlSeconds: 3 });
  await until(() => controller.isLeader());
});
afterAll(async () => {
  await controller?.close();
  await world?.close();
});

describe.each(programs)("kubectl $version", (program) => {
  let k: Kubectl;
  beforeAll(() => {
    k = new Kubectl(program, world.cluster);
  });
  afterAll(() => k?.close());

  /** A ConfigMap that owns a Secret and another ConfigMap, which owns a third; and one beside them. */
  const family = async (): Promise<void> => {
    const make = async (kind: string, name: string, owner?: KubeObject): Promise<KubeObject> => {
      const ownerReferences = owner
        ? [{ apiVersion: "v1", kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, blockOwnerDeletion: true }]
        : [];
      const file = k.file(`${name}.json`, { apiVersion: "v1", kind, metadata: { name, labels: { family: "f" }, ownerReferences } });
      return k.json<KubeObject>("create", "-f", file);
    };
    const owner = await make("ConfigMap", "owner");
    await make("Secret", "owned", owner);
    await make("ConfigMap", "grandchild", await make("ConfigMap", "child", owner));
    await make("ConfigMap", "beside");
  };
  const left = async (): Promise<string[]> =>
    (await k.ok("get", "configmaps,secrets", "-l", "family=f", "-o", "name"))
      .trim()
      .split("\n")
      .map((line) => line.replace(/^.*\//, ""))
      .toSorted();

  // 1.19 and older said --cascade=true|false.
  it("deletes in the background: the owner at once, then what it owned", async () => {
    await family();
    await k.ok("delete", "configmap", "owner", "--cascade=background");
    await until(async () => (await left()).join() === "beside");
    await k.ok("delete", "configmap", "beside");
  });

  it("deletes in the foreground: when kubectl comes back, all of it is gone", async () => {
    await family();
    await k.ok("delete", "configmap", "owner", "--cascade=foreground");
    expect(await left()).toEqual(["beside"]);
    await k.ok("delete", "configmap", "beside");
  });

  it("orphans: the owner goes, what it owned stays and names it no more", async () => {
    await family();
    await k.ok("delete", "configmap", "owner", "--cascade=orphan");
    expect(await left()).toEqual(["beside", "child", "grandchild", "owned"]);
    for (const what of ["secret/owned", "configmap/child"])
      expect((await k.json<KubeObject>("get", what)).metadata.ownerReferences ?? []).toEqual([]);
    expect((await k.json<KubeObject>("get", "configmap/grandchild")).metadata.ownerReferences).toHaveLength(1);
    await k.ok("delete", "configmap", "child", "beside");
    await k.ok("delete", "secret", "owned");
    await until(async () => (await left()).join() === "");
  });
});
