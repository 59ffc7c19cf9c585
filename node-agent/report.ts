// What the agent says about a pod: facts and plan in, ObservedPod out. Pure.
import type { AgentNote, ContainerState, DesiredPod, ObservedPod, PodPhase } from "../schemas/fleet.ts";
import type { Failure } from "./backoff.ts";
import { parseReference } from "./images/reference.ts";
import type { ContainerFacts } from "./observe.ts";
import type { Plan } from "./plan/plan.ts";

export interface ReportInput {
  pod: DesiredPod;
  desiredRevision: number;
  plan: Plan;
  facts: ContainerFacts | undefined;
  /** The last report about the same uid. */
  previous: ObservedPod | undefined;
  failure: (Failure & { retryAtMs: number }) | undefined;
  /** Something that takes long is under way. */
  progress: { reason: string; message: string } | undefined;
  restarts: number;
  logTail: string[] | undefined;
  /** The start that the postStart hooks have run for. */
  hooked: string | undefined;
  prepared?: ObservedPod["prepared"];
  notes: AgentNote[];
  now: number;
}

/** Docker counts a container as up when it has run this long, and then restarts it at once. Source: moby restartmanager. */
export const UP_AFTER_MS = 10_000;
const DOCKER_RESTART_CAP_MS = 60_000;

const iso = (ms: number): string => new Date(ms).toISOString();
const millis = (time: string): string => iso(Date.parse(time));

/** Docker starts it again and again: it waits for the next time, or has not proved itself since. */
export const isLooping = (f: ContainerFacts, now: number): boolean =>
  f.state === "restarting" ||
  (f.state === "running" &&
    f.restartCount >= 2 &&
    f.health !== "healthy" &&
    f.startedAt !== undefined &&
    now - Date.parse(f.startedAt) < UP_AFTER_MS);

export const report = (input: ReportInput): ObservedPod => {
  const { pod, plan, facts, previous, now } = input;
  const why = plan.gone ? undefined : reasonOf(input);
  const looping = facts !== undefined && isLooping(facts, now);
  const hooking = plan.actions.some((a) => a.type === "postStart");
  const ready = facts?.state === "running" && (facts.health === undefined || facts.health === "healthy") && !looping && !hooking;
  const lastError =
    input.failure?.lastError ?? (facts && facts.state !== "running" && facts.error !== "" ? facts.error.slice(0, 2_000) : undefined);
  const exitCode =
    facts && facts.startedAt !== undefined && facts.state !== "running" && facts.state !== "paused" ? facts.exitCode : undefined;
  const lastExit = exitCode ?? (looping ? previous?.exitCode : undefined);
  return {
    uid: pod.uid,
    desiredRevision: input.desiredRevision,
    inSync:
      !input.failure && !plan.waiting && plan.actions.length === 0 && (facts !== undefined || plan.gone || plan.finished !== undefined),
    phase: phaseOf(plan, facts),
    state: stateOf(facts),
    ready,
    ...(facts?.health && facts.state === "running" ? { health: facts.health } : {}),
    ...(why ? { reason: why.reason, message: why.message } : {}),
    ...(lastError === undefined ? {} : { lastError }),
    since: previous && previous.reason === why?.reason ? previous.since : iso(now),
    ...(why?.retryAtMs === undefined ? {} : { nextRetryAt: iso(why.retryAtMs) }),
    ...(facts ? details(facts, pod) : {}),
    restarts: input.restarts,
    ...(lastExit === undefined ? {} : { exitCode: lastExit }),
    ...(input.logTail && (looping || plan.finished === "Failed") ? { logTail: input.logTail } : {}),
    ...(input.hooked !== undefined && pod.container.postStart?.length ? { postStart: input.hooked } : {}),
    ...(input.prepared ? { prepared: input.prepared } : {}),
    notes: input.notes,
  };
};

const stateOf = (facts: ContainerFacts | undefined): ContainerState => facts?.state ?? "absent";

const phaseOf = (plan: Plan, facts: ContainerFacts | undefined): PodPhase => {
  if (plan.gone) return "Removed";
  if (plan.finished) return plan.finished;
  return facts?.startedAt === undefined ? "Pending" : "Running";
};

const details = (f: ContainerFacts, { imageDigest }: DesiredPod) => ({
  containerId: f.id,
  image: f.spec.image,
  imageId: f.imageId,
  ...(f.imageDigests.length > 0 ? { imageDigest: digestName(f, imageDigest) } : {}),
  ...(f.oomKilled ? { oomKilled: true } : {}),
  ...(f.startedAt ? { startedAt: millis(f.startedAt) } : {}),
  ...(f.finishedAt ? { finishedAt: millis(f.finishedAt) } : {}),
  ...(Object.keys(f.addresses).length > 0 ? { addresses: f.addresses } : {}),
  ...(f.ports.length > 0 ? { ports: f.ports } : {}),
});

/** `name@sha256:…`: of several names for the same bits the one that is wanted. */
const digestName = (f: ContainerFacts, wanted: string | undefined): string => {
  const { name, tag } = parseReference(f.spec.image);
  const digest = wanted !== undefined && f.imageDigests.includes(wanted) ? wanted : f.imageDigests[0];
  return `${tag === undefined ? name : name.slice(0, -tag.length - 1)}@${digest}`;
};

const reasonOf = (input: ReportInput): { reason: string; message: string; retryAtMs?: number } | undefined => {
  const { plan, facts, failure, now } = input;
  if (failure) return { reason: failure.reason, message: failure.message, retryAtMs: failure.retryAtMs };
  if (input.progress) return input.progress;
  if (plan.waiting) {
    const { reason, message, untilMs } = plan.waiting;
    return { reason, message, ...(untilMs === undefined ? {} : { retryAtMs: untilMs }) };
  }
  if (plan.finished === "Failed") {
    const code = facts?.exitCode ?? input.previous?.exitCode;
    return facts?.oomKilled
      ? { reason: "OOMKilled", message: `killed for using more memory than its limit (exit code ${code})` }
      : { reason: "Error", message: `exited with code ${code ?? "unknown"}` };
  }
  if (plan.finished === "Succeeded") return { reason: "Completed", message: "exited with code 0" };
  if (facts && isLooping(facts, now)) {
    const code = facts.state === "restarting" ? facts.exitCode : input.previous?.exitCode;
    const pause = Math.min(DOCKER_RESTART_CAP_MS, 100 * 2 ** Math.min(facts.restartCount, 20));
    return {
      reason: "CrashLoopBackOff",
      // Without the count, which stands beside it: an Event that says the same is counted, not told anew.
      message: `exits again and again${code === undefined ? "" : `, last with code ${code}`}${facts.oomKilled ? " (out of memory)" : ""}; Docker starts it each time`,
      ...(facts.state === "restarting" && facts.finishedAt ? { retryAtMs: Date.parse(facts.finishedAt) + pause } : {}),
    };
  }
  if (plan.actions.length > 0)
    return {
      reason:
        plan.kind === "delete"
          ? "Terminating"
          : plan.kind === "create"
            ? "ContainerCreating"
            : plan.kind === "restart"
              ? "Restarting"
              : "Healing",
      message: plan.cause ?? "",
    };
  if (facts?.health === "unhealthy" && facts.state === "running") return { reason: "Unhealthy", message: "the health check fails" };
  return undefined;
};
