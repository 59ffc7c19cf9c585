// A Pod in the words of the CLI: what it is doing, why it is not ready, and whether waiting longer can help.
import { LABELS } from "../../schemas/constants.ts";
import { ANNOTATIONS } from "../../schemas/views.ts";
import type { JobView, PodObject } from "./types.ts";

/** `ready` and `done` are good ends; `failed` is one that waiting will not mend. */
export type ReplicaState = "ready" | "done" | "working" | "failed" | "removing";

export interface Replica {
  pod: string;
  uid: string;
  /** `web-0`; `web@nas` for a pod of a global service. */
  name: string;
  service: string;
  node: string;
  state: ReplicaState;
  /** One word or a short phrase: Healthy, Pulling, CrashLoopBackOff, … */
  word: string;
  /** A sentence. */
  message: string;
  restarts: number;
  /** Of a job's pod: `2 of 6 failures`, of all pods of the run together. */
  failures?: string;
  exitCode?: number;
  /** The engine killed it for want of memory. */
  oom: boolean;
  log: string[];
  /** It has a health check: ready means more than running. */
  checked: boolean;
  /** It has ended and is not started again. */
  ended?: "Succeeded" | "Failed";
  /** When the agent tries again, milliseconds since the epoch. */
  nextTryAt?: number;
  createdAt: number;
  image: string;
  /** Digest or id of the image that runs. */
  imageId: string;
  /** The stack's revision that it was made for, when the server says. */
  revision?: number;
}

/**
 * Reasons that waiting does not mend: somebody has to change the manifest, the registry or the host. The agent goes on trying all the same.
 * Milliseconds for which it must hold before a wait gives up; a network or an engine may need a second try.
 */
export const TERMINAL: Readonly<Record<string, number>> = {
  ImageNotFound: 0,
  ImageDenied: 0,
  InvalidSpec: 0,
  CreateFailed: 5_000,
  NameConflict: 5_000,
  NoSpace: 10_000,
  NetworkPoolExhausted: 10_000,
  PortConflict: 10_000,
  StartFailed: 10_000,
  VolumeFailed: 10_000,
  NetworkFailed: 15_000,
  PullFailed: 30_000,
};
/** Restarts after which a crash loop is taken for one. */
const CRASHES = 3;

const time = (s: string | undefined): number => (s === undefined ? 0 : Date.parse(s) || 0);

export const replicaOf = (pod: PodObject): Replica => {
  const { metadata, status = {} } = pod;
  const labels = metadata.labels ?? {};
  const container = status.containerStatuses?.[0];
  const { waiting, terminated } = container?.state ?? {};
  const last = terminated ?? container?.lastState?.terminated;
  const ready = status.conditions?.find((c) => c.type === "Ready");
  const isReady = ready?.status === "True" || (ready === undefined && container?.ready === true);
  const restarts = container?.restartCount ?? 0;
  const reason = status.reason || waiting?.reason || (terminated ? terminated.reason : undefined) || ready?.reason || "";
  // The time changes with every try: it is told apart.
  const message = (status.message || waiting?.message || ready?.message || "").replace(/;? ?next try at \S+$/, "");
  const nextTry = metadata.annotations?.[ANNOTATIONS.nextRetry];
  const exitCode = last?.exitCode;
  const state: ReplicaState =
    metadata.deletionTimestamp !== undefined
      ? "removing"
      : status.phase === "Succeeded"
        ? "done"
        : isReady
          ? "ready"
          : status.phase === "Failed" || TERMINAL[reason] === 0 || (reason === "CrashLoopBackOff" && restarts >= CRASHES)
            ? "failed"
            : "working";
  const service = labels[LABELS.service] ?? pod.spec?.containers?.[0]?.name ?? metadata.name;
  const node = pod.spec?.nodeName ?? "";
  const slot = metadata.annotations?.[ANNOTATIONS.slot];
  const revision = Number(metadata.annotations?.[ANNOTATIONS.revision] ?? Number.NaN);
  return {
    pod: metadata.name,
    uid: metadata.uid,
    name: slot === undefined ? metadata.name : slot === node ? `${service}@${node}` : `${service}-${slot}`,
    service,
    node,
    state,
    word: wordOf(state, reason, status.phase, container?.health),
    message,
    restarts,
    ...(exitCode === undefined ? {} : { exitCode }),
    oom: last?.reason === "OOMKilled" || reason === "OOMKilled",
    log: logOf(last?.message),
    checked: container?.health !== undefined,
    ...(status.phase === "Succeeded" || status.phase === "Failed" ? { ended: status.phase } : {}),
    ...(nextTry === undefined ? {} : { nextTryAt: time(nextTry) }),
    createdAt: time(metadata.creationTimestamp),
    image: pod.spec?.containers?.[0]?.image ?? "",
    imageId: container?.imageID ?? "",
    ...(Number.isNaN(revision) ? {} : { revision }),
  };
};

