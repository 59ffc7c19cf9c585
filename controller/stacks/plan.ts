// One look at one Stack: everything that is decided about it, as data. Pure: no clock, no store.
import { ADOPT, EXTENSION, STACK_FINALIZER } from "../../schemas/constants.ts";
import type { NormalStack } from "../../schemas/compose/normal.ts";
import type { ServiceStatus, Stack, StackStatus } from "../../schemas/types.ts";
import type { Happening } from "../events/plan.ts";
import { type DeliveryDraft, planDeliveries, type Sealed } from "../files/plan.ts";
import type { Missing } from "../files/compile.ts";
import { compile } from "../compile.ts";
import { planJob } from "../jobs/plan.ts";
import type { JobPlan, Jobs } from "../jobs/types.ts";
import type { Pulls } from "../images/pull-secrets.ts";
import { planPins } from "../images/pins.ts";
import type { CompiledStack, NodeView, PodView, StackRef } from "../model.ts";
import type { RevisionView } from "../revisions/history.ts";
import { holdPaused, type Running, specOf } from "../revisions/hold.ts";
import { numberOf, planRevisions, type RevisionStep } from "../revisions/plan.ts";
import { planRollout } from "../rollout/plan.ts";
import type { RolloutPlan, Step } from "../rollout/types.ts";
import { computeStatus, deletingStatus, invalidStatus } from "../status.ts";
import { secondsOf } from "../times.ts";
import { planDeletion } from "./deletion.ts";
import { stackEvents, stackSubject } from "./events.ts";

export type Compiled =
  | {
      normal: NormalStack;
      compiled: CompiledStack;
      /** By service: why its configs or secrets cannot be delivered. Absent, like `contents`: no service has such files. */
      missing?: ReadonlyMap<string, Missing>;
      /** What is known of contents, by `contentId`. */
      contents?: ReadonlyMap<string, Uint8Array>;
      /** Absent: no service pulls with a password. */
      pulls?: Pulls;
    }
  | { problems: readonly string[] };

export interface StackInput {
  stack: Stack;
  /** Of the Stack's spec. Not called for a Stack that is being deleted. */
  compile: () => Compiled;
  /** The revision that the status names; only needed where a service is paused. */
  running?: Running | undefined;
  /** What is kept under the Stack's name, oldest first. */
  history: readonly RevisionView[];
  /** The Stack's own. */
  pods: readonly PodView[];
  nodes: ReadonlyMap<string, NodeView>;
  /** What lies on each node of configs and secrets. Absent: as a forecast sees it, where contents travel by themselves. */
  sealed?: (node: string) => Sealed;
  /** Uids of pods that somebody asked to delete. */
  deletions: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  nowMs: number;
}

export interface StackPlan {
  steps: Step[];
  /** Contents that the nodes need, written before the steps. */
  deliveries: DeliveryDraft[];
  /** Written before, or with, the Stack itself. */
  revisions: RevisionStep[];
  /** What the Stack shall look like; undefined: it goes. */
  stack: Stack | undefined;
  events: Happening[];
  /** By service: what the rollout waits for. */
  waits: RolloutPlan["waits"];
  /** Some service waits for a node to fit. */
  unplaceable: boolean;
  /** Some service follows the nodes. */
  global: boolean;
  /** When a schedule comes, in milliseconds since the epoch: look again then. */
  nextMs?: number;
}

export const refOf = (stack: Stack): StackRef => ({
  namespace: stack.metadata.namespace ?? "default",
  name: stack.metadata.name,
  uid: stack.metadata.uid,
  generation: stack.metadata.generation ?? 1,
  labels: stack.metadata.labels ?? {},
  ...adoptionOf(stack.metadata.annotations?.[ADOPT]),
});

