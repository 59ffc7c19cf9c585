// Progress where there is no terminal: one line per change of state, a heartbeat when nothing changes, and JSON events for programs. Pure.
import { harmless } from "../text/style.ts";
import { describe } from "./replica.ts";
import type { Row, View } from "./tracker.ts";

export interface Step {
  view: View;
  /** Text of a row when it was last told, by pod name. */
  told: ReadonlyMap<string, string>;
}

/** What a row says, without what changes with every second or try. */
const saying = (r: Row): string => `${r.state} ${r.word} ${r.restarts} ${r.node}`;

/** Rows whose state changed since `told`, and what has been told after this. Rows that went are told once, as gone. */
export const changes = (view: View, told: ReadonlyMap<string, string>): { rows: Row[]; gone: string[]; told: Map<string, string> } => {
  const next = new Map(view.rows.map((r) => [r.pod, saying(r)]));
  return {
    rows: view.rows.filter((r) => told.get(r.pod) !== next.get(r.pod)),
    gone: [...told.keys()].filter((pod) => !next.has(pod)),
    told: next,
  };
};

const quote = (s: string): string => JSON.stringify(harmless(s).replaceAll("\n", " "));

export const startLine = (time: string, view: View): string => `${time} ${view.stack} started`;
export const rowLine = (time: string, view: View, r: Row): string =>
  `${time} ${view.stack} ${r.name} ${r.node || "-"} ${harmless(describe(r)).replaceAll("\n", " ")}`;
export const goneLine = (time: string, view: View, pod: string): string => `${time} ${view.stack} ${pod} - Removed`;
export const heartbeat = (time: string, view: View): string =>
  `${time} ${view.stack} progress=${view.progress} ready=${view.ready}${view.why[0] === undefined ? "" : ` waiting=${quote(view.why.slice(0, 3).join("; "))}`}`;
export const endLine = (time: string, view: View, ms: number): string =>
  `${time} ${view.stack} ${view.outcome}${view.revision === undefined ? "" : ` revision=${view.revision}`} ready=${view.ready} duration=${Math.round(ms / 1000)}s`;

/** One event of `--progress json`; fields are only ever added within version 1. */
export const rowEvent = (t: string, view: View, r: Row): object => ({
  v: 1,
  t,
  type: "replica",
  stack: view.stack,
  namespace: view.namespace,
  revision: view.revision ?? null,
  replica: r.name,
  pod: r.pod,
  node: r.node,
  state: r.state,
  step: r.word,
  reason: r.state === "ready" || r.state === "done" ? "" : r.message,
  restarts: r.restarts,
  percent: view.progress,
});

export const heartbeatEvent = (t: string, view: View): object => ({
  v: 1,
  t,
  type: "heartbeat",
  stack: view.stack,
  namespace: view.namespace,
  percent: view.progress,
  ready: view.ready,
  waiting: view.why,
});

export const resultEvent = (t: string, view: View, exitCode: number): object => ({
  v: 1,
  t,
  type: "result",
  stack: view.stack,
  namespace: view.namespace,
  status: view.outcome,
  exitCode,
  revision: view.revision ?? null,
  ready: view.ready,
  why: view.why,
  failed: view.rows
    .filter((r) => r.state === "failed")
    .map((r) => ({
      replica: r.name,
      pod: r.pod,
      node: r.node,
      reason: r.word,
      message: r.message,
      exitCode: r.exitCode ?? null,
      restarts: r.restarts,
      log: r.log,
    })),
});
