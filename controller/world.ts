// What the informers know, indexed by stack: a reconcile costs what its stack is large, not what the fleet is.
import type { DesiredPod, NodeInfo, NodeSession, ObservedPod } from "../schemas/fleet.ts";
import type { Node } from "../schemas/types.ts";
import type { Informer } from "../store/informer.ts";
import { type NodeKey, observedKey, parseNodeKey, parseSealedKey } from "../store/keys.ts";
import type { Item } from "../store/kv.ts";
import type { NodeView, PodView } from "./model.ts";
import { nodeView } from "./place-view.ts";

/** One key below `/steadfleet/nodes/`. */
export type NodeRecord = { mod: number } & (
  | { kind: "desired"; value: DesiredPod }
  | { kind: "observed"; value: ObservedPod }
  | { kind: "info"; value: NodeInfo }
  | { kind: "session"; value: NodeSession }
  /** A content that lies on its node: only what it was sealed to, if it is. */
  | { kind: "sealed"; recipient?: string }
  /** Whatever is not ours to read. */
  | { kind: "other" }
);

/** @throws SyntaxError on a value that is no JSON */
export const decodeNodeRecord = (item: Item): NodeRecord => {
  const kind = parseNodeKey(item.key)?.kind;
  if (kind === undefined && parseSealedKey(item.key)) {
    const { recipient } = JSON.parse(item.value) as { recipient?: string };
    return { kind: "sealed", mod: item.mod, ...(recipient === undefined ? {} : { recipient }) };
  }
  return kind === undefined ? { kind: "other", mod: item.mod } : { kind, mod: item.mod, value: JSON.parse(item.value) };
};

interface NodeEntry {
  object?: Node;
  info?: { value: NodeInfo; mod: number };
  session?: { value: NodeSession; mod: number };
  /** `<namespace>/<pod>` → the pod, without its observation. */
  desired: Map<string, DesiredPod>;
  /** By etcd key. */
  sealed: Map<string, { recipient?: string }>;
}

export interface WorldListener {
  /** Something about a pod of this stack changed; `freed`: a desired pod is gone, and with it what it held. */
  stackChanged?(stack: string, freed: boolean): void;
  /** A node came, went, or changed in what placement looks at. */
  nodeChanged?(node: string, before: NodeView | undefined, after: NodeView | undefined): void;
  /** Anything that the node loop acts on: the Node object, info, session, or the last desired pod of it. */
  nodeTouched?(node: string): void;
  observed?(pod: PodView, before: ObservedPod | undefined): void;
}

const NONE: ReadonlyMap<string, { recipient?: string }> = new Map();

export class World {
  private readonly entries = new Map<string, NodeEntry>();
  private readonly views = new Map<string, NodeView>();
  private readonly stale = new Set<string>();
  /** stack → `<node>/<namespace>/<pod>` → view */
  private readonly byStack = new Map<string, Map<string, PodView>>();
  private readonly byName = new Map<string, Set<string>>();
  private readonly listeners = new Set<WorldListener>();

  constructor(
    private readonly records: Informer<NodeRecord>,
    nodes: Informer<Node>,
  ) {
    records.subscribe(({ key, old, new: now }) => {
      const where = parseNodeKey(key);
      if (where) this.recordChanged(where, old, now);
      else this.sealedChanged(key, now);
    });
    nodes.subscribe(({ old, new: now }) => {
      const name = (now ?? old)?.metadata.name;
      if (name === undefined) return;
      this.nodeEdit(name, (entry) => {
        if (now) entry.object = now;
        else delete entry.object;
      });
      this.tell((l) => l.nodeTouched?.(name));
      // Its pods are forgotten when a node's object goes.
      if (!now) for (const stack of this.stacksOn(name)) this.tell((l) => l.stackChanged?.(stack, false));
    });
  }

