// The containers on this engine as last heard of: filled by lists, kept fresh by events and by our own calls. Hints make it fast, lists make it true.
import { LABELS } from "../schemas/constants.ts";
import type { DesiredPod } from "../schemas/fleet.ts";
import type { ContainerSummary, EngineEvent } from "./engine.ts";
import { isMeant, labelsFor } from "./import/adopted.ts";

/** `<namespace>/<pod>` of a container of ours, from its labels. */
export const podKeyOf = (labels: Record<string, string>, clusterId: string): string | undefined => {
  const namespace = labels[LABELS.namespace];
  const pod = labels[LABELS.pod];
  return labels[LABELS.cluster] === clusterId && namespace && pod ? `${namespace}/${pod}` : undefined;
};

export class World {
  /** Containers that pods have taken over: the labels that they have here beside their own. */
  private readonly adopted = new Map<string, { ours: Record<string, string>; own: Record<string, string> }>();
  private readonly containers = new Map<string, ContainerSummary>();
  private readonly byName = new Map<string, string>();
  private readonly byPod = new Map<string, Set<string>>();
  /** For each list under way: what changed since it was asked for, and is therefore newer than its answer. */
  private readonly open = new Set<Set<string>>();

  constructor(readonly clusterId: string) {}

  get(id: string): ContainerSummary | undefined {
    return this.containers.get(id);
  }
  named(name: string): ContainerSummary | undefined {
    const id = this.byName.get(name);
    return id === undefined ? undefined : this.containers.get(id);
  }
  ofPod(key: string): ContainerSummary[] {
    return [...(this.byPod.get(key) ?? [])].flatMap((id) => this.containers.get(id) ?? []);
  }
  /** Uids of the pods that have a container. */
  podUids(): string[] {
    return [...this.containers.values()].flatMap((c) => (c.labels[LABELS.cluster] === this.clusterId ? (c.labels[LABELS.uid] ?? []) : []));
  }
  podKeys(): string[] {
    return [...this.byPod.keys()];
  }
  /** I1: whether the container carries our cluster's label. */
  isOurs(id: string): boolean {
    return this.containers.get(id)?.labels[LABELS.cluster] === this.clusterId;
  }
  /** From now on the container that the pod takes over counts as its own, if there is one and it has none yet. */
  adopt(pod: DesiredPod): void {
    const { adopt } = pod;
    if (!adopt || this.ofPod(`${pod.namespace}/${pod.name}`).length > 0) return;
    const [found] = [...this.containers.values()]
      .filter((c) => isMeant(c, adopt))
      .toSorted((a, b) => Number(b.state === "running") - Number(a.state === "running") || (a.id < b.id ? -1 : 1));
    if (!found) return;
    this.adopted.set(found.id, { ours: labelsFor(pod, this.clusterId), own: found.labels });
    this.put(found);
  }
  /** Nobody takes the pod's containers over any more: those that never were ours are foreign again. */
  release(key: string): void {
    for (const c of this.ofPod(key)) {
      const own = this.adopted.get(c.id)?.own;
      if (own === undefined) continue;
      this.delete(c.id);
      this.put({ ...c, labels: own });
    }
  }
  /** Of a container that was taken over: the labels to see it with. */
  laidOver(id: string): Record<string, string> | undefined {
    return this.adopted.get(id)?.ours;
  }
  usesNetwork(name: string): boolean {
    for (const c of this.containers.values()) if (name in c.networks) return true;
    return false;
  }
  usersOfNetwork(name: string): ContainerSummary[] {
    return [...this.containers.values()].filter((c) => name in c.networks);
  }
  counts(): { ours: number; foreign: number } {
    let ours = 0;
    for (const c of this.containers.values()) if (c.labels[LABELS.cluster] === this.clusterId) ours++;
    return { ours, foreign: this.containers.size - ours };
  }

  put(c: ContainerSummary): void {
    this.touch(c.id);
    this.set(c);
  }
  delete(id: string): void {
    this.touch(id);
    this.unset(id);
  }

  /** Takes a list of all containers in. `ask` gets the list. Returns the pods of which something is new, gone or different. */
  async refresh(ask: () => Promise<ContainerSummary[]>): Promise<{ changed: Set<string>; ids: string }> {
    const touched = new Set<string>();
    this.open.add(touched);
    try {
      const list = await ask();
      const changed = new Set<string>();
      const seen = new Set(list.map((c) => c.id));
      for (const c of this.containers.values()) {
        if (seen.has(c.id) || touched.has(c.id)) continue;
        this.mark(changed, c);
        this.unset(c.id);
      }
      for (const listed of list) {
        const c = this.overlaid(listed);
        if (touched.has(c.id)) continue;
        const before = this.containers.get(c.id);
        if (before && signature(before) === signature(c)) continue;
        this.mark(changed, c);
        this.set(c);
      }
      const ids = [...seen].toSorted().join(" ");
      return { changed, ids };
    } finally {
      this.open.delete(touched);
    }
  }

  /** Takes an event in; the pod it is about, if it is one of ours. */
  apply(event: EngineEvent): string | undefined {
    if (event.type === "network") {
      const c = this.containers.get(event.attributes["container"] ?? "");
      return c && podKeyOf(c.labels, this.clusterId);
    }
    if (event.type !== "container") return undefined;
    const { name = "", image: _, oldName: __, exitCode: ___, ...labels } = event.attributes;
    const known = this.containers.get(event.id);
    const key = podKeyOf(known?.labels ?? labels, this.clusterId);
    switch (event.action) {
      case "destroy":
        this.delete(event.id);
        break;
      case "create":
        if (!known) this.put({ id: event.id, name, labels, state: "created", imageId: "", networks: {} });
        break;
      case "rename":
        if (known) this.put({ ...known, name });
        break;
      default:
        break;
    }
    return key;
  }

  private mark(changed: Set<string>, c: ContainerSummary): void {
    const key = podKeyOf(c.labels, this.clusterId);
    if (key !== undefined) changed.add(key);
  }
  private touch(id: string): void {
    for (const touched of this.open) touched.add(id);
  }
  private overlaid(c: ContainerSummary): ContainerSummary {
    const ours = this.laidOver(c.id);
    return ours ? { ...c, labels: { ...c.labels, ...ours } } : c;
  }
  private set(seen: ContainerSummary): void {
    const c = this.overlaid(seen);
    const before = this.containers.get(c.id);
    if (before && before.name !== c.name && this.byName.get(before.name) === c.id) this.byName.delete(before.name);
    this.containers.set(c.id, c);
    if (c.name !== "") this.byName.set(c.name, c.id);
    const key = podKeyOf(c.labels, this.clusterId);
    if (key === undefined) return;
    const ids = this.byPod.get(key) ?? new Set();
    this.byPod.set(key, ids.add(c.id));
  }
  private unset(id: string): void {
    const c = this.containers.get(id);
    if (!c) return;
    this.containers.delete(id);
    this.adopted.delete(id);
    if (this.byName.get(c.name) === id) this.byName.delete(c.name);
    const key = podKeyOf(c.labels, this.clusterId);
    const ids = key === undefined ? undefined : this.byPod.get(key);
    ids?.delete(id);
    if (key !== undefined && ids?.size === 0) this.byPod.delete(key);
  }
}

const signature = (c: ContainerSummary): string => JSON.stringify([c.name, c.state, Object.keys(c.networks).toSorted()]);
