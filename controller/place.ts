// Which node a pod, or a group of services, goes to; or, filter by filter, why none will do. Pure.
import type { Constraint } from "../schemas/compose/normal.ts";
import type { PortSpec } from "../schemas/fleet.ts";
import type { Taint } from "../schemas/types.ts";
import { byName, type CompiledService, type NameUse, type NodeView, type PortUse } from "./model.ts";

export interface PlacementRequest {
  constraints: readonly Constraint[];
  /** Host ports that must be free, also among themselves. */
  ports: readonly PortSpec[];
  /** Something is sealed for its node, which must have said what to. */
  sealed?: true;
  /** Container names that must be free, also among themselves. */
  names?: readonly string[];
  /** The only node that will do, because a volume lies there, because the rest of its group runs there, or because the slot is that node's. */
  pinned?: Pin;
  /** Where the pod's predecessor ran, and made ready for it: taken among nodes with as few pods of the service. */
  prefer?: string | undefined;
}

export type Pin = { node: string } & (
  | { type: "volume"; volume: string }
  | { type: "group"; services: readonly string[] }
  | { type: "slot" }
);

/** What the planner knows beyond the nodes themselves: the pods it has just placed, or is about to take away. */
export interface Tally {
  /** Pods of the service(s) in question on that node. */
  ofService(node: string): number;
  /** All pods on that node. */
  total(node: string): number;
  /** Who holds host ports on that node. */
  ports(node: string): Iterable<PortUse>;
  /** Whose containers have names of their own on that node. */
  names?(node: string): Iterable<NameUse>;
}

export type Placement = { node: string } | { whyNot: string };

/** Why one filter refuses a node. Equal texts are counted together; `named` adds the nodes' names. */
interface Refusal {
  one: string;
  many: string;
  named: boolean;
}
type Filter = (node: NodeView, request: PlacementRequest, tally: Tally) => Refusal | undefined;

const named = (text: string): Refusal => ({ one: text, many: text, named: true });

/** Whether its pods need something that only their node may read. */
export const hasSecrets = (s: Pick<CompiledService, "container">): boolean =>
  s.container.files?.some((f) => f.source.kind === "Secret") === true;

/** Does the node satisfy the constraint? `node.hostname` compares with the node's name and with its reported hostname. */
export const satisfies = (node: Pick<NodeView, "name" | "hostname" | "labels">, c: Constraint): boolean => {
  const equal = c.key.type === "hostname" ? node.name === c.value || node.hostname === c.value : node.labels[c.key.name] === c.value;
  return c.operator === "==" ? equal : !equal;
};

const constraintRefusal = (c: Constraint): Refusal => {
  if (c.key.type === "hostname") {
    return c.operator === "=="
      ? { one: `is not node ${c.value}`, many: `are not node ${c.value}`, named: false }
      : { one: `is node ${c.value}, which is excluded`, many: `are node ${c.value}, which is excluded`, named: false };
  }
  return c.operator === "=="
    ? { one: `lacks label ${c.key.name}=${c.value}`, many: `lack label ${c.key.name}=${c.value}`, named: false }
    : {
        one: `has label ${c.key.name}=${c.value}, which is excluded`,
        many: `have label ${c.key.name}=${c.value}, which is excluded`,
        named: false,
      };
};

const pinRefusal = (pin: Pin): Refusal => {
  if (pin.type === "slot") return { one: `is not node ${pin.node}`, many: `are not node ${pin.node}`, named: false };
  const rest =
    pin.type === "volume"
      ? `hold volume ${pin.volume} (it is on ${pin.node})`
      : `run ${pin.services.join(", ")} (which must share a node, and are on ${pin.node})`;
  return { one: `does not ${rest}`, many: `do not ${rest}`, named: false };
};

