import { describe, expect, it } from "vitest";
import { breaches } from "./walls.ts";

const rows: { name: string; file: string; source: string; want: string[] }[] = [
  { name: "store may use schemas", file: "store/a.ts", source: 'import { x } from "../schemas/meta.ts";', want: [] },
  { name: "schemas stands alone", file: "schemas/a.ts", source: 'import { x } from "../store/kv.ts";', want: ["no other room"] },
  {
    name: "rooms do not know each other",
    file: "controller/a.ts",
    source: 'import { x } from "../node-agent/index.ts";',
    want: ["not node-agent/"],
  },
  { name: "also types", file: "api/a.ts", source: 'import type { x } from "../node-agent/run.ts";', want: ["not node-agent/"] },
  { name: "the API may run a pure planner", file: "api/a.ts", source: 'import { x } from "../controller/stack/plan.ts";', want: [] },
  {
    name: "but no reconciler",
    file: "api/a.ts",
    source: 'import { x } from "../controller/stack/reconcile.ts";',
    want: ["not controller/"],
  },
  { name: "the command line starts processes lazily", file: "cli/dev.ts", source: 'const a = await import("../api/index.ts");', want: [] },
  { name: "and only lazily", file: "cli/dev.ts", source: 'import { startApi } from "../api/index.ts";', want: ["not api/"] },
  { name: "everybody may be handed time", file: "cli/a.ts", source: 'import type { Env } from "../store/env.ts";', want: [] },
  { name: "re-exports count", file: "store/a.ts", source: 'export * from "../api/index.ts";', want: ["not api/"] },
  { name: "etcd only in the store", file: "api/a.ts", source: 'import { Etcd3 } from "etcd3";', want: ["store/ only"] },
  { name: "gRPC too", file: "node-agent/a.ts", source: 'import g from "@grpc/grpc-js";', want: ["store/ only"] },
  { name: "Docker in one file", file: "node-agent/execute.ts", source: 'import Docker from "dockerode";', want: ["node-agent/docker.ts"] },
  { name: "which may", file: "node-agent/docker.ts", source: 'import Docker from "dockerode";', want: [] },
  { name: "koa only in the API", file: "cli/a.ts", source: 'import Router from "@koa/router";', want: ["api/ only"] },
  { name: "no clock", file: "controller/a.ts", source: "const t = Date.now();\nconst d = new Date();", want: ["Date.now", "new Date()"] },
  { name: "a date made of an argument is fine", file: "controller/a.ts", source: "const d = new Date(now);", want: [] },
  { name: "no timers", file: "node-agent/a.ts", source: "setTimeout(f, 1);", want: ["setTimeout"] },
  { name: "Env may", file: "store/env.ts", source: "const t = Date.now();", want: [] },
  { name: "tests may", file: "store/a.test.ts", source: "setTimeout(f, 1);", want: [] },
  { name: "no environment", file: "api/a.ts", source: "const p = process.env.PORT;", want: ["process.env"] },
  { name: "but for the command line", file: "cli/a.ts", source: "const p = process.env.PORT;", want: [] },
  {
    name: "product code does not lean on test code",
    file: "cli/a.ts",
    source: 'import { x } from "../test/harness/run.ts";',
    want: ["outside its rooms"],
  },
  {
    name: "comments say what they like",
    file: "api/a.ts",
    source: '// Date.now() is wrong here\n/* process.env\n import "koa" */\nconst u = "http://x";',
    want: [],
  },
  { name: "no file is longer than 400 lines", file: "api/a.ts", source: "x();\n".repeat(401), want: ["401 lines"] },
  { name: "400 will do", file: "api/a.ts", source: "x();\n".repeat(400), want: [] },
  { name: "tests may be longer", file: "api/a.test.ts", source: "x();\n".repeat(401), want: [] },
  { name: "other directories are free", file: "bench/a.ts", source: "Date.now();", want: [] },
];

describe("walls", () => {
  it.each(rows)("$name", ({ file, source, want }) => {
    const found = breaches(file, source).map((breach) => breach.message);
    expect(found).toHaveLength(want.length);
    for (const [i, words] of want.entries()) expect(found[i]).toContain(words);
  });
});
