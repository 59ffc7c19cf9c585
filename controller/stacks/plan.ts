// One look at one Stack: everything that is decided about it, as data. Pure: no clock, no store.
import { EXTENSION, STACK_FINALIZER } from "../../schemas/constants.ts";
import type { Stack, StackStatus } from "../../schemas/types.ts";
import type { Happening } from "../events/plan.ts";
import type { CompiledStack, NodeView, PodView, StackRef } from "../model.ts";
import { planRollout } from "../rollout/plan.ts";
import type { RolloutPlan, Step } from "../rollout/types.ts";
import { computeStatus, deletingStatus, invalidStatus } from "../status.ts";
import { secondsOf } from "../times.ts";
import { planDeletion } from "./deletion.ts";
import { stackEvents, stackSubject } from "./events.ts";

export type Compiled = { compiled: CompiledStack } | { problems: readonly string[] };

export interface StackPlan {
  steps: Step[];
  /** What the Stack shall look like; undefined: it goes. */
  stack: Stack | undefined;
  events: Happening[];
  /** Some service waits for a node to fit. */
  unplaceable: boolean;
  /** Some service follows the nodes. */
  global: boolean;
}

export const refOf = (stack: Stack): StackRef => ({
  namespace: stack.metadata.namespace ?? "default",
  name: stack.metadata.name,
  uid: stack.metadata.uid,
  generation: stack.metadata.generation ?? 1,
  labels: stack.metadata.labels ?? {},
});

/** `x-steadfleet: {reclaim: Delete}`: the volumes go with the Stack. Anything else keeps them (I2). */
export const reclaims = (stack: Stack): boolean => {
  const extension = (stack.spec as unknown as Record<string, unknown>)[EXTENSION];
  return typeof extension === "object" && extension !== null && (extension as { reclaim?: unknown }).reclaim === "Delete";
};

/** @param nowMs milliseconds since the epoch */
export const planStack = (
  stack: Stack,
  compile: () => Compiled,
  pods: readonly PodView[],
  nodes: ReadonlyMap<string, NodeView>,
  deletions: ReadonlySet<string>,
  nowMs: number,
): StackPlan => {
  const ref = refOf(stack);
  const previous: StackStatus | undefined = stack.status;
  const now = secondsOf(nowMs);
  const at = new Date(nowMs).toISOString();
  const finalizers = stack.metadata.finalizers ?? [];
  const holds = finalizers.includes(STACK_FINALIZER);

  if (stack.metadata.deletionTimestamp !== undefined) {
    const idle = { unplaceable: false, global: false };
    if (!holds) return { ...idle, steps: [], stack, events: [] };
    const { steps, done } = planDeletion(pods, nodes, reclaims(stack));
    const began = !previous?.conditions?.some((c) => c.reason === "Deleting");
    const say = (reason: string, message: string): Happening => ({ subject: stackSubject(ref), type: "Normal", reason, message, at });
    const events = [
      ...(began ? [say("Deleting", `${pods.length} ${pods.length === 1 ? "pod is" : "pods are"} removed first`)] : []),
      ...(done ? [say("Deleted", "all pods are gone")] : []),
    ];
    if (!done) return { ...idle, steps, stack: { ...stack, status: deletingStatus(ref, previous, pods, nodes, now) }, events };
    const rest = finalizers.filter((f) => f !== STACK_FINALIZER);
    return {
      ...idle,
      steps,
      events,
      stack: rest.length === 0 ? undefined : { ...stack, metadata: { ...stack.metadata, finalizers: rest } },
    };
  }

  const metadata = holds ? stack.metadata : { ...stack.metadata, finalizers: [...finalizers, STACK_FINALIZER] };
  const result = compile();
  if ("problems" in result) {
    const status = invalidStatus(ref, previous, result.problems, now);
    const events = stackEvents(ref, previous, status, { steps: [], waits: new Map() }, at);
    return { steps: [], stack: { ...stack, metadata, status }, events, unplaceable: false, global: false };
  }
  const { compiled } = result;
  const revision = previous?.revisionHash === compiled.revisionHash ? (previous.revision ?? 1) : (previous?.revision ?? 0) + 1;
  const plan: RolloutPlan = planRollout({ stack: ref, compiled, revision, pods, nodes, volumes: previous?.volumes ?? {}, deletions });
  const status = computeStatus({ stack: ref, compiled, revision, pods, nodes, plan, previous, now });
  return {
    steps: plan.steps,
    stack: { ...stack, metadata, status },
    events: stackEvents(ref, previous, status, plan, at),
    unplaceable: [...plan.waits.values()].some((w) => w.reason === "Unplaceable"),
    global: compiled.services.some((s) => s.mode === "global"),
  };
};

const gist = ({ metadata, status }: Stack): string =>
  JSON.stringify([
    metadata.finalizers,
    status?.health,
    status?.revision,
    status?.observedGeneration,
    status?.conditions?.map((c) => [c.type, c.status, c.reason]),
    Object.entries(status?.services ?? {}).map(([name, s]) => [name, s.desired]),
    status?.volumes,
  ]);

/** Does the change matter to somebody who waits (Ready, health, a new revision), or is it only progress on the way? */
export const isSignificant = (before: Stack, after: Stack | undefined): boolean => !after || gist(before) !== gist(after);
