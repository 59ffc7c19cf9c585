// Volumes and networks before and after. Pure.
import type { MountSpec } from "../../schemas/fleet.ts";
import type { PlannedNetwork, PlannedVolume } from "../../schemas/types.ts";
import { canonicalJson } from "../canonical.ts";
import { byName, type PodView, type Volumes } from "../model.ts";

type NamedMount = Extract<MountSpec, { type: "volume" }> & { volume: NonNullable<Extract<MountSpec, { type: "volume" }>["volume"]> };
const named = (p: PodView): NamedMount[] =>
  p.desired.container.mounts.flatMap((m) => (m.type === "volume" && m.volume ? [m as NamedMount] : []));

/** Places of a thing: its name and a node. */
interface Holding<T> {
  key: string;
  name: string;
  node: string;
  services: Set<string>;
  value: T;
}

const collect = <T>(pods: readonly PodView[], of: (p: PodView) => { key: string; name: string; value: T }[]): Map<string, Holding<T>> => {
  const held = new Map<string, Holding<T>>();
  for (const p of pods)
    for (const { key, name, value } of of(p)) {
      const id = `${key} ${name} ${p.node}`;
      const had = held.get(id) ?? { key, name, node: p.node, services: new Set<string>(), value };
      had.services.add(p.desired.service);
      held.set(id, had);
    }
  return held;
};

const union = <T>(a: ReadonlyMap<string, Holding<T>>, b: ReadonlyMap<string, Holding<T>>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].toSorted(byName);

/** No plan deletes a named volume: only the deletion of a Stack may, with consent (I2). */
export const volumesOf = (now: readonly PodView[], then: readonly PodView[], known: Volumes): PlannedVolume[] => {
  const of = (p: PodView): { key: string; name: string; value: boolean }[] =>
    named(p).map(({ volume }) => ({ key: volume.key, name: volume.name, value: volume.external }));
  const [before, after] = [collect(now, of), collect(then, of)];
  return union(before, after).map((id) => {
    const [a, b] = [before.get(id), after.get(id)];
    const { key, name, node, value: external } = (b ?? a) as Holding<boolean>;
    const services = [...((b ?? a)?.services ?? [])].toSorted(byName);
    const there = a !== undefined || known[key]?.node === node;
    return { key, name, node, services, effect: external ? "external" : !b ? "leave" : there ? "keep" : "create" };
  });
};

export const networksOf = (now: readonly PodView[], then: readonly PodView[]): PlannedNetwork[] => {
  const of = (p: PodView): { key: string; name: string; value: { external: boolean; settings: string } }[] =>
    p.desired.container.networks.map((n) => ({
      key: n.key,
      name: n.name,
      value: { external: n.external, settings: canonicalJson(n.settings ?? {}) },
    }));
  const [before, after] = [collect(now, of), collect(then, of)];
  return union(before, after).map((id) => {
    const [a, b] = [before.get(id), after.get(id)];
    const { key, name, node, value } = (b ?? a) as Holding<{ external: boolean; settings: string }>;
    const effect = value.external
      ? "external"
      : !b
        ? "remove"
        : !a
          ? "create"
          : a.value.settings === b.value.settings
            ? "keep"
            : "recreate";
    return { key, name, node, effect };
  });
};
