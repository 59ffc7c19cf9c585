// What a simulated rollout did to each container of a service, and why. Pure.
import { differences } from "../../schemas/compose/differences.ts";
import { spokenAround, spokenContainer } from "../../schemas/compose/spoken.ts";
import type { PlannedChange, PlannedPod, PlannedService } from "../../schemas/types.ts";
import { canonicalJson } from "../canonical.ts";
import type { CompiledService, PodView } from "../model.ts";
import { bySlot } from "../pods.ts";
import type { Run } from "./simulate.ts";

export interface ServiceInput {
  name: string;
  /** Absent: it is not in the stack any more, or was not. */
  before: CompiledService | undefined;
  after: CompiledService | undefined;
  /** Its pods that shall run, before and after. */
  now: readonly PodView[];
  later: readonly PodView[];
  ready: number;
  run: Run;
}

/** Step and reason, by the uid of the pod that goes, or `new:<slot>` of the one that comes. */
const told = (name: string, run: Run): Map<string, { step: number; why: string }> => {
  const found = new Map<string, { step: number; why: string }>();
  for (const [i, round] of run.rounds.entries())
    for (const s of round.steps) {
      if (s.type === "updateInPlace" && s.desired.next) continue;
      const say = (key: string): void => void (found.has(key) || found.set(key, { step: i + 1, why: s.reason }));
      if (s.type === "create" || s.type === "replace") {
        if (s.pod.service === name) say(`new:${s.pod.slot}`);
      } else if (s.pod.desired.service === name) say(s.pod.desired.uid);
    }
  return found;
};

export const serviceEffects = (input: ServiceInput): PlannedService => {
  const { name, before, after, now, later, run } = input;
  const shown = after ?? before ?? fromPods(now);
  const reasons = told(name, run);
  const slots = [...new Set([...now, ...later].map((p) => p.desired.slot))].toSorted(bySlot);
  const changes = changesOf(input);
  const pods = slots.map((slot) => podEffect(slot, input, reasons, changes));
  const count = (...effects: PlannedPod["effect"][]): number => pods.filter((p) => effects.includes(p.effect)).length;
  const effect: PlannedService["effect"] = !after
    ? "delete"
    : now.length === 0 && (!before || later.length > 0)
      ? "create"
      : count("replace", "move", "restart") > 0
        ? "replace"
        : count("change") > 0
          ? "update"
          : count("create", "remove") > 0
            ? "scale"
            : changes.length > 0
              ? "update"
              : "unchanged";
  const least = Math.min(input.ready, ...run.rounds.map((r) => r.ready.get(name) ?? 0));
  const down = downtime(input, shown, pods, least);
  const wait = run.last.waits.get(name);
  return {
    name,
    effect,
    mode: shown?.mode ?? "replicated",
    image: shown?.container.image ?? "",
    from: now.length,
    to: later.length,
    ports: (shown?.container.ports ?? []).map(
      (p) => `${p.hostIp ? `${p.hostIp}:` : ""}${p.published ?? "auto"}→${p.target}${p.protocol === "tcp" ? "" : `/${p.protocol}`}`,
    ),
    changes,
    pods,
    least,
    ready: input.ready,
    ...(down === undefined ? {} : { downtime: down }),
    ...(wait === undefined ? {} : { waits: wait.message }),
  };
};

const fromPods = (pods: readonly PodView[]): Pick<CompiledService, "mode" | "container"> | undefined => {
  const [first] = pods;
  return first && { mode: first.desired.slot === first.node ? "global" : "replicated", container: first.desired.container };
};

/** Against what runs, where something runs: a manifest that was never rolled out is not what people see. */
const changesOf = ({ before, after, now }: ServiceInput): PlannedChange[] => {
  if (!after || (!before && now.length === 0)) return [];
  const running = now.find((p) => p.desired.templateHash !== after.templateHash) ?? now[0];
  const container = running?.desired.container ?? before?.container;
  const around = ({ group: _g, templateHash: _t, container: _c, ...rest }: CompiledService): object => spokenAround(rest);
  return [
    ...(before ? differences(around(before), around(after)) : []),
    ...(container ? differences(spokenContainer(container), spokenContainer(after.container)) : []),
  ];
};

