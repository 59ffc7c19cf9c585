// A plan in words. Pure.
import type { PlannedPod, PlannedService, StackPlanStatus } from "../../schemas/types.ts";
import { columns, type Style } from "../text/style.ts";

export interface StackChange extends StackPlanStatus {
  stack: string;
  namespace: string;
  file: string;
  action: "create" | "change" | "unchanged";
}

/** Objects of other kinds: created, changed, deleted or not. */
export interface ObjectChange {
  name: string;
  action: "create" | "change" | "delete" | "unchanged";
}

type Effect = PlannedService["effect"];
type PodEffect = PlannedPod["effect"];
const SIGN: Record<Effect, string> = { create: "+", replace: "~", update: "~", scale: "~", delete: "-", unchanged: "=" };
const OBJECT_SIGN: Record<ObjectChange["action"], string> = { create: "+", change: "~", delete: "-", unchanged: "=" };
/** More containers than anybody reads line by line. */
const MAX_NAMED = 6;

export const showPlan = (stacks: readonly StackChange[], objects: readonly ObjectChange[], context: string, s: Style): string => {
  const lines: string[] = [];
  for (const change of stacks) lines.push(...showStack(change, context, s), "");
  for (const o of objects) lines.push(`  ${OBJECT_SIGN[o.action]} ${o.name}`);
  return `${lines.join("\n")}${lines.at(-1) === "" ? "" : "\n"}Plan: ${totals(stacks, objects)}.\n`;
};

const showStack = (change: StackChange, context: string, s: Style): string[] => {
  const { stack, namespace, file, action, services, revision } = change;
  const where = `context ${context}${namespace === "default" ? "" : `, namespace ${namespace}`}`;
  const step = revision.from === undefined || revision.from === revision.to ? "" : `, revision ${revision.from} → ${revision.to}`;
  const lines = [`${s.bold(stack)} ← ${file}    ${s.dim(`${where}${step}`)}`];
  const rows = columns(
    services.map((c) => [`${SIGN[c.effect]} ${c.name}`, what(c), c.image, c.ports.join(" ")]),
    "  ",
  );
  services.forEach((c, i) => lines.push(paint(c.effect, s)(rows[i] as string), ...details(c)));
  if (action === "change" && services.every((c) => c.effect === "unchanged"))
    lines.push("  ~ only labels, annotations or spelling change; no container does");
  lines.push(...holdings(change), ...change.problems.map((p) => s.yellow(`  ! ${p}`)), ...change.notes.map((n) => `  note: ${n}`));
  return lines;
};

const VERBS: readonly PodEffect[] = ["create", "replace", "move", "restart", "change", "remove"];
const numberOf = (c: PlannedService, effect: PodEffect): number => c.pods.filter((p) => p.effect === effect).length;

const what = (c: PlannedService): string => {
  const counts = VERBS.filter((e) => e !== "change" || c.effect !== "update").flatMap((e) =>
    numberOf(c, e) > 0 ? [`${e} ${numberOf(c, e)}`] : [],
  );
  const words: Record<Effect, string> = {
    create:
      c.to === 0 && c.waits !== undefined
        ? "create, when it can"
        : c.mode === "global"
          ? `create one on each node (${c.to})`
          : `create ${c.to}`,
    replace: counts.join(", "),
    update: numberOf(c, "change") > 0 ? "change in place (no restart)" : "change (no container does)",
    scale: `scale ${c.from} → ${c.to}`,
    delete: `delete ${c.from}`,
    unchanged: "unchanged",
  };
  return words[c.effect];
};

const INDENT = "      ";

const details = (c: PlannedService): string[] => {
  if (c.effect === "unchanged") return [];
  const changes = c.effect === "create" ? [] : c.changes;
  return [
    ...columns(
      changes.map((f) => [f.path, said(f.from, f.to)]),
      INDENT,
    ),
    ...groups(c).map((line) => INDENT + line),
    ...(c.downtime === undefined ? [] : [`${INDENT}downtime: ${c.downtime}`]),
  ];
};

