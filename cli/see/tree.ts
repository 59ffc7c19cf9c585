// A Stack as a tree: services, and the pods of those that are not fine. Pure.
import { CLI } from "../../schemas/constants.ts";
import { byName, describe, type Replica } from "../rollout/replica.ts";
import type { ServiceView, StackObject } from "../rollout/types.ts";
import { columns, elapsed, harmless, type Style } from "../text/style.ts";

export interface TreeOptions {
  style: Style;
  /** Wall clock, milliseconds. */
  now: number;
  /** Show the pods of healthy services as well. */
  all: boolean;
}

const mark = (health: string, s: Style): string =>
  ({
    Healthy: s.green("✔"),
    Completed: s.green("✔"),
    Failed: s.red("✖"),
    Degraded: s.red("✖"),
    Progressing: s.cyan("…"),
    Suspended: s.dim("="),
  })[health] ?? s.yellow("?");

/** By the run that tells: the last that has ended, or the one that is under way where there is no schedule. */
const jobHealth = ({ runs }: NonNullable<ServiceView["job"]>): string => {
  const told = runs.findLast((r) => r.scheduledTime === undefined || r.state !== "Running")?.state;
  return { Complete: "Completed", Failed: "Failed", Running: "Progressing" }[told ?? ""] ?? "Healthy";
};

const jobWords = (job: ServiceView["job"]): string => {
  if (!job) return "";
  return job.suspended ? "  (job, suspended)" : job.nextScheduleTime ? `  (job, next ${job.nextScheduleTime})` : "  (job)";
};

const serviceHealth = (rows: readonly Replica[], { ready, desired, updated, replicas, paused, job }: ServiceView): string => {
  if (job && !paused) return jobHealth(job);
  if (rows.some((r) => r.state === "failed")) return "Degraded";
  if (paused && ready >= (replicas ?? desired)) return "Suspended";
  if (ready < desired || updated < desired) return "Progressing";
  return rows.length > 0 && rows.every((r) => r.state === "done") ? "Completed" : "Healthy";
};

export const stackTree = (stack: StackObject, replicas: readonly Replica[], o: TreeOptions): string => {
  const s = o.style;
  const { status = {}, metadata } = stack;
  const health = metadata.deletionTimestamp !== undefined ? "Deleting" : (status.health ?? "Unknown");
  const changed = status.conditions?.find((c) => c.type === "Ready")?.lastTransitionTime;
  const facts = [
    status.revision === undefined ? "" : `revision ${status.revision}`,
    (status.progress ?? 100) < 100 ? `${status.progress}%` : "",
    (status.observedGeneration ?? 0) < (metadata.generation ?? 0) ? "waiting for the controller" : "",
    changed ? `since ${elapsed(o.now - Date.parse(changed))}` : "",
  ].filter((f) => f !== "");
  const lines = [`${s.bold(metadata.name)}  ${mark(health, s)} ${health}  ${s.dim(facts.join("  "))}`.trimEnd()];
  // What a pod's own line says is not said again above it.
  const told = [
    ...replicas.filter((r) => r.state === "failed").map((r) => r.pod),
    ...Object.values(status.services ?? {}).flatMap((v) => v.message ?? []),
  ];
  for (const c of status.conditions ?? [])
    if (c.type === "Degraded" && c.status === "True" && !told.some((t) => c.message.includes(t)))
      lines.push(`│  ${s.red(harmless(c.message).replaceAll("\n", "\n│  "))}`);
  const services = Object.entries(status.services ?? {}).toSorted(([a], [b]) => a.localeCompare(b));
  const grid = services.map(([name, v]) => {
    const rows = replicas.filter((r) => r.service === name);
    const word = serviceHealth(rows, v);
    return { name, rows, word, v, volumes: "" };
  });
  const heads = columns(
    grid.map((g) => [
      g.name,
      `${g.v.ready}/${g.v.desired}`,
      `${mark(g.word, s)} ${g.word}`,
      `${g.v.image}${g.v.mode === "global" ? "  (global)" : ""}${jobWords(g.v.job)}`,
    ]),
  );
  grid.forEach((g, i) => {
    const last = i === grid.length - 1;
    lines.push(`${last ? "└─" : "├─"} ${heads[i]}`);
    const stem = last ? "   " : "│  ";
    // A pod that is well says nothing of what its service waits for.
    const unwell = g.rows.filter((r) => r.state !== "ready" && r.state !== "done");
    if (g.v.message && g.word !== "Healthy" && !unwell.some((r) => g.v.message?.includes(r.pod)))
      lines.push(`${stem}${s.yellow(harmless(g.v.message).replaceAll("\n", " "))}`);
    if (
      (g.word === "Healthy" || g.word === "Suspended" || (g.v.job && g.word === "Completed")) &&
      !o.all &&
      g.rows.every((r) => r.state === "ready" || r.state === "done")
    )
      return;
    lines.push(...podLines(g.rows, stem, o));
  });
  const volumes = Object.entries(status.volumes ?? {})
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([k, v]) => `${k}@${v.node}`);
  if (volumes.length > 0) lines.push(s.dim(`volumes  ${volumes.join("  ")}`));
  const bad = replicas.find((r) => r.state === "failed");
  if (bad) {
    // What has run has said something.
    const next = bad.exitCode === undefined ? `get pod ${bad.pod} -o yaml` : `logs ${metadata.name}/${bad.name}`;
    lines.push(`Next: ${CLI} ${next}${metadata.namespace && metadata.namespace !== "default" ? ` -n ${metadata.namespace}` : ""}`);
  }
  return `${lines.join("\n")}\n`;
};

const podLines = (rows: readonly Replica[], stem: string, o: TreeOptions): string[] => {
  const s = o.style;
  const glyphs = { ready: s.green("✔"), done: s.green("✔"), working: s.cyan("…"), failed: s.red("✖"), removing: s.dim("-") };
  const sorted = rows.toSorted(byName);
  const cells = columns(
    sorted.map((r) => [
      r.name,
      r.node || "-",
      `${glyphs[r.state]} ${r.word}`,
      elapsed(o.now - r.createdAt),
      `↻${r.restarts}`,
      reason(r, o.now),
    ]),
  );
  return cells.flatMap((line, i) => {
    const end = i === cells.length - 1;
    const log = sorted[i]?.state === "failed" ? (sorted[i]?.log ?? []) : [];
    return [`${stem}${end ? "└─" : "├─"} ${line}`, ...log.map((l) => `${stem}${end ? "   " : "│  "}  ${s.dim("|")} ${harmless(l)}`)];
  });
};

const reason = (r: Replica, now: number): string => {
  const text = describe(r);
  const again = r.nextTryAt !== undefined && r.nextTryAt > now ? `next try in ${elapsed(r.nextTryAt - now)}` : "";
  return [harmless(text === r.word ? "" : text.slice(r.word.length + 2)).replaceAll("\n", " "), again].filter((t) => t !== "").join("; ");
};