/** The run of a job that a rollout waits for: a schedule's are no part of it. */
export const runOf = (job: JobView | undefined): JobView["runs"][number] | undefined =>
  job?.runs.find((r) => r.scheduledTime === undefined);

/**
 * A job's pods may fail as often as its `backoffLimit` says, all together, and the controller says when that is over: until then a
 * crash is none of those that waiting does not mend.
 * @param rows of one service
 */
export const inJob = (rows: readonly Replica[], job: JobView): Replica[] => {
  const run = runOf(job);
  if (!run) return [...rows];
  const live = rows.filter((r) => r.state !== "removing");
  // Its status comes a moment after the pods.
  const failed = Math.max(
    run.failed ?? 0,
    live.reduce((sum, r) => sum + r.restarts + (r.ended === "Failed" ? 1 : 0), 0),
  );
  const limit = job.backoffLimit;
  const failures =
    limit === undefined || failed === 0
      ? undefined
      : failed > limit
        ? `${failed} ${failed === 1 ? "failure" : "failures"} with a backoffLimit of ${limit}`
        : `${failed} of ${limit} failures`;
  return rows.map((r): Replica => {
    const told = failures ? { ...r, failures } : r;
    if (run.state === "Failed") return r.state === "working" && r.word === "CrashLoopBackOff" ? { ...told, state: "failed" } : told;
    return r.state === "failed" && TERMINAL[r.word] === undefined ? { ...told, state: "working" } : told;
  });
};

const wordOf = (state: ReplicaState, reason: string, phase: string | undefined, health: string | undefined): string => {
  if (state === "ready") return "Healthy";
  if (state === "done") return "Completed";
  if (state === "removing") return "Removing";
  if (reason !== "") return reason;
  if (health === "starting") return "WaitingForHealthcheck";
  if (health === "unhealthy") return "Unhealthy";
  return phase ?? "Pending";
};

const logOf = (text: string | undefined): string[] => (text ? text.replace(/\n+$/, "").split("\n").slice(-10) : []);

/** `CrashLoopBackOff: …, exit 137 (out of memory), 4 restarts`: what a person needs beside the name. */
export const describe = (r: Replica): string => {
  const facts: string[] = [];
  if (r.message && r.message !== r.word) facts.push(r.message);
  if (r.state !== "ready" && r.state !== "done") {
    const told = new RegExp(`\\bcode ${r.exitCode}\\b`).test(r.message) && !r.oom;
    if (r.exitCode !== undefined && !told) facts.push(`exit ${r.exitCode}${r.oom ? " (out of memory)" : ""}`);
    if (r.failures !== undefined) facts.push(r.failures);
    else if (r.restarts > 0 && !/restart/i.test(r.message)) facts.push(`${r.restarts} restart${r.restarts === 1 ? "" : "s"}`);
  }
  return facts.length > 0 ? `${r.word}: ${facts.join(", ")}` : r.word;
};

export const byName = (a: Replica, b: Replica): number =>
  a.service.localeCompare(b.service) ||
  a.name.localeCompare(b.name, "en", { numeric: true }) ||
  a.createdAt - b.createdAt ||
  a.pod.localeCompare(b.pod);
