// The end of a rollout in words: what happened, why, the last log lines, and what to do next.
import { CLI } from "../../schemas/constants.ts";
import { elapsed, harmless, type Style } from "../text/style.ts";
import { describe, type Replica } from "./replica.ts";
import type { View } from "./tracker.ts";

/** Healthy, or Suspended, with what waits. */
export const succeeded = (view: View, ms: number, s: Style): string => {
  const facts = `${view.ready} replicas${view.revision === undefined ? "" : `, revision ${view.revision}`}, ${(ms / 1000).toFixed(1)}s`;
  const lines = [`${s.green("✔")} ${s.bold(view.stack)} is ${view.health}: ${facts}`, ...view.why.map((why) => `  ${harmless(why)}`)];
  return `${lines.join("\n")}\n`;
};

/** Several lines; each failed replica once, with its log. */
export const failed = (view: View, s: Style): string => {
  const words = {
    failed: "failed",
    rolledBack: "failed and was rolled back",
    deleted: "was deleted",
    progressing: "is still progressing",
    succeeded: "is Healthy",
  };
  const lines = [`${s.red("✖")} ${s.bold(view.stack)} ${words[view.outcome]}`];
  const bad = view.rows.filter((r) => r.state === "failed");
  for (const r of bad) lines.push(`  ${r.name}${r.node ? ` on ${r.node}` : ""}: ${harmless(describe(r))}`, ...log(r, s), ...advice(r));
  if (bad.length === 0)
    for (const why of view.why)
      lines.push(
        ...harmless(why)
          .split("\n")
          .map((line) => `  ${line}`),
      );
  lines.push(`Next: ${CLI} status ${view.stack}${namespaceFlag(view)}`);
  return `${lines.join("\n")}\n`;
};

export const timedOut = (view: View, ms: number, s: Style): string =>
  [
    `${s.yellow("!")} ${s.bold(view.stack)} is still progressing after ${elapsed(ms)}: ${view.progress}%, ready ${view.ready}; nothing was cancelled`,
    ...view.why.slice(0, 5).map((why) => `  waiting for ${harmless(why).replaceAll("\n", " ")}`),
    `Next: ${CLI} status ${view.stack}${namespaceFlag(view)} --watch`,
    "",
  ].join("\n");

const namespaceFlag = (view: View): string => (view.namespace === "default" ? "" : ` -n ${view.namespace}`);

const log = (r: Replica, s: Style): string[] =>
  r.log.length === 0 ? [] : [s.dim(`    last lines of its log:`), ...r.log.map((line) => `    ${s.dim("|")} ${harmless(line)}`)];

/** What to do about the reasons that have one answer. */
const advice = (r: Replica): string[] => {
  const text = r.oom
    ? "raise deploy.resources.limits.memory"
    : /ImageNotFound|ImageNotPresent|ErrImageNeverPull/.test(r.word)
      ? `is the name right, and was ${r.image || "the image"} pushed (or built on ${r.node || "the node"})?`
      : /Denied|Unauthorized/.test(r.word)
        ? `log in on ${r.node || "the node"}: docker login`
        : /Port/.test(r.word)
          ? "choose another port, or stop what holds it"
          : undefined;
  return text === undefined ? [] : [`    help: ${text}`];
};
