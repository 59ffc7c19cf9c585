// What to do next about one pod: data in, data out. No clock, no I/O, no logger.
import type { ContainerSpec, DesiredPod } from "../schemas/fleet.ts";
import type { Resources, RestartPolicy } from "./engine.ts";
import { type Drift, driftOf } from "./drift.ts";
import type { Comparable, ContainerFacts } from "./observe.ts";
import type { NetworkRequest, Rendered, VolumeRequest } from "./render.ts";

/** Every step an agent can take. `container`: an id; absent: the one that an earlier step of the same plan created. */
interface Steps {
  ensureImage: { image: string; policy: ContainerSpec["pullPolicy"] };
  ensureNetwork: { network: NetworkRequest };
  ensureVolume: { volume: VolumeRequest };
  create: object;
  connect: { container?: string; network: string; aliases: string[] };
  disconnect: { container: string; network: string };
  start: { container?: string };
  unpause: { container: string };
  rename: { container: string; to: string };
  update: { container: string; change: Resources & { RestartPolicy: RestartPolicy } };
  stop: { container: string; graceMs: number };
  remove: { container: string; networks: string[] };
  /** Removes it when it is ours and nobody uses it. */
  releaseNetwork: { name: string };
  removeVolume: { name: string };
}
export type ActionType = keyof Steps;
export type ActionOf<T extends ActionType> = { type: T } & Steps[T];
export type Action = { [T in ActionType]: ActionOf<T> }[ActionType];

export interface Desired {
  pod: DesiredPod;
  rendered: Rendered;
  /** What its container should look like. */
  expected: Comparable;
}

export interface PlanInput {
  desired: Desired | undefined;
  /** Ours by label, of this namespace and pod name, whatever their uid. */
  containers: readonly ContainerFacts[];
  /** Set: somebody else's container has our name. */
  nameHolder?: string | undefined;
  /** False: what is missing in desired may only be unseen (no sync yet, an engine that has just started). I8. */
  mayRemove: boolean;
  networkIds: ReadonlyMap<string, string>;
  /** Set: a dependency that holds the start. */
  waitingFor?: string | undefined;
  /** How an earlier container of this uid ended for good. */
  finished?: "Succeeded" | "Failed" | undefined;
  /** There was a container of this uid before. */
  hadContainer: boolean;
  /** Networks and volumes were given back after the last container went. */
  released: boolean;
  /** The last failure, while it is not yet time to try again. */
  backoff?: { reason: string; message: string; untilMs: number } | undefined;
  now: number;
}

export type PlanKind = "none" | "create" | "heal" | "replace" | "delete" | "orphan";

export interface Plan {
  kind: PlanKind;
  actions: Action[];
  drift: Drift[];
  /** In words, why there is something to do. */
  cause?: string;
  /** Why the pod is not as desired though there is nothing to do now. */
  waiting?: {
    reason: string;
    message: string;
    /** When it is tried again. */
    untilMs?: number;
    /** When to look again at what goes on by itself. */
    lookAtMs?: number;
  };
  /** The container that stands for the pod. */
  current?: ContainerFacts;
  /** Nothing of the pod is left, and nothing should be. */
  gone: boolean;
  /** Ended for good, by its restart policy. */
  finished?: "Succeeded" | "Failed";
}

const nothing = (o: Partial<Plan> = {}): Plan => ({ kind: "none", actions: [], drift: [], gone: false, ...o });

export const plan = (input: PlanInput): Plan => {
  const { desired, containers, backoff, now } = input;
  const removing = containers.find((c) => c.state === "removing");
  if (!desired || desired.pod.deletionTimestamp !== undefined) return retire(input, desired);
  const { uid } = desired.pod;
  const current = choose(containers.filter((c) => c.uid === uid));
  const others = containers.filter((c) => c !== current && c.state !== "removing");

  if (backoff && now < backoff.untilMs) return nothing({ ...(current ? { current } : {}), waiting: backoff });
  if (others.length > 0) {
    if (!input.mayRemove)
      return nothing({
        ...(current ? { current } : {}),
        waiting: {
          reason: "WaitingForSync",
          message: `container ${others[0]?.name} of another pod of this name stays until the agent has synced`,
        },
      });
    const cause = `container ${others.map((c) => c.name).join(", ")} belongs to an earlier pod of this name`;
    return { kind: "orphan", actions: others.flatMap(takeDown), drift: [], cause, gone: false, ...(current ? { current } : {}) };
  }
  if (removing)
    return nothing({ waiting: { reason: "Removing", message: `the engine is removing container ${removing.name}`, lookAtMs: now + 500 } });
  return current ? keep(input, desired, current) : make(input, desired);
};

