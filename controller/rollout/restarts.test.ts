import { describe, expect, it } from "vitest";
import type { NormalService } from "../../schemas/compose/normal.ts";
import type { NetworkSettings } from "../../schemas/fleet.ts";
import { compile } from "../compile.ts";
import type { PodView } from "../model.ts";
import { nodeMap, pod, service, stackRef } from "../testing/builders.ts";
import { planRollout } from "./plan.ts";

const steps = (services: NormalService[], pods: PodView[]) =>
  planRollout({ stack: stackRef, compiled: compile({ services }), revision: 2, pods, nodes: nodeMap("n1"), volumes: {} }).steps;
const db = service("db", { networks: ["x"] });
const oldDb = service("db", { networks: ["x"], image: "app:0" });
const web = service("web", { networks: ["x"], dependsOn: [{ service: "db", condition: "service_started", restart: true }] });
const at = (minute: number): string => `2026-01-01T00:0${minute}:00.000Z`;
const made = (minute: number, restartAfter?: string) => ({ createdAt: at(minute), ...(restartAfter ? { restartAfter } : {}) });

describe("depends_on with restart: true", () => {
  const ROWS: { name: string; db: PodView; web: PodView; want: string | undefined }[] = [
    {
      name: "an updated dependency: once",
      db: pod(db, "0", "n1", { desired: made(5) }),
      web: pod(web, "0", "n1", { desired: made(1) }),
      want: at(5),
    },
    {
      name: "said already",
      db: pod(db, "0", "n1", { desired: made(5) }),
      web: pod(web, "0", "n1", { desired: made(1, at(5)) }),
      want: undefined,
    },
    {
      name: "made together, or after it",
      db: pod(db, "0", "n1", { desired: made(1) }),
      web: pod(web, "0", "n1", { desired: made(1) }),
      want: undefined,
    },
    {
      name: "not ready yet",
      db: pod(db, "0", "n1", { desired: made(5), answer: { ready: false } }),
      web: pod(web, "0", "n1", { desired: made(1) }),
      want: undefined,
    },
  ];
  it.each(ROWS)("$name", ({ db: dbPod, web: webPod, want }) => {
    const found = steps([db, web], [dbPod, webPod]);
    expect(found.map((s) => s.type)).toEqual(want === undefined ? [] : ["updateInPlace"]);
    if (found[0]?.type === "updateInPlace") expect(found[0].desired).toMatchObject({ name: webPod.desired.name, restartAfter: want });
  });

  it("not in the middle of a rollout", () => {
    const found = steps([db, web], [pod(oldDb, "0", "n1", { desired: made(5) }), pod(web, "0", "n1", { desired: made(1) })]);
    // The old database's node makes ready for the new one; the web server is not touched.
    expect(found.map((s) => [s.type, "pod" in s && "desired" in s.pod && s.pod.desired.service])).toEqual([["updateInPlace", "db"]]);
  });
});

describe("settings of networks and volumes", () => {
  const subnet = (n: number): NetworkSettings => ({ ipam: { config: [{ subnet: `10.0.${n}.0/24` }] } });
  const withNet = (settings?: NetworkSettings): NormalService =>
    service("web", { container: { networks: [{ key: "x", name: "x", external: false, aliases: [], ...(settings ? { settings } : {}) }] } });
  it("change pods in place: the same containers, other networks", () => {
    const [step, ...more] = steps([withNet(subnet(2))], [pod(withNet(subnet(1)), "0", "n1")]);
    expect([step?.type, more]).toEqual(["updateInPlace", []]);
    if (step?.type === "updateInPlace") expect(step.desired.container.networks[0]?.settings).toEqual(subnet(2));
    expect(steps([withNet(subnet(1))], [pod(withNet(subnet(1)), "0", "n1")])).toEqual([]);
  });
  it("are no part of the template's hash", () => {
    const hash = (s: NormalService) => compile({ services: [s] }).services[0]?.templateHash;
    expect(hash(withNet(subnet(1)))).toBe(hash(withNet()));
  });
});