/** `maintenance:NoExecute`, as kubectl writes it. */
const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ""}:${effect}`;
const repelling = (node: NodeView): Taint | undefined => node.taints.find((t) => t.effect !== "PreferNoSchedule");

/** Why a person's word keeps new pods away from the node: "cordoned", "tainted maintenance:NoExecute". */
export const closedBy = (node: NodeView): string | undefined => {
  const taint = repelling(node);
  return node.unschedulable ? "cordoned" : taint && `tainted ${taintText(taint)}`;
};
/** The taint that sends away what runs there. */
export const expelledBy = (node: NodeView): string | undefined => {
  const taint = node.taints.find((t) => t.effect === "NoExecute");
  return taint && `tainted ${taintText(taint)}`;
};
const unwelcome = (node: NodeView): boolean => node.taints.some((t) => t.effect === "PreferNoSchedule");

const anyAddress = (ip: string | undefined): boolean => ip === undefined || ip === "" || ip === "0.0.0.0" || ip === "::";

/** Two containers of one host cannot both have it. */
export const portsClash = (a: PortSpec, b: Pick<PortUse, "published" | "protocol" | "hostIp">): boolean =>
  a.published === b.published && a.protocol === b.protocol && (anyAddress(a.hostIp) || anyAddress(b.hostIp) || a.hostIp === b.hostIp);

/** In this order; the first that refuses a node speaks for it. */
const filters: readonly Filter[] = [
  (node, { pinned }) => (pinned && pinned.node !== node.name ? pinRefusal(pinned) : undefined),
  (node, { constraints }) => {
    const broken = constraints.find((c) => !satisfies(node, c));
    return broken && constraintRefusal(broken);
  },
  (node) => {
    const why = closedBy(node);
    return why === undefined ? undefined : named(why);
  },
  (node) => (node.ready ? undefined : named(node.notReady ?? "not ready")),
  (node, { sealed }) =>
    sealed && node.publicKey === undefined ? named("without a key that secrets are sealed to: its agent has published none") : undefined,
  (node, { ports }, tally) => {
    for (const [i, port] of ports.entries()) {
      if (port.published === undefined) continue;
      const what = `${port.published}/${port.protocol}`;
      const twin = ports.slice(0, i).find((p) => p.published !== undefined && portsClash(port, { ...p, published: p.published }));
      if (twin)
        return {
          one: `has host port ${what} once, and it is wanted twice`,
          many: `have host port ${what} once, and it is wanted twice`,
          named: false,
        };
      for (const use of tally.ports(node.name)) {
        if (portsClash(port, use)) return named(`host port ${what} in use by ${use.stack.split("/")[0]}/${use.pod}`);
      }
    }
    return undefined;
  },
  (node, { names = [] }, tally) => {
    const twin = names.find((name, i) => names.indexOf(name) < i);
    if (twin !== undefined) {
      const text = `can have one container called "${twin}", and several are wanted`;
      return { one: text, many: text, named: false };
    }
    const taken = [...(tally.names?.(node.name) ?? [])].find((use) => names.includes(use.name));
    return taken && named(`container name "${taken.name}" in use by ${taken.stack.split("/")[0]}/${taken.pod}`);
  },
];

/** For a pod that may only be on a node that a person keeps new pods away from: what others lack would be noise. */
const waitsFor = (pin: Exclude<Pin, { type: "slot" }>, why: string, node: NodeView): string => {
  const taint = repelling(node);
  const open = node.unschedulable || !taint ? `kubectl uncordon ${pin.node}` : `kubectl taint node ${pin.node} ${taint.key}-`;
  return pin.type === "volume"
    ? `waits for node ${pin.node}, which is ${why}: volume ${pin.volume} is there. Next: ${open}`
    : `waits for node ${pin.node}, which is ${why}: ${pin.services.join(", ")} must share a node, and some of them still run there. ` +
        `Next: ${open}, or kubectl drain ${pin.node} to move them all`;
};

/** "0 of 3 nodes fit: 2 lack label disk=ssd · 1 cordoned (n3)" */
const explain = (total: number, refused: { node: string; refusal: Refusal }[], request: PlacementRequest, known: boolean): string => {
  if (total === 0) return "0 of 0 nodes fit: no node has joined yet";
  if (request.pinned?.type === "volume" && !known) {
    return (
      `volume ${request.pinned.volume} is on node ${request.pinned.node}, which is not known any more: ` +
      `bring ${request.pinned.node} back, or give the volume another name to start with an empty one elsewhere`
    );
  }
  const groups = new Map<string, { refusal: Refusal; nodes: string[] }>();
  for (const { node, refusal } of refused) {
    const group = groups.get(refusal.many) ?? { refusal, nodes: [] };
    group.nodes.push(node);
    groups.set(refusal.many, group);
  }
  const parts = [...groups.values()]
    .toSorted((a, b) => b.nodes.length - a.nodes.length || byName(a.refusal.many, b.refusal.many))
    .map(({ refusal, nodes }) => {
      const names = nodes.length > 3 ? `${nodes.slice(0, 3).join(", ")}, …` : nodes.join(", ");
      return `${nodes.length} ${nodes.length === 1 ? refusal.one : refusal.many}${refusal.named ? ` (${names})` : ""}`;
    });
  return `0 of ${total} ${total === 1 ? "node fits" : "nodes fit"}: ${parts.join(" · ")}`;
};

/** Among the nodes that pass every filter: rather one that no taint advises against, fewest pods of the same service, then where it was, then fewest pods in all, then by name. */
export const place = (request: PlacementRequest, nodes: Iterable<NodeView>, tally: Tally): Placement => {
  const refused: { node: string; refusal: Refusal }[] = [];
  let best: NodeView | undefined;
  let total = 0;
  let known = false;
  const better = (a: NodeView, b: NodeView): boolean =>
    (Number(unwelcome(a)) - Number(unwelcome(b)) ||
      tally.ofService(a.name) - tally.ofService(b.name) ||
      Number(b.name === request.prefer) - Number(a.name === request.prefer) ||
      tally.total(a.name) - tally.total(b.name) ||
      byName(a.name, b.name)) < 0;
  for (const node of nodes) {
    total += 1;
    known ||= node.name === request.pinned?.node;
    let refusal: Refusal | undefined;
    for (const filter of filters) {
      refusal = filter(node, request, tally);
      if (refusal) break;
    }
    if (request.pinned?.node === node.name && request.pinned.type !== "slot" && refusal && refusal.one === closedBy(node)) {
      return { whyNot: waitsFor(request.pinned, refusal.one, node) };
    }
    if (refusal) refused.push({ node: node.name, refusal });
    else if (best === undefined || better(node, best)) best = node;
  }
  return best === undefined
    ? {
        whyNot: explain(
          total,
          refused.toSorted((a, b) => byName(a.node, b.node)),
          request,
          known,
        ),
      }
    : { node: best.name };
};

/** Whether pods that are already there may stay, and whether a global service wants the node: constraints, and taints that send away what runs. */
export const mayStay = (node: NodeView, constraints: readonly Constraint[]): boolean =>
  expelledBy(node) === undefined && constraints.every((c) => satisfies(node, c));
