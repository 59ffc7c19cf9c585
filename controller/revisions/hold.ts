// What a paused service runs on with: what the present revision says of it, or, where there is none, what its pods are. Pure.
import type { NormalService, NormalStack } from "../../schemas/compose/normal.ts";
import { replicasOf, withReplicas } from "../../schemas/compose/replicas.ts";
import type { ComposeService, StackSpec } from "../../schemas/types.ts";
import { canonicalJson } from "../canonical.ts";
import { byName, type CompiledService, type CompiledStack, type PodView } from "../model.ts";
import type { ServiceTemplates } from "./history.ts";

/** The revision that runs, compiled from its spec. */
export interface Running {
  spec: StackSpec;
  normal: NormalStack;
  compiled: CompiledStack;
  services: ServiceTemplates;
}

/** A paused service. */
export interface Held {
  /** As the manifest asks for it. */
  wanted: CompiledService;
  /** `nothing`: it is as the manifest says. `changes`: it is not. `start`: it has never run, and does not until it is resumed. */
  waits: "nothing" | "changes" | "start";
  /** Whose spec it runs by: the revision's rather than the manifest's. */
  byRevision: boolean;
}

/** All that waits: the number of replicas is followed at once. */
const content = ({ replicas: _replicas, paused: _paused, ...s }: NormalService): string => canonicalJson(s);

/** The template that most of its pods have; the first by hash among equals. */
const ofPods = (wanted: NormalService, hash: string, pods: readonly PodView[]): NormalService | undefined => {
  const live = pods.filter((p) => p.desired.service === wanted.name && p.desired.deletionTimestamp === undefined);
  const count = (h: string): number => live.filter((p) => p.desired.templateHash === h).length;
  const most = live.toSorted(
    ({ desired: a }, { desired: b }) => count(b.templateHash) - count(a.templateHash) || byName(a.templateHash, b.templateHash),
  )[0];
  if (!most || most.desired.templateHash === hash) return most && wanted;
  const { restartedAt: _, ...rest } = wanted;
  return { ...rest, container: most.desired.container, dependsOn: most.desired.dependsOn };
};

/**
 * @param wanted as the manifest asks for it
 * @returns `normal`: what shall run, without services that are paused before they ever ran
 */
export const holdPaused = (
  wanted: { normal: NormalStack; compiled: CompiledStack },
  running: Running | undefined,
  pods: readonly PodView[],
): { normal: NormalStack; held: Map<string, Held> } => {
  const held = new Map<string, Held>();
  const services = wanted.normal.services.flatMap((service): NormalService[] => {
    const compiled = wanted.compiled.services.find((s) => s.name === service.name);
    if (!service.paused || !compiled) return [service];
    const ran = running?.compiled.services.find((s) => s.name === service.name);
    // Another version may read the same spec differently: then the pods know better.
    const sure = ran !== undefined && ran.templateHash === running?.services[service.name]?.templateHash;
    const base = sure ? running?.normal.services.find((s) => s.name === service.name) : ofPods(service, compiled.templateHash, pods);
    if (!base) {
      held.set(service.name, { wanted: compiled, waits: "start", byRevision: false });
      return [];
    }
    const replicas = base.mode === service.mode ? service.replicas : base.replicas;
    const waits = content(base) === content(service) ? "nothing" : "changes";
    held.set(service.name, { wanted: compiled, waits, byRevision: sure && waits === "changes" });
    return [{ ...base, replicas, paused: true }];
  });
  return { normal: { services }, held };
};

/** The spec of what runs: the Stack's, but for the held services, which are as the revision has them, with what they refer to. */
export const specOf = (spec: StackSpec, running: Running | undefined, held: ReadonlyMap<string, Held>): StackSpec => {
  const names = [...held].filter(([, h]) => h.byRevision).map(([name]) => name);
  if (!running || names.length === 0) return spec;
  const services: Record<string, ComposeService> = { ...spec.services };
  for (const name of names) {
    const was = running.spec.services[name];
    if (was) services[name] = scaledAs(was, spec.services[name]);
  }
  const sections = (["networks", "volumes", "configs", "secrets"] as const).map((key) => [key, { ...running.spec[key], ...spec[key] }]);
  return { ...spec, services, ...Object.fromEntries(sections.filter(([, section]) => Object.keys(section ?? {}).length > 0)) };
};

const scaledAs = (was: ComposeService, is: ComposeService | undefined): ComposeService => {
  if ((was.deploy?.mode ?? "replicated") !== (is?.deploy?.mode ?? "replicated") || replicasOf(was) === replicasOf(is)) return was;
  const said = is?.deploy?.replicas ?? is?.scale;
  return withReplicas(was, said === undefined ? undefined : Number(said));
};
