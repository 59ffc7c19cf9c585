import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../../schemas/fleet.ts";
import { expected, observe, type ContainerFacts } from "../observe.ts";
import { plan, type PlanInput } from "./plan.ts";
import { render } from "../render.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, CLUSTER } from "../testing/rig.ts";
import { ManualEnv } from "../../store/testing/env.ts";

/** A container as the engine shows it after the agent made it. */
const made = async (o: Parameters<typeof aPod>[0] = {}): Promise<ContainerFacts> => {
  const engine = new FakeEngine(new ManualEnv());
  const pod = aPod(o);
  const r = render(pod, CLUSTER);
  for (const n of r.networks) await engine.createNetwork(n.name, n.labels);
  const { id } = await engine.create(r.name, r.body);
  for (const n of r.networks.slice(1)) await engine.connect(n.name, id, n.endpoint);
  await engine.start(id);
  const i = await engine.inspect(id);
  return observe(i, await engine.inspectImage(i.Image));
};
const IMAGE = { Id: "sha256:x", RepoDigests: [], Config: { Cmd: ["/bin/sleep", "1000000"], Env: ["PATH=/bin:/sbin"] } };

interface Row {
  name: string;
  pod?: Parameters<typeof aPod>[0];
  desired?: false;
  have?: Partial<ContainerFacts>[] | undefined;
  and?: Partial<PlanInput>;
  want: string[];
  waiting?: string;
  kind?: string;
}

const restart = (policy: ContainerSpec["restart"]["policy"], maxRetries?: number) => ({
  container: { restart: { policy, ...(maxRetries ? { maxRetries } : {}) } },
});

const ROWS: Row[] = [
  { name: "makes what is missing", have: [], want: ["ensureImage", "ensureNetwork", "create", "start"], kind: "create" },
  {
    name: "heals what was removed",
    have: [],
    and: { hadContainer: true },
    want: ["ensureImage", "ensureNetwork", "create", "start"],
    kind: "heal",
  },
  {
    name: "creates ahead, but holds the start for a dependency",
    have: [],
    and: { waitingFor: "waiting for db" },
    want: ["ensureImage", "ensureNetwork", "create"],
    waiting: "WaitingForDependency",
  },
  { name: "leaves a healthy container alone", have: [{}], want: [], kind: "none" },
  {
    name: "starts a container that a crash left created",
    have: [{ state: "created", startedAt: undefined as never }],
    want: ["start"],
    kind: "create",
  },
  { name: "starts what was stopped outside", have: [{ state: "exited", exitCode: 137 }], want: ["start"], kind: "heal" },
  {
    name: "looks its networks up before it starts what has stopped",
    have: [{ state: "exited" }],
    and: { networkIds: new Map() },
    want: ["ensureNetwork"],
    kind: "none",
  },
  { name: "unpauses", have: [{ state: "paused" }], want: ["unpause"], kind: "heal" },
  { name: "renames back", have: [{ name: "other" }], want: ["rename"], kind: "heal" },
  {
    name: "replaces a dead container",
    have: [{ state: "dead" }],
    want: ["ensureImage", "ensureNetwork", "remove", "create", "start"],
    kind: "replace",
  },
  { name: "waits while Docker restarts it", have: [{ state: "restarting" }], want: [] },
  { name: "waits while Docker removes it", have: [{ state: "removing" }], want: [], waiting: "Removing" },
  { name: "runs a job once", pod: restart("no"), have: [{ state: "exited", exitCode: 0 }], want: [] },
  { name: "leaves a failed job", pod: restart("no"), have: [{ state: "exited", exitCode: 3 }], want: [] },
  { name: "does not run a swept job again", pod: restart("no"), have: [], and: { finished: "Succeeded", hadContainer: true }, want: [] },
  { name: "leaves on-failure that succeeded", pod: restart("on-failure"), have: [{ state: "exited", exitCode: 0 }], want: [] },
  {
    name: "starts on-failure that was killed",
    pod: restart("on-failure", 3),
    have: [{ state: "exited", exitCode: 137 }],
    want: ["start"],
  },
  {
    name: "gives up on-failure after its retries",
    pod: restart("on-failure", 3),
    have: [{ state: "exited", exitCode: 1, restartCount: 3 }],
    want: [],
  },
  { name: "removes a leftover of an older uid first", have: [{ uid: "old" }], want: ["stop", "remove"], kind: "orphan" },
  {
    name: "keeps the leftover while unsynced (I8)",
    have: [{ uid: "old" }],
    and: { mayRemove: false },
    want: [],
    waiting: "WaitingForSync",
  },
  { name: "stays away from a foreign name", have: [], and: { nameHolder: "container abc" }, want: [], waiting: "NameConflict" },
  { name: "removes an orphan with its networks", desired: false, have: [{}], want: ["stop", "remove", "releaseNetwork"], kind: "orphan" },
  {
    name: "leaves an orphan while unsynced (I8)",
    desired: false,
    have: [{}],
    and: { mayRemove: false },
    want: [],
    waiting: "WaitingForSync",
  },
  {
    name: "deletes: stop, remove, give the network back",
    pod: { deletionTimestamp: "2026-01-01T00:00:00Z" },
    have: [{}],
    want: ["stop", "remove", "releaseNetwork"],
    kind: "delete",
  },
  {
    name: "unpauses before it stops",
    pod: { deletionTimestamp: "x" },
    have: [{ state: "paused" }],
    want: ["unpause", "stop", "remove", "releaseNetwork"],
  },
  {
    name: "deletes nothing while unsynced (I8)",
    pod: { deletionTimestamp: "x" },
    have: [{}],
    and: { mayRemove: false },
    want: [],
    waiting: "WaitingForSync",
  },
  {
    name: "waits for the next try",
    have: [],
    and: { backoff: { reason: "PortConflict", message: "", untilMs: 10 }, now: 5 },
    want: [],
    waiting: "PortConflict",
  },
  {
    name: "tries again when it is time",
    have: [],
    and: { backoff: { reason: "PortConflict", message: "", untilMs: 10 }, now: 10 },
    want: ["ensureImage", "ensureNetwork", "create", "start"],
  },
];

