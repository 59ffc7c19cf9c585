import { CASES, type CaseName, type Sample } from "./cases.ts";
import type { PeerName } from "./peer.ts";

/** One finished run of all cases. `variant` tells apart raw runs of different concurrency. */
export interface Run {
  peer: PeerName;
  variant: string;
  size: number;
  sample: Sample;
}

export interface Figure {
  medianMs: number;
  minMs: number;
  maxMs: number;
  runs: number;
  /** Median over ours' median, of the same run: above 1 means ours is faster. */
  timesOurs?: number;
  /** For raw: the concurrency that was best. */
  concurrency?: string;
}

export interface CaseReport {
  name: CaseName;
  size: number;
  ours?: Figure;
  cli?: Figure;
  raw?: Figure;
  compose?: Figure;
  swarm?: Figure;
}

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[mid] ?? Number.NaN) : ((sorted[mid - 1] ?? Number.NaN) + (sorted[mid] ?? Number.NaN)) / 2;
};

const round = (ms: number): number => Math.round(ms * 10) / 10;

const figure = (runs: Run[], name: CaseName): Figure => {
  const values = runs.map((r) => r.sample[name]);
  return { medianMs: round(median(values)), minMs: round(Math.min(...values)), maxMs: round(Math.max(...values)), runs: values.length };
};

/** Of several variants of a peer the best one counts. */
const best = (runs: Run[], name: CaseName): Figure | undefined => {
  const variants = [...new Set(runs.map((r) => r.variant))];
  const figures = variants.map((variant) => ({
    variant,
    ...figure(
      runs.filter((r) => r.variant === variant),
      name,
    ),
  }));
  const [first] = figures.toSorted((a, b) => a.medianMs - b.medianMs);
  if (!first) return undefined;
  const { variant, ...rest } = first;
  return variant ? { ...rest, concurrency: variant } : rest;
};

export const report = (runs: Run[]): CaseReport[] => {
  const sizes = [...new Set(runs.map((r) => r.size))].toSorted((a, b) => a - b);
  return CASES.flatMap((name) =>
    sizes.map((size) => {
      const row: CaseReport = { name, size };
      for (const peer of ["ours", "cli", "raw", "compose", "swarm"] as const) {
        const found = best(
          runs.filter((r) => r.peer === peer && r.size === size),
          name,
        );
        if (found) row[peer] = found;
      }
      for (const peer of ["cli", "raw", "compose", "swarm"] as const) {
        const theirs = row[peer];
        if (theirs && row.ours) theirs.timesOurs = Math.round((theirs.medianMs / row.ours.medianMs) * 100) / 100;
      }
      return row;
    }),
  );
};

const cell = (f: Figure | undefined): string =>
  f ? `${Math.round(f.medianMs)}${f.timesOurs === undefined ? "" : ` (${f.timesOurs}×)`}` : "–";

/** A Markdown table: medians in ms, in brackets how many times ours. */
export const table = (cases: CaseReport[]): string => {
  const head = ["case", "containers", "ours (API)", "ours (CLI)", "raw Engine API", "docker-compose", "docker stack"];
  const rows = cases.map((c) => [c.name, String(c.size), cell(c.ours), cell(c.cli), cell(c.raw), cell(c.compose), cell(c.swarm)]);
  return [head, head.map(() => "---"), ...rows].map((r) => `| ${r.join(" | ")} |`).join("\n");
};
