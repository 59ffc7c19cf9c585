// Pods and Nodes are not stored: they are joined from what the controller, the agents and people wrote below
// /steadfleet/nodes/ and in the Node objects. This keeps the parts and says which views a change of one touches.
import type { DesiredPod, NodeInfo, NodeSession, ObservedPod } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Node } from "../../schemas/types.ts";
import { nodeOf, type PodContext, podOf, type Revised } from "../../schemas/views.ts";
import { objectPrefix, parseNodeKey } from "../../store/keys.ts";

export interface Touched {
  kind: "pods" | "nodes";
  id: string;
}
interface NodeParts {
  object?: Revised<Node>;
  info?: Revised<NodeInfo>;
  session?: Revised<NodeSession>;
  /** By pod id. */
  pods: Map<string, { desired?: Revised<DesiredPod>; observed?: Revised<ObservedPod> }>;
}

const nodeObjects = objectPrefix(RESOURCES.nodes);

const contextOf = (n: NodeParts): PodContext => {
  const hostIp = n.info?.value.addresses.find((a) => a.type === "InternalIP")?.address;
  return { connected: n.session !== undefined, ...(hostIp === undefined ? {} : { hostIp }) };
};

export class Joins {
  private readonly nodes = new Map<string, NodeParts>();
  /** Which nodes know a pod of this id: one, but for leftovers. */
  private readonly holders = new Map<string, Set<string>>();

  /** Whether a key is a part of a join. */
  static owns(key: string): boolean {
    return key.startsWith(nodeObjects) || parseNodeKey(key) !== undefined;
  }

  /** `value` undefined: the key is gone. Answers the views that may have changed. */
  set(key: string, value: Revised<unknown> | undefined): Touched[] {
    if (key.startsWith(nodeObjects)) {
      const name = key.slice(nodeObjects.length);
      this.part(name, "object", value as Revised<Node> | undefined);
      return [{ kind: "nodes", id: name }];
    }
    const k = parseNodeKey(key);
    if (!k) return [];
    if (!("namespace" in k)) {
      const node = this.node(k.node);
      const before = contextOf(node);
      if (k.kind === "info") this.part(k.node, "info", value as Revised<NodeInfo> | undefined);
      else this.part(k.node, "session", value as Revised<NodeSession> | undefined);
      const after = contextOf(node);
      const podsToo = before.connected !== after.connected || before.hostIp !== after.hostIp;
      const pods = podsToo ? [...node.pods.keys()].map((id): Touched => ({ kind: "pods", id })) : [];
      return [{ kind: "nodes", id: k.node }, ...pods];
    }
    const id = `${k.namespace}/${k.pod}`;
    const node = this.node(k.node);
    const parts = { ...node.pods.get(id) };
    if (value) Object.assign(parts, { [k.kind]: value });
    else delete parts[k.kind];
    const holders = this.holders.get(id) ?? new Set();
    if (parts.desired || parts.observed) {
      node.pods.set(id, parts);
      holders.add(k.node);
    } else {
      node.pods.delete(id);
      holders.delete(k.node);
      this.prune(k.node);
    }
    if (holders.size > 0) this.holders.set(id, holders);
    else this.holders.delete(id);
    return [{ kind: "pods", id }];
  }

  /** The API object, or undefined where there is none. Its resourceVersion is the largest of its parts'. */
  view({ kind, id }: Touched): KubeObject | undefined {
    if (kind === "nodes") {
      const n = this.nodes.get(id);
      return n?.object ? nodeOf(n.object.value, n.info, n.session) : undefined;
    }
    for (const name of [...(this.holders.get(id) ?? [])].toSorted()) {
      const node = this.nodes.get(name);
      const parts = node?.pods.get(id);
      if (node && parts?.desired) return podOf(name, parts.desired, parts.observed, contextOf(node));
    }
    return undefined;
  }

  /** All views of a kind, by id in order. */
  *views(kind: Touched["kind"]): IterableIterator<[id: string, object: KubeObject]> {
    const ids = kind === "nodes" ? this.nodes.keys() : this.holders.keys();
    for (const id of [...ids].toSorted()) {
      const object = this.view({ kind, id });
      if (object) yield [id, object];
    }
  }

  /** The nodes whose agents hold no session, and their pods. */
  *disconnected(): IterableIterator<Touched> {
    for (const [name, node] of this.nodes) {
      if (node.session) continue;
      yield { kind: "nodes", id: name };
      for (const id of node.pods.keys()) yield { kind: "pods", id };
    }
  }

  private node(name: string): NodeParts {
    const known = this.nodes.get(name);
    if (known) return known;
    const made: NodeParts = { pods: new Map() };
    this.nodes.set(name, made);
    return made;
  }

  private part<K extends "object" | "info" | "session">(name: string, part: K, value: NodeParts[K] | undefined): void {
    const node = this.node(name);
    if (value) node[part] = value;
    else delete node[part];
    this.prune(name);
  }

  private prune(name: string): void {
    const n = this.nodes.get(name);
    if (n && !n.object && !n.info && !n.session && n.pods.size === 0) this.nodes.delete(name);
  }
}
