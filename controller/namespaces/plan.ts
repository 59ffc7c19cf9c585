// The end of a namespace: first everything in it, then itself. Pure.
import { NAMESPACE_FINALIZER } from "../../schemas/constants.ts";
import type { Namespace } from "../../schemas/types.ts";

/** What is left in a namespace, by resource: its name there, whether it is being deleted already. */
export interface Content {
  resource: string;
  name: string;
  uid: string;
  deleting: boolean;
}

export interface NamespacePlan {
  /** What the Namespace shall look like; undefined: it goes. */
  namespace: Namespace | undefined;
  /** To be told to go. */
  remove: Content[];
}

/** `pods`: desired pods that are still there; their stacks see to them. */
export const planNamespace = (ns: Namespace, contents: readonly Content[], pods: number, now: string): NamespacePlan => {
  const finalizers = ns.metadata.finalizers ?? [];
  if (ns.metadata.deletionTimestamp === undefined) {
    if (finalizers.includes(NAMESPACE_FINALIZER)) return { namespace: ns, remove: [] };
    return { namespace: { ...ns, metadata: { ...ns.metadata, finalizers: [...finalizers, NAMESPACE_FINALIZER] } }, remove: [] };
  }
  const remove = contents.filter((c) => !c.deleting);
  if (contents.length === 0 && pods === 0) {
    const rest = finalizers.filter((f) => f !== NAMESPACE_FINALIZER);
    return { namespace: rest.length === 0 ? undefined : { ...ns, metadata: { ...ns.metadata, finalizers: rest } }, remove };
  }
  const counts = new Map<string, number>();
  for (const c of contents) counts.set(c.resource, (counts.get(c.resource) ?? 0) + 1);
  if (pods > 0) counts.set("pods", pods);
  const left = [...counts].map(([resource, n]) => `${n} ${resource}`).join(", ");
  const had = ns.status?.conditions?.find((c) => c.type === "NamespaceContentRemaining");
  const condition = {
    type: "NamespaceContentRemaining",
    status: "True" as const,
    reason: "SomeResourcesRemain",
    message: `still there: ${left}`,
    lastTransitionTime: had?.lastTransitionTime ?? now,
  };
  return { namespace: { ...ns, status: { ...ns.status, phase: "Terminating", conditions: [condition] } }, remove };
};