/** What cannot be read takes nothing over. */
const adoptionOf = (text: string | undefined): Pick<StackRef, "adopt"> => {
  if (text === undefined) return {};
  try {
    const { project, replace } = JSON.parse(text) as { project?: unknown; replace?: unknown };
    return typeof project === "string" && project !== "" ? { adopt: { project, ...(replace === true ? { replace } : {}) } } : {};
  } catch {
    return {};
  }
};

/** `x-steadfleet: {reclaim: Delete}`: the volumes go with the Stack. Anything else keeps them (I2). */
export const reclaims = (stack: Stack): boolean => {
  const extension = (stack.spec as unknown as Record<string, unknown>)[EXTENSION];
  return typeof extension === "object" && extension !== null && (extension as { reclaim?: unknown }).reclaim === "Delete";
};

export const planStack = (input: StackInput): StackPlan => {
  const { stack, pods, nodes, history, nowMs } = input;
  const ref = refOf(stack);
  const previous: StackStatus | undefined = stack.status;
  const now = secondsOf(nowMs);
  const at = new Date(nowMs).toISOString();
  if (stack.metadata.deletionTimestamp !== undefined) return planEnd(input, ref, now, at);

  const finalizers = stack.metadata.finalizers ?? [];
  const holds = finalizers.includes(STACK_FINALIZER);
  const metadata = holds ? stack.metadata : { ...stack.metadata, finalizers: [...finalizers, STACK_FINALIZER] };
  const wanted = input.compile();
  if ("problems" in wanted) {
    const status = invalidStatus(ref, previous, wanted.problems, now);
    const events = stackEvents(ref, previous, status, { steps: [], waits: new Map() }, at);
    const idle = { steps: [], deliveries: [], revisions: [], waits: new Map(), unplaceable: false, global: false };
    return { ...idle, stack: { ...stack, metadata, status }, events };
  }
  const { normal, held } = holdPaused(wanted, input.running, pods);
  const compiled = held.size === 0 ? wanted.compiled : compile(normal);
  const own = history.filter((r) => r.stackUid === ref.uid);
  // A paused service runs with what it has: what its manifest asks for now need not be there.
  const blocked = new Map([...(wanted.missing ?? [])].filter(([name]) => !held.has(name)));
  // What cannot be read is neither the same as before nor other: which revision it is, is for a server to say that can.
  const unread = [...blocked].flatMap(([name, { reason }]) => (reason === "EncryptionKeyMissing" ? [name] : []));
  const revision = unread.length > 0 ? (previous?.revision ?? own.at(-1)?.revision ?? 1) : numberOf(compiled.revisionHash, previous, own);
  const jobs = new Map(
    compiled.services.flatMap((service): [string, JobPlan][] => {
      if (!service.job) return [];
      const mine = pods.filter((p) => p.desired.service === service.name);
      return [[service.name, planJob({ service, memory: previous?.services?.[service.name]?.job, pods: mine, nodes, nowMs })]];
    }),
  );
  const pins = planPins({ services: compiled.services, previous, history: own, pods });
  const rollout = planRollout({
    stack: ref,
    compiled,
    revision,
    pods,
    nodes,
    volumes: previous?.volumes ?? {},
    jobs,
    deletions: input.deletions,
    blocked,
    pins,
    ...(wanted.pulls ? { pullSecrets: wanted.pulls.pullSecrets } : {}),
  });
  const { contents = new Map() } = wanted;
  const delivered = input.sealed
    ? planDeliveries({ namespace: ref.namespace, pods, steps: rollout.steps, nodes, sealed: input.sealed, contents })
    : { steps: rollout.steps, puts: [], waits: new Map() };
  const plan: RolloutPlan = { ...rollout, steps: delivered.steps, waits: new Map([...rollout.waits, ...delivered.waits]) };
  const computed = computeStatus({
    stack: ref,
    compiled,
    held,
    revision,
    pods,
    nodes,
    plan,
    jobs,
    pins,
    lacks: wanted.pulls?.lacks,
    previous,
    now,
  });
  const status = unread.length > 0 ? withRevisionOf(previous, computed, unread) : computed;
  return {
    steps: plan.steps,
    deliveries: delivered.puts,
    revisions: unread.length > 0 ? [] : planRevisions({ stack, status, spec: specOf(stack.spec, input.running, held), history }),
    stack: { ...stack, metadata, status },
    events: stackEvents(ref, previous, status, plan, at),
    waits: plan.waits,
    unplaceable: [...plan.waits.values()].some((w) => w.reason === "Unplaceable"),
    global: compiled.services.some((s) => s.mode === "global"),
    ...nextOf(jobs),
  };
};