const podEffect = (
  slot: string,
  { now, later, after }: ServiceInput,
  reasons: ReadonlyMap<string, { step: number; why: string }>,
  changes: readonly PlannedChange[],
): PlannedPod => {
  const old = now.find((p) => p.desired.slot === slot);
  const next = later.find((p) => p.desired.slot === slot);
  const going = old && reasons.get(old.desired.uid);
  const coming = reasons.get(`new:${slot}`);
  const is = old ? { pod: old.desired.name, node: old.node } : {};
  const because = (said: { step: number; why: string } | undefined): { why?: string; step?: number } => (said ? { ...said } : {});
  const keys = changes.filter((c) => !c.path.startsWith("deploy.")).map((c) => c.path);
  if (old && next?.desired.uid === old.desired.uid) {
    const restarts = next.desired.restartAfter !== undefined && next.desired.restartAfter !== old.desired.restartAfter;
    if (restarts)
      return { slot, effect: "restart", ...is, to: next.node, ...because(going), why: "a service that it depends on is updated" };
    const live = canonicalJson(next.desired.container) !== canonicalJson(old.desired.container);
    const named = keys.length > 0 ? { why: reasonOf(keys) } : {};
    return live
      ? { slot, effect: "change", ...is, to: next.node, ...because(going), ...named }
      : { slot, effect: "unchanged", ...is, to: next.node };
  }
  if (old && next) {
    const other = old.desired.templateHash !== next.desired.templateHash;
    const why = other && keys.length > 0 ? reasonOf(keys) : going?.why;
    return {
      slot,
      effect: old.node === next.node ? "replace" : "move",
      ...is,
      to: next.node,
      ...because(going ?? coming),
      ...(why ? { why } : {}),
    };
  }
  if (next) return { slot, effect: "create", to: next.node, ...because(coming) };
  // It goes, but nothing could be placed for it: that is what the service waits for.
  return { slot, effect: "remove", ...is, ...because(going), ...(after && !going ? { why: "no node takes its successor" } : {}) };
};

const CONTENT = /^(config|secret)s\.(.+)\.content$/;

/** `image changed, config motd has other content`. */
const reasonOf = (keys: readonly string[]): string => {
  const others = keys.filter((k) => !CONTENT.test(k));
  const contents = keys.flatMap((k) => {
    const [, kind, name] = CONTENT.exec(k) ?? [];
    return kind ? [`${kind} ${name}`] : [];
  });
  return [
    ...(others.length > 0 ? [`${listed(others)} changed`] : []),
    ...(contents.length > 0 ? [`${listed(contents)} ${contents.length === 1 ? "has" : "have"} other content`] : []),
  ].join(", ");
};

const listed = (keys: readonly string[]): string =>
  keys.length <= 3 ? keys.join(", ") : `${keys.slice(0, 3).join(", ")} and ${keys.length - 3} more`;

/** In words; undefined: its users notice nothing. */
const downtime = (
  { after, ready, now }: ServiceInput,
  shown: Pick<CompiledService, "mode" | "container"> | undefined,
  pods: readonly PlannedPod[],
  least: number,
): string | undefined => {
  if (!after) return now.length > 0 ? "it goes" : undefined;
  const stopped = pods.filter((p) => ["replace", "move", "restart"].includes(p.effect));
  if (stopped.length === 0) return undefined;
  if (ready === 0) return "none is ready now, so all go at once";
  const check = shown?.container.healthcheck;
  const until = check && !("disable" in check) ? "healthy" : "it runs";
  if (shown?.mode === "global") return `on each node, one after the other, down from stop until ${until}`;
  if (least === 0) return `down from stop until ${until === "healthy" ? "healthy" : "the new one runs"}`;
  return `none: stop first, one at a time; ${least} of ${ready} stay up`;
};