const inputOf = async (row: Row): Promise<PlanInput> => {
  const pod = aPod(row.pod);
  const rendered = render(pod, CLUSTER);
  const base = await made(row.pod);
  const containers = (row.have ?? []).map((o, n) => {
    const f: ContainerFacts = { ...base, ...o, id: `${base.id}${n}` };
    if ("startedAt" in o && o.startedAt === undefined) delete f.startedAt;
    return f;
  });
  return {
    desired: row.desired === false ? undefined : { pod, rendered, expected: expected(rendered, IMAGE) },
    containers,
    mayRemove: true,
    networkIds: new Map(Object.entries(base.networkIds)),
    shares: [],
    complaints: [],
    cures: 0,
    restarted: false,
    hadContainer: false,
    released: false,
    now: 0,
    ...row.and,
  };
};

describe("plan", () => {
  it.each(ROWS)("$name", async (row) => {
    const p = plan(await inputOf(row));
    expect(p.actions.map((a) => a.type)).toEqual(row.want);
    expect(p.waiting?.reason).toBe(row.waiting);
    if (row.kind) expect(p.kind).toBe(row.kind);
  });

  it("gives volumes back only with consent (I2)", async () => {
    const mounts = [
      { type: "volume" as const, volume: { key: "data", name: "shop_data", external: false }, target: "/d", readOnly: false },
    ];
    const row = { name: "", pod: { deletionTimestamp: "x", container: { mounts } }, have: [{}], want: [] };
    expect(plan(await inputOf(row)).actions.some((a) => a.type === "removeVolume")).toBe(false);
    const consent = { ...row, pod: { ...row.pod, removeVolumes: true } };
    expect(plan(await inputOf(consent)).actions.at(-1)).toEqual({ type: "removeVolume", name: "shop_data" });
  });

  it("is done once networks were given back", async () => {
    const p = plan(await inputOf({ name: "", pod: { deletionTimestamp: "x" }, have: [], and: { released: true }, want: [] }));
    expect(p).toMatchObject({ actions: [], gone: true });
  });
});
