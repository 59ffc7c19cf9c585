// Which contents must lie where, so that every pod finds what its template names: what to write before a plan's steps, which steps
// cannot be taken, and what nobody needs any more. Pure: sealing is left to whoever carries it out.
import type { DesiredPod, FileSource } from "../../schemas/fleet.ts";
import { deliveryKey, type Parcel, pullSecretSource } from "../../store/deliveries.ts";
import { byName, type NodeView, type PodView } from "../model.ts";
import type { Step, Wait } from "../rollout/types.ts";
import { contentId } from "./compile.ts";

/** What lies on a node already: by etcd key, which public key it was sealed to (absent: it is plain). */
export type Sealed = ReadonlyMap<string, { recipient?: string }>;

export interface DeliveryInput {
  namespace: string;
  /** All of the Stack's. */
  pods: readonly PodView[];
  steps: readonly Step[];
  nodes: ReadonlyMap<string, NodeView>;
  sealed: (node: string) => Sealed;
  /** By `contentId`: what is known of contents now. Old ones are not kept. */
  contents: ReadonlyMap<string, Uint8Array>;
}

export interface DeliveryDraft {
  node: string;
  key: string;
  source: FileSource;
  content: Uint8Array;
  /** Of the node. */
  publicKey: string | undefined;
}

export interface DeliveryPlan {
  /** In the order of their keys. */
  puts: DeliveryDraft[];
  /** Those that can be taken. */
  steps: Step[];
  /** By service: why a step was left out. */
  waits: ReadonlyMap<string, Wait>;
}

type Needy = Pick<DesiredPod, "namespace" | "container" | "pullSecrets" | "next">;

/** Everything that a pod on a node opens. */
export const parcelsOf = ({ container, pullSecrets, next }: Needy): Parcel[] => {
  const files = [...(container.files ?? []), ...(next?.container.files ?? [])];
  const pulls = [...(pullSecrets ?? []), ...(next?.pullSecrets ?? [])];
  return [
    ...files.flatMap(({ source, hash }) => (hash === undefined ? [] : [{ source, hash }])),
    ...pulls.map(({ name, hash }) => ({ source: pullSecretSource(name), hash })),
  ];
};

/** The pod that a step leaves on a node. */
const madeBy = (step: Step): { node: string; pod: Needy & { service: string } } | undefined => {
  if (step.type === "create" || step.type === "replace") return { node: step.node, pod: step.pod };
  return step.type === "updateInPlace" ? { node: step.pod.node, pod: step.desired } : undefined;
};

export const planDeliveries = ({ namespace, pods, steps, nodes, sealed, contents }: DeliveryInput): DeliveryPlan => {
  const puts = new Map<string, DeliveryDraft>();
  const waits = new Map<string, Wait>();
  /** Notes what is to be written; answers why that cannot be. */
  const deliver = (node: string, parcel: Parcel): string | undefined => {
    const key = deliveryKey(node, namespace, parcel);
    const { source } = parcel;
    const there = sealed(node).get(key);
    const publicKey = nodes.get(node)?.publicKey;
    const secret = source.kind === "Secret";
    if (there && (!secret || publicKey === undefined || there.recipient === publicKey)) return undefined;
    const content = contents.get(contentId(source, parcel.hash));
    const name = source.kind === "Inline" ? "a config" : `${source.kind} ${source.name}`;
    if (!content) return `what ${name} held for this template is no longer known, and ${node} does not have it`;
    if (secret && publicKey === undefined) return `${node} has published no key to seal secrets to: is its agent of this version?`;
    puts.set(key, { node, key, source, content, publicKey });
    return undefined;
  };
  const kept = steps.filter((step) => {
    const made = madeBy(step);
    const problem = made && parcelsOf(made.pod).reduce<string | undefined>((why, p) => why ?? deliver(made.node, p), undefined);
    if (!made || problem === undefined) return true;
    if (!waits.has(made.pod.service)) waits.set(made.pod.service, { reason: "ContentNotKnown", message: problem });
    return false;
  });
  // Also for those that run: the node's key may be another one, or somebody took it away.
  const leaving = new Set(kept.flatMap((s) => (s.type === "finalize" ? [s.pod] : s.type === "replace" ? [s.removed] : [])));
  for (const pod of pods) if (!leaving.has(pod) && nodes.has(pod.node)) for (const p of parcelsOf(pod.desired)) deliver(pod.node, p);
  return { puts: [...puts.values()].toSorted((a, b) => byName(a.key, b.key)), steps: kept, waits };
};

/**
 * Keys that no pod of their node needs once the steps are taken.
 * @param desired all pods of a node, of every Stack
 */
export const unreferenced = (
  nodes: Iterable<string>,
  steps: readonly Step[],
  sealed: (node: string) => Sealed,
  desired: (node: string) => readonly PodView[],
): string[] => {
  const gone = new Set(
    steps.flatMap((s) => {
      const pod = s.type === "finalize" || s.type === "updateInPlace" ? s.pod : s.type === "replace" ? s.removed : undefined;
      return pod ? [`${pod.node}/${pod.desired.uid}`] : [];
    }),
  );
  return [...new Set(nodes)].toSorted(byName).flatMap((node) => {
    const there = sealed(node);
    if (there.size === 0) return [];
    const stay: Needy[] = desired(node)
      .filter((p) => !gone.has(`${node}/${p.desired.uid}`))
      .map((p) => p.desired);
    const come = steps.flatMap((s) => madeBy(s) ?? []).flatMap((m) => (m.node === node ? [m.pod] : []));
    const needed = new Set([...stay, ...come].flatMap((pod) => parcelsOf(pod).map((p) => deliveryKey(node, pod.namespace, p))));
    return [...there.keys()].filter((key) => !needed.has(key));
  });
};