/** The one to keep of several with the right uid: the one that runs, then the oldest. */
const choose = (containers: readonly ContainerFacts[]): ContainerFacts | undefined =>
  containers
    .filter((c) => c.state !== "removing")
    .toSorted(
      (a, b) => Number(b.state === "running") - Number(a.state === "running") || (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1),
    )[0];

const takeDown = (c: ContainerFacts, graceMs = c.spec.stopTimeout * 1000): Action[] => [
  // A paused container cannot take a signal.
  ...(c.state === "paused" ? [{ type: "unpause", container: c.id } as const] : []),
  ...(c.state === "running" || c.state === "paused" || c.state === "restarting"
    ? [{ type: "stop", container: c.id, graceMs } as const]
    : []),
  { type: "remove", container: c.id, networks: Object.values(c.networkIds) },
];

/** No desired pod (orphan), or one that is to go. */
const retire = (input: PlanInput, desired: Desired | undefined): Plan => {
  const { containers, backoff, now } = input;
  if (containers.length === 0 && (!desired || input.released)) return nothing({ gone: true });
  if (!input.mayRemove)
    return nothing({ waiting: { reason: "WaitingForSync", message: "nothing is removed before the agent has synced" } });
  if (backoff && now < backoff.untilMs) return nothing({ waiting: backoff });
  const c = desired?.pod.container;
  const live = containers.filter((f) => f.state !== "removing");
  if (live.length < containers.length && live.length === 0)
    return nothing({ waiting: { reason: "Removing", message: "the engine is removing the container", lookAtMs: now + 500 } });
  const networks = new Set([
    ...live.flatMap((f) => Object.keys(f.spec.networks)),
    ...(c?.networks ?? []).filter((n) => !n.external).map((n) => n.name),
  ]);
  const volumes = desired?.pod.removeVolumes ? desired.rendered.volumes.filter((v) => !v.external) : [];
  return {
    kind: desired ? "delete" : "orphan",
    actions: [
      ...live.flatMap((f) => takeDown(f, c?.stopGraceMs)),
      ...[...networks].toSorted().map((name) => ({ type: "releaseNetwork", name }) as const),
      ...volumes.map(({ name }) => ({ type: "removeVolume", name }) as const),
    ],
    drift: [],
    cause: desired ? (desired.pod.deletionReason ?? "deleted") : "no pod of this name is desired on this node",
    gone: false,
    ...(live[0] ? { current: live[0] } : {}),
  };
};

const prepare = ({ pod, rendered }: Desired): Action[] => [
  { type: "ensureImage", image: pod.container.image, policy: pod.container.pullPolicy },
  ...ensureNetworks(rendered),
  ...rendered.volumes.map((volume) => ({ type: "ensureVolume", volume }) as const),
];
const ensureNetworks = (rendered: Rendered): Action[] => rendered.networks.map((network) => ({ type: "ensureNetwork", network }) as const);

const creation = (input: PlanInput, desired: Desired): Action[] => [
  { type: "create" },
  ...desired.rendered.networks.slice(1).map(({ name, aliases }) => ({ type: "connect", network: name, aliases }) as const),
  ...(input.waitingFor === undefined ? [{ type: "start" } as const] : []),
];

const held = (message: string): NonNullable<Plan["waiting"]> => ({ reason: "WaitingForDependency", message });

/** There is no container. */
const make = (input: PlanInput, desired: Desired): Plan => {
  // A job that has ended stays ended when somebody sweeps its container away.
  if (input.finished && runsOnce(desired.pod.container)) return nothing({ finished: input.finished });
  if (input.nameHolder !== undefined)
    return nothing({
      waiting: {
        reason: "NameConflict",
        message: `the name ${desired.rendered.name} is taken by ${input.nameHolder}, which is not ours and stays; rename or remove it`,
      },
    });
  return {
    kind: input.hadContainer ? "heal" : "create",
    actions: [...prepare(desired), ...creation(input, desired)],
    drift: input.hadContainer ? [{ op: "add", path: "/container", value: desired.rendered.name, remedy: "replace" }] : [],
    cause: input.hadContainer ? "container was removed outside (docker rm)" : "new pod",
    gone: false,
    ...(input.waitingFor === undefined ? {} : { waiting: held(input.waitingFor) }),
  };
};

const runsOnce = (c: ContainerSpec): boolean => c.restart.policy === "no" || c.restart.policy === "on-failure";