/** @param unread services whose template is not known */
const withRevisionOf = (
  previous: StackStatus | undefined,
  { revision: _r, revisionHash: _h, services = {}, ...status }: StackStatus,
  unread: readonly string[],
): StackStatus => {
  const { revision, revisionHash } = previous ?? {};
  const known = Object.entries(services).map(([name, s]): [string, ServiceStatus] => {
    if (!unread.includes(name)) return [name, s];
    const { revision: _is, templateHash: _template, ...rest } = s;
    const { revision: was, templateHash } = previous?.services?.[name] ?? {};
    return [name, { ...rest, ...(was === undefined ? {} : { revision: was }), ...(templateHash === undefined ? {} : { templateHash }) }];
  });
  return {
    ...status,
    ...(revision === undefined ? {} : { revision }),
    ...(revisionHash === undefined ? {} : { revisionHash }),
    services: Object.fromEntries(known),
  };
};

const nextOf = (jobs: Jobs): { nextMs?: number } => {
  const next = Math.min(...[...jobs.values()].map((job) => job.nextMs ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(next) ? { nextMs: next } : {};
};

/** Pods first, then, in the commit in which the finalizer goes, what is kept of its revisions. */
const planEnd = ({ stack, pods, nodes, history }: StackInput, ref: StackRef, now: string, at: string): StackPlan => {
  const idle = { deliveries: [], revisions: [], waits: new Map(), unplaceable: false, global: false };
  const finalizers = stack.metadata.finalizers ?? [];
  if (!finalizers.includes(STACK_FINALIZER)) return { ...idle, steps: [], stack, events: [] };
  const { steps, done } = planDeletion(pods, nodes, reclaims(stack));
  const began = !stack.status?.conditions?.some((c) => c.reason === "Deleting");
  const say = (reason: string, message: string): Happening => ({ subject: stackSubject(ref), type: "Normal", reason, message, at });
  const events = [
    ...(began ? [say("Deleting", `${pods.length} ${pods.length === 1 ? "pod is" : "pods are"} removed first`)] : []),
    ...(done ? [say("Deleted", "all pods are gone")] : []),
  ];
  if (!done) return { ...idle, steps, stack: { ...stack, status: deletingStatus(ref, stack.status, pods, nodes, now) }, events };
  const rest = finalizers.filter((f) => f !== STACK_FINALIZER);
  return {
    ...idle,
    steps,
    events,
    revisions: history.map((revision) => ({ type: "delete", revision })),
    stack: rest.length === 0 ? undefined : { ...stack, metadata: { ...stack.metadata, finalizers: rest } },
  };
};

const gist = ({ metadata, status }: Stack): string =>
  JSON.stringify([
    metadata.finalizers,
    status?.health,
    status?.revision,
    status?.observedGeneration,
    status?.conditions?.map((c) => [c.type, c.status, c.reason]),
    Object.entries(status?.services ?? {}).map(([name, s]) => [name, s.desired, s.revision, s.paused, s.job, s.imageDigest]),
    status?.volumes,
  ]);

/** Does the change matter to somebody who waits (Ready, health, a new revision), or is it only progress on the way? */
export const isSignificant = (before: Stack, after: Stack | undefined): boolean => !after || gist(before) !== gist(after);
