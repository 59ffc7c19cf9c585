// A plan in words. Pure.
import { columns, type Style } from "../text/style.ts";
import type { Effect, FieldChange, ServiceChange } from "./changes.ts";

export interface StackChange {
  stack: string;
  namespace: string;
  file: string;
  action: "create" | "change" | "unchanged";
  services: ServiceChange[];
}

/** Objects of other kinds: created, changed or not. */
export interface ObjectChange {
  name: string;
  action: "create" | "change" | "unchanged";
}

const SIGN: Record<Effect, string> = { create: "+", replace: "~", update: "~", scale: "~", delete: "-", unchanged: "=" };

export const showPlan = (stacks: readonly StackChange[], objects: readonly ObjectChange[], context: string, s: Style): string => {
  const lines: string[] = [];
  for (const { stack, namespace, file, action, services } of stacks) {
    lines.push(`${s.bold(stack)} ← ${file}    ${s.dim(`context ${context}${namespace === "default" ? "" : `, namespace ${namespace}`}`)}`);
    const rows = columns(
      services.map((c) => [`${SIGN[c.effect]} ${c.service}`, what(c), c.image, c.ports.join(" "), c.effect === "delete" ? kept(c) : on(c)]),
      "  ",
    );
    services.forEach((c, i) => {
      lines.push(paint(c.effect, s)(rows[i] as string));
      lines.push(
        ...columns(
          c.changes.map((f) => [f.path, `${say(f, "from")} → ${say(f, "to")}`]),
          "      ",
        ),
      );
    });
    if (action === "change" && services.every((c) => c.effect === "unchanged"))
      lines.push("  ~ only labels, annotations or spelling change; no container does");
    lines.push("");
  }
  for (const o of objects) lines.push(`  ${o.action === "create" ? "+" : o.action === "change" ? "~" : "="} ${o.name}`);
  return `${lines.join("\n")}${lines.at(-1) === "" ? "" : "\n"}Plan: ${totals(stacks, objects)}.\n`;
};

const WORDS: [Effect, string][] = [
  ["create", "to create"],
  ["replace", "to replace"],
  ["update", "to update in place"],
  ["scale", "to scale"],
  ["delete", "to delete"],
  ["unchanged", "unchanged"],
];

const totals = (stacks: readonly StackChange[], objects: readonly ObjectChange[]): string => {
  const all = stacks.flatMap((p) => p.services.map((c) => c.effect));
  const parts = WORDS.map(([effect, words]) => [all.filter((e) => e === effect).length, words] as const)
    .filter(([n]) => n > 0)
    .map(([n, words]) => `${n} ${words}`);
  const others = objects.filter((o) => o.action !== "unchanged").length;
  if (others > 0) parts.push(`${others} other object${others === 1 ? "" : "s"} to create or change`);
  return parts.length > 0 ? `${stacks.length > 0 ? "services: " : ""}${parts.join(", ")}` : "nothing to do";
};

const count = (n: number): string => `${n} replica${n === 1 ? "" : "s"}`;

const what = (c: ServiceChange): string => {
  const global = c.mode === "global";
  const words: Record<Effect, string> = {
    create: global ? "create one on each node" : `create ${count(c.replicas.to)}`,
    replace: `replace ${global ? "all" : count(c.replicas.from)}, stop first, one at a time${scaling(c)}`,
    update: `update in place (no restart)${scaling(c)}`,
    scale: `scale ${c.replicas.from} → ${c.replicas.to}`,
    delete: global ? "delete on all nodes" : `delete ${count(c.replicas.from)}`,
    unchanged: "unchanged",
  };
  return words[c.effect];
};

const scaling = (c: ServiceChange): string =>
  c.mode === "replicated" && c.replicas.from !== c.replicas.to ? `; scale ${c.replicas.from} → ${c.replicas.to}` : "";
const kept = (c: ServiceChange): string => (c.volumes.length > 0 ? `volume ${c.volumes.join(", ")} is kept` : "");
const on = (c: ServiceChange): string => (c.volumes.length > 0 ? `volume ${c.volumes.join(", ")}` : "");

const paint = (effect: Effect, s: Style): ((t: string) => string) =>
  effect === "create" ? s.green : effect === "delete" ? s.red : effect === "unchanged" ? s.dim : s.yellow;

const say = (f: FieldChange, side: "from" | "to"): string => {
  if (!(side in f)) return "(none)";
  const text = typeof f[side] === "string" ? f[side] : JSON.stringify(f[side]);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};
