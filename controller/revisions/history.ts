// The revisions that are kept of each Stack, without their specs: those are read when one is needed, for there are many and they are large.
import { objectKey } from "../../store/keys.ts";
import type { Informer } from "../../store/informer.ts";
import type { Item } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { LABELS } from "../../schemas/constants.ts";
import type { StackRevision } from "../../schemas/types.ts";

/** By name of the service. `revision`: number of the revision that brought the template. `imageDigest`: once it is known. */
export type ServiceTemplates = Readonly<Record<string, { templateHash: string; revision: number; imageDigest?: string }>>;

/** Annotation. Source: kubectl rollout history. */
export const CHANGE_CAUSE = "kubernetes.io/change-cause";

export interface RevisionView {
  namespace: string;
  name: string;
  stack: string;
  /** Of the Stack that owns it: another Stack of that name may have been before. */
  stackUid: string | undefined;
  revision: number;
  hash: string;
  /** What people said about the change. */
  cause?: string;
  services: ServiceTemplates;
  /** mod revision of the key: what a write compares. */
  mod: number;
}

export const revisionKey = (r: { namespace: string; name: string }): string => objectKey(RESOURCES.stackrevisions, r.namespace, r.name);

/** @throws SyntaxError or TypeError on what is no object of ours */
export const decodeRevision = (item: Item): RevisionView => {
  const { metadata, revision, hash, services } = decodeObject<StackRevision>(item);
  const owner = metadata.ownerReferences?.find((o) => o.controller === true);
  const { namespace = "default", name } = metadata;
  const stack = metadata.labels?.[LABELS.stack] ?? owner?.name ?? "";
  const cause = metadata.annotations?.[CHANGE_CAUSE];
  const said = cause === undefined ? {} : { cause };
  return { namespace, name, stack, stackUid: owner?.uid, revision, hash, ...said, services, mod: item.mod };
};

/** Views by stack (`<namespace>/<name>`). */
export class History {
  private readonly byStack = new Map<string, Map<string, RevisionView>>();

  /** @param changed is told of each Stack whose revisions change */
  constructor(
    private readonly revisions: Informer<RevisionView>,
    changed: (stack: string) => void,
  ) {
    revisions.subscribe(({ key, old, new: now }) => {
      if (old) this.take(key, old);
      if (now) {
        const stack = `${now.namespace}/${now.stack}`;
        this.byStack.set(stack, (this.byStack.get(stack) ?? new Map<string, RevisionView>()).set(key, now));
      }
      for (const stack of new Set([old, now].flatMap((r) => (r ? [`${r.namespace}/${r.stack}`] : [])))) changed(stack);
    });
  }

  /** It is as etcd was at this revision. */
  get revision(): number {
    return this.revisions.revision;
  }
  stacks(): IterableIterator<string> {
    return this.byStack.keys();
  }
  /** Oldest first; of whatever incarnation of that Stack. */
  of(stack: string): RevisionView[] {
    return [...(this.byStack.get(stack)?.values() ?? [])].toSorted((a, b) => a.revision - b.revision);
  }

  private take(key: string, old: RevisionView): void {
    const stack = `${old.namespace}/${old.stack}`;
    const left = this.byStack.get(stack);
    left?.delete(key);
    if (left?.size === 0) this.byStack.delete(stack);
  }
}
