// Which revisions of a Stack shall be kept, and what is written for that. Pure.
//
// Each template of a service stands in its history once: under the revision that brought it last, its home. A revision that returns to a
// former template becomes its home (the older ones say so), as a Deployment gives the ReplicaSet it returns to the newest number.
import { API_VERSION, LABELS } from "../../schemas/constants.ts";
import type { Stack, StackRevision, StackSpec, StackStatus } from "../../schemas/types.ts";
import { CHANGE_CAUSE, type RevisionView, type ServiceTemplates } from "./history.ts";

/** So many are kept; more only while more than so many are homes of what runs. Source: Deployment's revisionHistoryLimit. */
export const KEPT_REVISIONS = 10;
/** An object to be written; its uid and time of creation come from who carries the plan out. */
export type RevisionDraft = Omit<StackRevision, "metadata"> & {
  metadata: Omit<StackRevision["metadata"], "uid" | "resourceVersion" | "creationTimestamp">;
};

export type RevisionStep =
  /** `mod` of what it overwrites: 0 for nothing. */
  | { type: "write"; draft: RevisionDraft; mod: number }
  /** The same revision, with other numbers for its services, or with what people say about it by now. */
  | { type: "amend"; revision: RevisionView; services: ServiceTemplates; cause: string | undefined }
  | { type: "delete"; revision: RevisionView };

export interface RevisionInput {
  stack: Stack;
  /** As it is about to be written. */
  status: StackStatus;
  /** What the revision runs: the Stack's own spec, but for services that are held. */
  spec: StackSpec;
  /** Whatever is kept under the Stack's name. */
  history: readonly RevisionView[];
}

export const revisionName = (stack: string, revision: number): string => `${stack}-${revision}`;

/** The number of the revision with this hash: the present one, where nothing has changed, else the next. */
export const numberOf = (hash: string, previous: StackStatus | undefined, own: readonly RevisionView[]): number => {
  if (previous?.revisionHash === hash && previous.revision !== undefined) return previous.revision;
  if (previous?.revision !== undefined) return previous.revision + 1;
  // A status that was lost: what is kept tells where it stood.
  const newest = own.at(-1);
  return newest ? (newest.hash === hash ? newest.revision : newest.revision + 1) : 1;
};

const templatesOf = (status: StackStatus): ServiceTemplates =>
  Object.fromEntries(
    Object.entries(status.services ?? {}).flatMap(([name, { templateHash, revision, imageDigest }]) =>
      templateHash === undefined || revision === undefined
        ? []
        : [[name, { templateHash, revision, ...(imageDigest === undefined ? {} : { imageDigest }) }]],
    ),
  );

const isHome = (r: { revision: number; services: ServiceTemplates }): boolean =>
  Object.values(r.services).some((s) => s.revision === r.revision);

/** In the order in which it is to be written: what the status names is there before the status is. */
export const planRevisions = ({ stack, status, spec, history }: RevisionInput): RevisionStep[] => {
  const { revision, revisionHash: hash } = status;
  if (revision === undefined || hash === undefined) return [];
  const own = history.filter((r) => r.stackUid === stack.metadata.uid);
  const services = templatesOf(status);
  const name = revisionName(stack.metadata.name, revision);
  const steps: RevisionStep[] = [];

  const present = own.find((r) => r.revision === revision && r.hash === hash);
  if (!present) {
    const mod = history.find((r) => r.name === name)?.mod ?? 0;
    steps.push({ type: "write", draft: draftOf(stack, name, revision, hash, spec, services), mod });
  }
  const said = stack.metadata.annotations?.[CHANGE_CAUSE];
  const amended = own
    .filter((r) => present === r || r.name !== name)
    .map((r) => {
      // The present one says what the Stack says: people annotate after the change.
      const cause = r === present ? said : r.cause;
      const moved = Object.entries(services).filter(([service, now]) => {
        const was = r.services[service];
        return was?.templateHash === now.templateHash && (was.revision !== now.revision || was.imageDigest !== now.imageDigest);
      });
      const same = moved.length === 0 && cause === r.cause;
      return { was: r, cause, is: same ? r : { ...r, services: { ...r.services, ...Object.fromEntries(moved) } } };
    });
  const running = new Set([revision, ...Object.values(services).map((s) => s.revision)]);
  const needless = amended.filter(
    // Never reached, for its status was not written; or the same as this one, and the home of nothing any more.
    ({ is }) => is.revision > revision || (is.revision !== revision && is.hash === hash && !isHome(is)),
  );
  const kept = amended.filter((r) => !needless.includes(r));
  const surplus = kept
    .filter(({ is }) => !running.has(is.revision))
    .toSorted(({ is: a }, { is: b }) => Number(isHome(a)) - Number(isHome(b)) || a.revision - b.revision)
    .slice(0, Math.max(0, kept.length + (present ? 0 : 1) - KEPT_REVISIONS));
  for (const r of kept) {
    if (!surplus.includes(r) && r.is !== r.was) steps.push({ type: "amend", revision: r.was, services: r.is.services, cause: r.cause });
  }
  const strangers = history.filter((r) => r.stackUid !== stack.metadata.uid && r.name !== name);
  for (const r of [...strangers, ...[...needless, ...surplus].map((x) => x.was)]) steps.push({ type: "delete", revision: r });
  return steps;
};

const draftOf = (
  stack: Stack,
  name: string,
  revision: number,
  hash: string,
  spec: StackSpec,
  services: ServiceTemplates,
): RevisionDraft => {
  const { namespace = "default", name: owner, uid, annotations } = stack.metadata;
  const cause = annotations?.[CHANGE_CAUSE];
  return {
    apiVersion: API_VERSION,
    kind: "StackRevision",
    metadata: {
      name,
      namespace,
      labels: { [LABELS.stack]: owner },
      ...(cause === undefined ? {} : { annotations: { [CHANGE_CAUSE]: cause } }),
      ownerReferences: [{ apiVersion: API_VERSION, kind: "Stack", name: owner, uid, controller: true, blockOwnerDeletion: true }],
    },
    revision,
    hash,
    spec,
    services,
  };
};
