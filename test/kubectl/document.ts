// docs/kubernetes.md: what of Kubernetes' clients works, from the very rows that the tests play.
import { ROWS } from "./client-node.ts";
import { type Step, verbOf } from "./story.ts";
import { STORIES } from "./stories/index.ts";

const HEAD = `# Kubernetes clients

<!-- Generated from test/kubectl/ by its test. Do not edit: change the rows there. -->

Stacks, and the Docker hosts they run on, are driven by unmodified Kubernetes clients. Every row below is typed by a test, with
kubectl 1.32 and with kubectl 1.20 (Debian's), against a fleet of real Docker hosts. "–" means that the client has no such verb or flag.

`;

const MIDDLE = `
## What is refused, and why

A Docker host is not a Kubernetes node. What it cannot do is refused with a sentence that says what to do instead, never half done:

| kubectl | on | why, and what instead |
|---|---|---|
`;

const LIBRARY = `
## A client library

[@kubernetes/client-node](https://github.com/kubernetes-client/javascript) 1.4, unmodified:

| what | on |
|---|---|
`;

const TAIL = `
## Transports

| client | logs | exec, attach, cp | port-forward |
|---|---|---|---|
| kubectl 1.30 and newer | HTTP | WebSocket (v5.channel.k8s.io) | SPDY/3.1 in a WebSocket (from 1.31), SPDY/3.1 before |
| kubectl up to 1.29 | HTTP | SPDY/3.1 | SPDY/3.1 |
| @kubernetes/client-node | HTTP | WebSocket (v4, v5) | WebSocket (v4) |
`;

interface Line {
  verb: string;
  kind: string;
  example: string;
  clients: Set<"new" | "old">;
  notes: Set<string>;
}

const shown = (): Step[] => STORIES.flatMap((s) => s.steps).filter((s) => s.shows !== undefined);
const escaped = (text: string): string => text.replaceAll("|", "\\|");

/** Rows with the same verb and kind are one line, whose example is the first. */
function works(): Line[] {
  const lines = new Map<string, Line>();
  for (const step of shown()) {
    if (step.refused !== undefined) continue;
    const [verb, kind] = [verbOf(step), step.shows ?? ""];
    const key = `${kind} ${verb}`;
    const line = lines.get(key) ?? { verb, kind, example: step.run, clients: new Set(), notes: new Set() };
    for (const client of step.only ? [step.only] : (["new", "old"] as const)) line.clients.add(client);
    if (step.note) line.notes.add(step.note);
    lines.set(key, line);
  }
  return [...lines.values()];
}

const mark = (line: Line, client: "new" | "old"): string => (line.clients.has(client) ? "yes" : "–");
const example = (run: string): string => `\`kubectl ${escaped(run.replaceAll(/\$(\w+)/g, (_, name: string) => name.toUpperCase()))}\``;

export function document(): string {
  const lines = works();
  const kinds = [...new Set(lines.map((l) => l.kind))];
  const tables = kinds.map((kind) => {
    const rows = lines
      .filter((l) => l.kind === kind)
      .map((l) => `| ${l.verb} | ${example(l.example)} | ${mark(l, "new")} | ${mark(l, "old")} | ${escaped([...l.notes].join("; "))} |`);
    return `## ${kind === "-" ? "The cluster" : kind}\n\n| verb | for example | 1.32 | 1.20 | |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
  });
  const refused = shown().filter((s) => s.refused !== undefined);
  const refusals = refused.map((s) => `| ${example(s.run)} | ${s.shows} | ${escaped(s.refused ?? "")} |\n`);
  const library = ROWS.map((r) => `| ${escaped(r.what)} | ${r.kind === "-" ? "the cluster" : r.kind} |\n`);
  return HEAD + tables.join("\n") + MIDDLE + refusals.join("") + LIBRARY + library.join("") + TAIL;
}
