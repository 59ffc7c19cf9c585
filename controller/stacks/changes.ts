// From the steps of a plan to what is written, in commits that each stand alone. Pure, given times and ids.
import type { DesiredPod } from "../../schemas/fleet.ts";
import { podName } from "../../schemas/names.ts";
import type { StackRevision } from "../../schemas/types.ts";
import { desiredKey, podDeletionKey } from "../../store/keys.ts";
import type { Change } from "../../store/kv.ts";
import type { PodView } from "../model.ts";
import { CHANGE_CAUSE, revisionKey } from "../revisions/history.ts";
import type { RevisionDraft, RevisionStep } from "../revisions/plan.ts";
import type { PodDraft, Step } from "../rollout/types.ts";
import { secondsOf } from "../times.ts";

/** etcd takes so many changes in one commit, and we keep this many bytes of room for keys and framing (its limit is 1.5 MiB). */
const MAX_CHANGES = 64;
const MAX_BYTES = 1_000_000;

/** Time (RFC 3339 with milliseconds) and ids for what is new. */
export interface Stamp {
  now: string;
  uid(): string;
}

const keyOf = (pod: PodView): string => desiredKey(pod.node, pod.desired.namespace, pod.desired.name);
const forget = (pod: PodView): Change => ({ key: keyOf(pod), mod: pod.mod, value: null });

/**
 * The changes of each step; those of one step belong in one commit.
 * @param pods the stack's pods: their names are taken
 * @param requests uids of pods that somebody asked to delete: the request goes in the commit that acts on it
 */
export const changesOf = (steps: readonly Step[], pods: readonly PodView[], requests: ReadonlySet<string>, stamp: Stamp): Change[][] => {
  const taken = new Set(pods.map((p) => p.desired.name));
  const create = (node: string, draft: PodDraft): Change => {
    const name = podName({ ...draft, node }, (n) => taken.has(n));
    taken.add(name);
    const value: DesiredPod = { ...draft, name, uid: stamp.uid(), createdAt: stamp.now };
    return { key: desiredKey(node, draft.namespace, name), mod: 0, value };
  };
  const write: { [T in Step["type"]]: (step: Extract<Step, { type: T }>) => Change[] } = {
    create: (step) => [create(step.node, step.pod)],
    replace: (step) => [forget(step.removed), create(step.node, step.pod)],
    finalize: (step) => [forget(step.pod)],
    updateInPlace: (step) => [{ key: keyOf(step.pod), mod: step.pod.mod, value: step.desired }],
    markDeleted: ({ pod: { desired, mod, node }, reason, removeVolumes }) => {
      const value: DesiredPod = {
        ...desired,
        deletionTimestamp: desired.deletionTimestamp ?? stamp.now,
        deletionReason: desired.deletionReason ?? reason,
        ...(removeVolumes ? { removeVolumes: true } : {}),
      };
      const request: Change[] = requests.has(desired.uid) ? [{ key: podDeletionKey(desired.namespace, desired.name), value: null }] : [];
      return [{ key: desiredKey(node, desired.namespace, desired.name), mod, value }, ...request];
    },
  };
  return steps.map((step) => (write[step.type] as (s: Step) => Change[])(step));
};

/** With what only whoever writes it can say; `resourceVersion` is etcd's to tell. */
const revisionObject = ({ metadata, ...rest }: RevisionDraft, stamp: Stamp): object => ({
  ...rest,
  metadata: { ...metadata, uid: stamp.uid(), creationTimestamp: secondsOf(stamp.now) },
});

/** @param stored by name: the objects of those that are to be amended, as they are in etcd */
export const revisionChanges = (steps: readonly RevisionStep[], stored: ReadonlyMap<string, StackRevision>, stamp: Stamp): Change[][] =>
  steps.map((step): Change[] => {
    if (step.type === "write") {
      const { name, namespace = "default" } = step.draft.metadata;
      return [{ key: revisionKey({ namespace, name }), mod: step.mod, value: revisionObject(step.draft, stamp) }];
    }
    const { revision } = step;
    const [key, mod] = [revisionKey(revision), revision.mod];
    if (step.type === "delete") return [{ key, mod, value: null }];
    const object = stored.get(revision.name);
    if (!object) throw new TypeError(`${revision.name} was not read`);
    const { resourceVersion: _, annotations, ...metadata } = object.metadata;
    const { [CHANGE_CAUSE]: __, ...others } = annotations ?? {};
    const said = step.cause === undefined ? others : { ...others, [CHANGE_CAUSE]: step.cause };
    const meta = Object.keys(said).length === 0 ? metadata : { ...metadata, annotations: said };
    return [{ key, mod, value: { ...object, metadata: meta, services: step.services } }];
  });

/** Packs units, in order, into commits of at most 64 changes and about a megabyte. A unit is never split. */
export const pack = (units: readonly Change[][]): Change[][] => {
  const commits: Change[][] = [];
  let room = 0;
  let bytes = 0;
  for (const unit of units) {
    const size = unit.reduce((sum, c) => sum + c.key.length + (c.value === null ? 0 : Buffer.byteLength(JSON.stringify(c.value))), 0);
    const last = commits.at(-1);
    if (last && unit.length <= room && bytes + size <= MAX_BYTES) {
      last.push(...unit);
      room -= unit.length;
      bytes += size;
    } else if (unit.length > 0) {
      commits.push([...unit]);
      room = MAX_CHANGES - unit.length;
      bytes = size;
    }
  }
  return commits;
};