/** How a container that has exited ended for good; undefined: it should run. */
export const outcome = (c: ContainerSpec, f: ContainerFacts): "Succeeded" | "Failed" | undefined => {
  if (f.state !== "exited" || f.startedAt === undefined || !runsOnce(c)) return undefined;
  if (f.exitCode === 0) return "Succeeded";
  if (c.restart.policy === "no") return "Failed";
  const max = c.restart.maxRetries ?? 0;
  return max > 0 && f.restartCount >= max ? "Failed" : undefined;
};

/** There is one: what is wrong with it? */
const keep = (input: PlanInput, desired: Desired, c: ContainerFacts): Plan => {
  const { pod, rendered, expected } = desired;
  const finished = outcome(pod.container, c);
  if (finished) return nothing({ current: c, finished });

  const drift = driftOf(expected, c, rendered, input.networkIds);
  const replace = drift.filter((d) => d.remedy === "replace");
  if (replace.length > 0 || c.state === "dead") {
    const cause = c.state === "dead" ? "container is dead" : `container differs from its spec in ${replace.map((d) => d.path).join(", ")}`;
    // The container may be newer than what a checkpoint says: only a dead one is replaced unsynced.
    if (!input.mayRemove && c.state !== "dead")
      return nothing({
        current: c,
        drift,
        waiting: { reason: "WaitingForSync", message: `${cause}; it is replaced when the agent has synced` },
      });
    const waiting = input.waitingFor === undefined ? {} : { waiting: held(input.waitingFor) };
    const actions = [...prepare(desired), ...takeDown(c, pod.container.stopGraceMs), ...creation(input, desired)];
    return { kind: "replace", actions, drift, cause, gone: false, current: c, ...waiting };
  }

  const actions: Action[] = [];
  const causes: string[] = [];
  for (const d of drift) {
    switch (d.remedy) {
      case "rename":
        actions.push({ type: "rename", container: c.id, to: rendered.name });
        causes.push(`container was renamed to ${c.name} outside (docker rename)`);
        break;
      case "disconnect":
        actions.push({ type: "disconnect", container: c.id, network: d.network ?? "" });
        causes.push(d.op === "remove" ? `container was connected to network ${d.network} outside` : `network ${d.network} lacks aliases`);
        // An endpoint with the wrong aliases is made anew.
        if (d.op === "replace") actions.push(...connection(rendered, c, d.network));
        break;
      case "connect":
        actions.push(...connection(rendered, c, d.network));
        if (c.startedAt !== undefined)
          causes.push(`container was disconnected from network ${d.network} outside (docker network disconnect)`);
        break;
      case "update":
      case "replace":
        break;
    }
  }
  const updates = drift.filter((d) => d.remedy === "update");
  if (updates.length > 0) {
    actions.push({ type: "update", container: c.id, change: { ...nonZero(rendered.limits), RestartPolicy: rendered.restart } });
    causes.push(`${updates.map((d) => d.path).join(", ")} differed (docker update, or a live change)`);
  }
  let waiting: Plan["waiting"];
  switch (c.state) {
    case "paused":
      actions.unshift({ type: "unpause", container: c.id });
      causes.push("container was paused outside (docker pause)");
      drift.push({ op: "replace", path: "/paused", value: false, remedy: "update" });
      break;
    case "created":
    case "exited":
      if (c.startedAt !== undefined) {
        causes.push(`container was stopped outside (exit code ${c.exitCode})`);
        drift.push({ op: "replace", path: "/running", value: true, remedy: "update" });
      }
      // An endpoint may point at a network that is gone, which would fail every start: look the networks up, then look again.
      if (rendered.networks.some((n) => !input.networkIds.has(n.name)))
        return nothing({ actions: ensureNetworks(rendered), cause: "its networks are not known yet", current: c, drift });
      if (input.waitingFor === undefined) actions.push({ type: "start", container: c.id });
      else waiting = held(input.waitingFor);
      break;
    default:
      break;
  }
  if (actions.length === 0) return nothing({ current: c, drift, ...(waiting ? { waiting } : {}) });
  const fresh = c.startedAt === undefined && causes.length === 0;
  return {
    kind: fresh ? "create" : "heal",
    actions,
    drift,
    cause: fresh ? "new pod" : causes.join("; "),
    gone: false,
    current: c,
    ...(waiting ? { waiting } : {}),
  };
};

const connection = (rendered: Rendered, c: ContainerFacts, name: string | undefined): Action[] =>
  rendered.networks
    .filter((n) => n.name === name)
    .flatMap((network) => [
      { type: "ensureNetwork", network } as const,
      { type: "connect", container: c.id, network: network.name, aliases: network.aliases } as const,
    ]);

/** 0 means "as it is" to the engine, and says nothing. */
const nonZero = (limits: Resources): Resources => Object.fromEntries(Object.entries(limits).filter(([, v]) => v !== 0));
