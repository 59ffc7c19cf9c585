// What applying a Stack would do, told before anything is done: for `plan`, by the planner that will do it. Pure.
import type { PlannedService, Stack, StackPlan as StackPlanObject, StackRevision } from "../../schemas/types.ts";
import type { Item } from "../../store/kv.ts";
import { hashOf } from "../canonical.ts";
import { byName, type CompiledService, type PodView } from "../model.ts";
import { decodeRevision, revisionKey, type RevisionView } from "../revisions/history.ts";
import type { Running } from "../revisions/hold.ts";
import { compileStack } from "../stacks/compile.ts";
import type { Compiled } from "../stacks/plan.ts";
import { OTHER, UNKNOWN, withRunningHashes } from "./contents.ts";
import { serviceEffects } from "./effects.ts";
import { networksOf, volumesOf } from "./holdings.ts";
import { simulate, type Snapshot } from "./simulate.ts";

export type Forecast = NonNullable<StackPlanObject["status"]>;
export type { Snapshot };
export { OTHER, UNKNOWN };

export interface ForecastInput {
  /** As it would be stored; of a new one the uid is "". */
  next: Stack;
  /** As it is stored. */
  stored: Stack | undefined;
  world: Snapshot;
  /** StackRevisions of the namespace, as they are stored. */
  revisions: readonly Item[];
  deletions: ReadonlySet<string>;
  nowMs: number;
  /** Default: the Compose body is normalised, then compiled. */
  compile?: (stack: Stack) => Compiled;
}

export const forecast = (input: ForecastInput): Forecast | { invalid: readonly string[] } => {
  const { stored, world, deletions, nowMs, compile = compileStack } = input;
  const next = asStored(input);
  const history = historyOf(next, input.revisions);
  const was = stored && compile(stored);
  const live = world.pods.filter((p) => p.desired.stack === next.metadata.name && p.desired.stackUid === next.metadata.uid);
  const settled = (c: Compiled): Compiled => withRunningHashes(c, was && "normal" in was ? was.normal : undefined, live);
  const after = settled(compile(next));
  if ("problems" in after) return { invalid: after.problems };
  const old = was && settled(was);
  const before = old && "compiled" in old ? old.compiled.services : [];
  const run = simulate({
    stack: next,
    compile: () => after,
    running: runningOf(next, input, history, compile),
    history,
    world,
    deletions,
    nowMs,
  });

  const mine = (p: PodView): boolean =>
    p.desired.stackUid === next.metadata.uid && p.desired.stack === next.metadata.name && p.desired.deletionTimestamp === undefined;
  const now = world.pods.filter((p) => mine(p) && world.nodes.get(p.node)?.object !== undefined);
  const later = run.pods.filter(mine);
  const readyNow = (p: PodView): boolean => p.observed?.ready === true || p.observed?.phase === "Succeeded";
  const names = new Set([
    ...before.map((s) => s.name),
    ...after.compiled.services.map((s) => s.name),
    ...now.map((p) => p.desired.service),
  ]);
  const services = [...names].toSorted(byName).map((name): PlannedService => {
    const of = (list: readonly CompiledService[]): CompiledService | undefined => list.find((s) => s.name === name);
    const own = (p: PodView): boolean => p.desired.service === name;
    const running = now.filter(own);
    return serviceEffects({
      name,
      before: of(before),
      after: of(after.compiled.services),
      now: running,
      later: later.filter(own),
      ready: running.filter(readyNow).length,
      run,
    });
  });
  const volumes = volumesOf(now, later, stored?.status?.volumes ?? {});
  const networks = networksOf(now, later);
  const from = stored?.status?.revision;
  return {
    ...(stored ? { uid: stored.metadata.uid, resourceVersion: stored.metadata.resourceVersion } : {}),
    digest: hashOf([services.map(essence), volumes, networks, now.map((p) => [p.desired.uid, p.node])]).slice(0, 32),
    revision: { ...(from === undefined ? {} : { from }), to: run.last.stack?.status?.revision ?? from ?? 1 },
    services,
    volumes,
    networks,
    problems: problemsOf(services, world, next),
    notes: run.cut ? ["the rollout takes more rounds than are shown; the rest goes on in the same way"] : [],
  };
};

const historyOf = ({ metadata }: Stack, items: readonly Item[]): RevisionView[] =>
  items
    .map(decodeRevision)
    .filter((r) => r.stack === metadata.name)
    .toSorted((a, b) => a.revision - b.revision);

/** What a paused service runs on with. */
const runningOf = (
  stack: Stack,
  { revisions }: ForecastInput,
  history: readonly RevisionView[],
  compile: (stack: Stack) => Compiled,
): Running | undefined => {
  const { revision, revisionHash } = stack.status ?? {};
  const now = history.find((r) => r.stackUid === stack.metadata.uid && r.revision === revision && r.hash === revisionHash);
  const item = now && revisions.find((i) => i.key === revisionKey(now));
  if (!now || !item) return undefined;
  const { spec } = JSON.parse(item.value) as StackRevision;
  const result = compile({ ...stack, spec });
  return "compiled" in result ? { ...result, spec, services: now.services } : undefined;
};

/** A write keeps the status; a new Stack has none, and a generation of 1. */
const asStored = ({ next, stored }: ForecastInput): Stack => ({
  ...next,
  ...(stored?.status ? { status: stored.status } : {}),
  metadata: { ...next.metadata, uid: stored?.metadata.uid ?? "", generation: next.metadata.generation ?? 1 },
});

/** What makes a plan another one: not what is merely told beside. */
const essence = ({ name, effect, changes, pods, image }: PlannedService): unknown => [
  name,
  effect,
  image,
  changes,
  pods.map(({ slot, effect: what, pod, node, to }) => [slot, what, pod, node, to]),
];

const problemsOf = (services: readonly PlannedService[], world: Snapshot, { metadata }: Stack): string[] => {
  const waiting = services.flatMap((s) => (s.waits === undefined ? [] : [`${s.name}: ${s.waits}`]));
  const earlier = world.pods.filter(
    (p) =>
      p.desired.stack === metadata.name && p.desired.namespace === (metadata.namespace ?? "default") && p.desired.stackUid !== metadata.uid,
  );
  const first = earlier[0];
  return first
    ? [
        ...waiting,
        `${earlier.length} ${earlier.length === 1 ? "pod" : "pods"} of an earlier Stack of this name must go first: ${first.desired.name} on ${first.node}`,
      ]
    : waiting;
};
