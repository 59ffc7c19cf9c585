import { beforeEach, describe, expect, it } from "vitest";
import type { DesiredPod } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { render } from "../render.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, CLUSTER, Rig } from "../testing/rig.ts";
import { composeProjects, differencesOf } from "./projects.ts";

const THEIRS = {
  "com.docker.compose.project": "legacy",
  "com.docker.compose.service": "web",
  "com.docker.compose.container-number": "1",
  "com.docker.compose.oneoff": "False",
};
const adopt = { project: "legacy", service: "web", number: 1 };
const plain: DesiredPod = aPod({ adopt, container: { containerName: "legacy_web_1", networks: [], networkMode: "none" } });

let engine: FakeEngine;
let rig: Rig;
let id: string;
beforeEach(async () => {
  const env = new ManualEnv();
  engine = new FakeEngine(env);
  engine.addImage("bb:1");
  rig = new Rig(engine, env);
  const { body } = render(plain, CLUSTER);
  ({ id } = await engine.create("legacy_web_1", { ...body, Labels: THEIRS }));
  await engine.start(id);
});

const running = async (): Promise<string[]> => (await engine.list()).map((c) => `${c.id === id ? "theirs" : "ours"} ${c.name} ${c.state}`);

describe("a container of docker compose", () => {
  it("is nobody's business without a pod that adopts it", async () => {
    await rig.pass();
    expect(rig.world.isOurs(id)).toBe(false);
    expect(await running()).toEqual(["theirs legacy_web_1 running"]);
  });

  it("is taken over as it is, and reported", async () => {
    rig.want(plain);
    await rig.converge();
    expect(await running()).toEqual(["theirs legacy_web_1 running"]);
    expect(rig.report(plain)).toMatchObject({ containerId: id, ready: true, inSync: true, phase: "Running" });
    expect(rig.world.isOurs(id)).toBe(true);
    // Also by an agent that has just started.
    rig = rig.restart();
    await rig.converge();
    expect(await running()).toEqual(["theirs legacy_web_1 running"]);
  });

  it("is made anew as ours when it is removed, and goes with the pod when that is deleted", async () => {
    rig.want(plain);
    await rig.converge();
    await engine.remove(id);
    await rig.converge();
    expect(await running()).toEqual(["ours legacy_web_1 running"]);
    rig.want({ ...plain, deletionTimestamp: "2026-01-01T00:00:00.000Z" });
    await rig.converge();
    expect(await running()).toEqual([]);
  });

  it("I1: is foreign again, and stays, when the pod's key goes without a deletion", async () => {
    rig.want(plain);
    await rig.converge();
    rig.unwant(plain);
    await rig.converge();
    expect(rig.world.isOurs(id)).toBe(false);
    expect(await running()).toEqual(["theirs legacy_web_1 running"]);
  });

  it("stays as it is, and its pod says why, when it is not what it should be; unless its user consents", async () => {
    const other = { ...plain, container: { ...plain.container, env: { A: "other" } } };
    rig.want(other);
    await rig.pass();
    await rig.pass();
    expect(await running()).toEqual(["theirs legacy_web_1 running"]);
    expect(rig.report(other)).toMatchObject({ reason: "AdoptionDiffers", message: expect.stringContaining("/env/A") as string });
    rig.want({ ...other, adopt: { ...adopt, replace: true } });
    await rig.converge();
    expect(await running()).toEqual(["ours legacy_web_1 running"]);
  });

  it("is listed while it is not ours, in Compose's words, with what would differ", async () => {
    const [project] = await composeProjects(engine, (c) => rig.world.isOurs(c), "legacy");
    expect(project).toMatchObject({ name: "legacy", services: [{ name: "web", containers: [{ id, number: 1 }] }] });
    expect(project?.services[0]?.compose).toMatchObject({ image: "bb:1", container_name: "legacy_web_1", environment: { A: "b" } });
    const wanted = (container: DesiredPod["container"]) => ({
      project: "legacy",
      namespace: "default",
      stack: "shop",
      services: [{ service: "web", number: 1, container }],
    });
    expect(await differencesOf(engine, CLUSTER, wanted(plain.container))).toEqual([{ service: "web", number: 1, keys: [] }]);
    const [differs] = await differencesOf(engine, CLUSTER, wanted({ ...plain.container, user: "1000" }));
    expect(differs?.keys).toEqual(["/user"]);
    rig.want(plain);
    await rig.converge();
    expect(await composeProjects(engine, (c) => rig.world.isOurs(c))).toEqual([]);
  });
});