const said = (from: string | undefined, to: string | undefined): string => {
  if (from !== undefined && from === to) return "differs (the value is not shown)";
  return `${short(from)} → ${short(to)}`;
};
const short = (text: string | undefined): string =>
  text === undefined ? "(none)" : text.length > 60 ? `${text.slice(0, 59)}…` : text === "" ? '""' : text;

/** Containers with the same fate for the same reason, on one line. */
const groups = (c: PlannedService): string[] => {
  const found = new Map<string, PlannedPod[]>();
  for (const p of c.pods) {
    if (p.effect === "unchanged") continue;
    const why = c.effect === "create" || p.effect === "create" ? "" : (p.why ?? "");
    const id = `${p.effect} ${why}`;
    found.set(id, [...(found.get(id) ?? []), p]);
  }
  return [...found.values()].map((pods) => {
    const [first] = pods as [PlannedPod];
    const named = pods.slice(0, MAX_NAMED).map((p) => place(c, p));
    const more = pods.length > MAX_NAMED ? ` and ${pods.length - MAX_NAMED} more` : "";
    const why = c.effect !== "create" && first.effect !== "create" && first.why ? `: ${first.why}` : "";
    return `${first.effect === "change" ? "change in place" : first.effect} ${named.join(", ")}${more}${why}`;
  });
};

const place = (c: PlannedService, { slot, effect, node, to }: PlannedPod): string => {
  const name = c.mode === "global" ? c.name : `${c.name}-${slot}`;
  return effect === "move" ? `${name} from ${node} to ${to}` : `${name} on ${to ?? node ?? "no node"}`;
};

const holdings = ({ volumes, networks, services }: StackChange): string[] => {
  const touched = new Set(services.filter((c) => c.effect !== "unchanged").map((c) => c.name));
  return [
    ...volumes.flatMap((v) => {
      const name = `volume ${v.key === v.name ? v.key : `${v.key} (${v.name})`}${v.node ? ` on ${v.node}` : ""}`;
      if (v.effect === "create") return [`  + ${name}`];
      if (v.effect === "leave") return [`  = ${name} is kept with its data; nobody mounts it any more`];
      return v.services.some((s) => touched.has(s))
        ? [`  = ${name} is ${v.effect === "external" ? "not ours and left as it is" : "kept"}`]
        : [];
    }),
    ...networks.flatMap((n) => {
      const name = `network ${n.name}${n.node ? ` on ${n.node}` : ""}`;
      if (n.effect === "create") return [`  + ${name}`];
      if (n.effect === "remove") return [`  - ${name}`];
      return n.effect === "recreate" ? [`  ~ ${name} is made anew with other settings`] : [];
    }),
  ];
};

const WORDS: [Effect, string][] = [
  ["create", "to create"],
  ["replace", "to replace"],
  ["update", "to change in place"],
  ["scale", "to scale"],
  ["delete", "to delete"],
  ["unchanged", "unchanged"],
];

const totals = (stacks: readonly StackChange[], objects: readonly ObjectChange[]): string => {
  const count = <T extends string>(all: readonly T[], words: readonly (readonly [T, string])[]): string[] =>
    words.map(([e, text]) => [all.filter((x) => x === e).length, text] as const).flatMap(([n, text]) => (n > 0 ? [`${n} ${text}`] : []));
  const services = count(
    stacks.flatMap((p) => p.services.map((c) => c.effect)),
    WORDS,
  );
  const pods = count(
    stacks.flatMap((p) => p.services.flatMap((c) => c.pods.map((x) => x.effect))),
    VERBS.map((e) => [e, e === "change" ? "to change in place" : `to ${e}`] as const),
  );
  const others = objects.filter((o) => o.action !== "unchanged").length;
  const parts = [
    ...(services.length > 0 ? [`services: ${services.join(", ")}`] : []),
    ...(pods.length > 0 ? [`containers: ${pods.join(", ")}`] : []),
    ...(others > 0 ? [`${others} other object${others === 1 ? "" : "s"} to create, change or delete`] : []),
  ];
  return parts.length > 0 ? parts.join("; ") : "nothing to do";
};

const paint = (effect: Effect, s: Style): ((t: string) => string) =>
  effect === "create" ? s.green : effect === "delete" ? s.red : effect === "unchanged" ? s.dim : s.yellow;