  listen(listener: WorldListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The world is as etcd was at this revision, for keys below the nodes. */
  get revision(): number {
    return this.records.revision;
  }
  /** All pods of `<namespace>/<stack>`, of whatever incarnation of that stack. */
  pods(stack: string): PodView[] {
    return [...(this.byStack.get(stack)?.values() ?? [])];
  }
  stacks(): IterableIterator<string> {
    return this.byStack.keys();
  }
  /** Pods of that name; one, unless something is wrong. */
  podsNamed(namespace: string, pod: string): PodView[] {
    return [...(this.byName.get(`${namespace}/${pod}`) ?? [])].flatMap((id) => {
      const found = this.find(id);
      return found ? [found] : [];
    });
  }
  /** `<namespace>/<stack>` of each pod on the node. */
  stacksOn(node: string): Set<string> {
    const desired = this.entries.get(node)?.desired.values() ?? [];
    return new Set([...desired].map((d) => `${d.namespace}/${d.stack}`));
  }
  desiredOn(node: string): PodView[] {
    return [...(this.entries.get(node)?.desired.keys() ?? [])].flatMap((pod) => {
      const found = this.find(`${node}/${pod}`);
      return found ? [found] : [];
    });
  }
  node(name: string): Readonly<NodeEntry> | undefined {
    return this.entries.get(name);
  }
  nodeNames(): IterableIterator<string> {
    return this.entries.keys();
  }
  /** Every node that has a Node object. Valid until the next change. */
  nodes(): ReadonlyMap<string, NodeView> {
    for (const name of this.stale) {
      const view = this.viewOf(name);
      if (view) this.views.set(name, view);
      else this.views.delete(name);
    }
    this.stale.clear();
    return this.views;
  }

  /** What lies on that node of configs and secrets, by etcd key. */
  sealed(node: string): ReadonlyMap<string, { recipient?: string }> {
    return this.entries.get(node)?.sealed ?? NONE;
  }

  private sealedChanged(key: string, now: NodeRecord | undefined): void {
    const where = parseSealedKey(key);
    if (!where) return;
    if (now?.kind === "sealed") {
      this.entry(where.node).sealed.set(key, now);
      return;
    }
    this.entries.get(where.node)?.sealed.delete(key);
    this.dropIfEmpty(where.node);
    // Somebody may still need it.
    for (const stack of this.stacksOn(where.node)) this.tell((l) => l.stackChanged?.(stack, false));
  }

  private recordChanged(where: NodeKey, old: NodeRecord | undefined, now: NodeRecord | undefined): void {
    if (!("pod" in where)) {
      const { kind, node } = where;
      this.nodeEdit(node, (entry) => {
        if (now?.kind === "info") entry.info = now;
        else if (now?.kind === "session") entry.session = now;
        else delete entry[kind];
      });
      this.tell((l) => l.nodeTouched?.(node));
      return;
    }
    const id = `${where.node}/${where.namespace}/${where.pod}`;
    if (where.kind === "desired") {
      const [before, after] = [old?.kind === "desired" ? old : undefined, now?.kind === "desired" ? now : undefined];
      this.setDesired(id, where, before?.value, after);
      const stacks = new Set([before, after].flatMap((r) => (r ? [`${r.value.namespace}/${r.value.stack}`] : [])));
      for (const stack of stacks) this.tell((l) => l.stackChanged?.(stack, !after));
      if (!after && this.entries.get(where.node)?.desired.size === 0) this.tell((l) => l.nodeTouched?.(where.node));
      return;
    }
    const view = this.find(id);
    if (!view) return;
    const before = view.observed;
    const next = this.join(where.node, view.desired, view.mod, now);
    this.byStack.get(`${view.desired.namespace}/${view.desired.stack}`)?.set(id, next);
    this.tell((l) => l.observed?.(next, before));
    this.tell((l) => l.stackChanged?.(`${view.desired.namespace}/${view.desired.stack}`, false));
  }

  private setDesired(
    id: string,
    where: Exclude<NodeKey, { kind: "info" | "session" }>,
    before: DesiredPod | undefined,
    after: { value: DesiredPod; mod: number } | undefined,
  ): void {
    const { node, namespace, pod } = where;
    const name = `${namespace}/${pod}`;
    if (before) {
      const stack = `${before.namespace}/${before.stack}`;
      const pods = this.byStack.get(stack);
      pods?.delete(id);
      if (pods?.size === 0) this.byStack.delete(stack);
      const named = this.byName.get(name);
      named?.delete(id);
      if (named?.size === 0) this.byName.delete(name);
    }
    this.stale.add(node);
    const entry = this.entry(node);
    if (!after) {
      entry.desired.delete(name);
      this.dropIfEmpty(node);
      return;
    }
    entry.desired.set(name, after.value);
    const stack = `${after.value.namespace}/${after.value.stack}`;
    const observed = this.records.get(observedKey(node, namespace, pod));
    const view = this.join(node, after.value, after.mod, observed);
    this.byStack.set(stack, (this.byStack.get(stack) ?? new Map<string, PodView>()).set(id, view));
    this.byName.set(name, (this.byName.get(name) ?? new Set<string>()).add(id));
    if (view.observed && !before) this.tell((l) => l.observed?.(view, undefined));
  }

  private join(node: string, desired: DesiredPod, mod: number, observed: NodeRecord | undefined): PodView {
    const answer = observed?.kind === "observed" && observed.value.uid === desired.uid ? observed.value : undefined;
    return { node, desired, mod, ...(answer ? { observed: answer } : {}) };
  }

  private find(id: string): PodView | undefined {
    const [node = "", namespace = "", pod = ""] = id.split("/");
    const desired = this.entries.get(node)?.desired.get(`${namespace}/${pod}`);
    return desired && this.byStack.get(`${desired.namespace}/${desired.stack}`)?.get(id);
  }

  private nodeEdit(name: string, edit: (entry: NodeEntry) => void): void {
    const before = this.nodes().get(name);
    edit(this.entry(name));
    this.stale.add(name);
    const after = this.nodes().get(name);
    this.dropIfEmpty(name);
    if (looks(before) !== looks(after)) this.tell((l) => l.nodeChanged?.(name, before, after));
  }
  private entry(name: string): NodeEntry {
    const had = this.entries.get(name);
    if (had) return had;
    const entry: NodeEntry = { desired: new Map(), sealed: new Map() };
    this.entries.set(name, entry);
    return entry;
  }
  private dropIfEmpty(name: string): void {
    const e = this.entries.get(name);
    if (e && !e.object && !e.info && !e.session && e.desired.size === 0 && e.sealed.size === 0) this.entries.delete(name);
  }

  private viewOf(name: string): NodeView | undefined {
    const entry = this.entries.get(name);
    return entry && nodeView(name, entry, [...entry.desired.values()]);
  }

  private tell(fn: (l: WorldListener) => void): void {
    for (const l of this.listeners) fn(l);
  }
}

/** What placement looks at, as text to compare. Disk and container counts change all the time, and matter to nobody here. */
const looks = (n: NodeView | undefined): string =>
  n ? JSON.stringify([n.hostname, n.labels, n.ready, n.notReady, n.unschedulable, n.taints, n.publicKey]) : "";
