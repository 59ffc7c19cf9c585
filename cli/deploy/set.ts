// Sets: what was applied together, so that what is no longer in the manifests can go. The inventory is an ApplySet as
// Kubernetes specifies it: a ConfigMap is its parent, and a label on each member names it.
// Source: KEP-3659, "ApplySet: kubectl apply --prune redesign".
import { createHash } from "node:crypto";
import { CLI } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { type Resource, RESOURCES } from "../../schemas/resources.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import type { Client } from "../kube/client.ts";
import type { Loaded } from "../manifest/load.ts";

const PREFIX = "applyset.kubernetes.io";
const ID = `${PREFIX}/id`;
const PART_OF = `${PREFIX}/part-of`;
const TOOLING = `${PREFIX}/tooling`;
const KINDS = `${PREFIX}/contains-group-kinds`;
const NAMESPACES = `${PREFIX}/additional-namespaces`;
const OURS = `${CLI}/v1`;

/** With them everything in them would go: those are deleted by name only. */
const NEVER: readonly Resource[] = [RESOURCES.namespaces, RESOURCES.nodes];
/** What uses others goes first. */
const ORDER: readonly Resource[] = [RESOURCES.stacks, RESOURCES.configmaps, RESOURCES.secrets, RESOURCES.serviceaccounts];

export interface Member {
  resource: Resource;
  object: KubeObject;
}

export interface ApplySet {
  name: string;
  namespace: string;
  id: string;
  /** What was applied with it before and is not in the manifests now. */
  doomed: Member[];
  /** How many there are, those to go among them. */
  members: number;
  /** As it is stored. */
  parent: KubeObject | undefined;
}

export const setId = (name: string, namespace: string): string =>
  `applyset-${createHash("sha256").update(`${name}.${namespace}.ConfigMap.`).digest("base64url")}-v1`;

const groupKind = (r: Resource): string => (r.group ? `${r.kind}.${r.group}` : r.kind);
const keyOf = (r: Resource, namespace: string | undefined, name: string): string => `${groupKind(r)}/${namespace ?? ""}/${name}`;
const split = (text: string | undefined): string[] => (text ?? "").split(",").filter((part) => part !== "");

/** Reads the set, and labels the manifests as members. @throws CliError: it is another tool's, or an object is another set's */
export const readSet = async (
  client: Client,
  name: string,
  namespace: string,
  loaded: readonly Loaded[],
  signal: AbortSignal,
): Promise<{ set: ApplySet; loaded: Loaded[] }> => {
  const id = setId(name, namespace);
  const parent = await client.find<KubeObject>(RESOURCES.configmaps, namespace, name, signal);
  const { annotations = {}, labels = {} } = parent?.metadata ?? {};
  if (parent && labels[ID] === undefined)
    throw usage(`the ConfigMap ${name} in namespace ${namespace} is no set`, "choose another name: --set NAME");
  if (parent && annotations[TOOLING] !== OURS)
    throw new CliError(EXIT.conflict, `the set ${name} is kept by ${annotations[TOOLING] ?? "another tool"}`, {
      help: `apply it with that tool, or choose another name: --set NAME`,
    });
  const wanted = new Set(loaded.map((l) => keyOf(l.resource, l.manifest.metadata.namespace, l.manifest.metadata.name)));
  const kinds = split(annotations[KINDS]);
  const spaces = new Set([namespace, ...split(annotations[NAMESPACES])]);
  const members: Member[] = [];
  for (const resource of ORDER.filter((r) => kinds.includes(groupKind(r))))
    for (const ns of spaces) {
      const { items } = await client.list<KubeObject>(resource, { namespace: ns, labelSelector: `${PART_OF}=${id}` }, signal);
      members.push(...items.map((object) => ({ resource, object })));
    }
  const labelled = loaded.map((l) => {
    if (NEVER.includes(l.resource)) return l;
    const { metadata } = l.manifest;
    return { ...l, manifest: { ...l.manifest, metadata: { ...metadata, labels: { ...metadata.labels, [PART_OF]: id } } } };
  });
  for (const l of labelled) {
    const { name: own, namespace: ns } = l.manifest.metadata;
    const there = NEVER.includes(l.resource) ? undefined : await client.find<KubeObject>(l.resource, ns, own, signal);
    const other = there?.metadata.labels?.[PART_OF];
    if (other !== undefined && other !== id)
      throw new CliError(EXIT.conflict, `${l.resource.singular} ${own} belongs to another set`, {
        help: `take its label ${PART_OF} away, or leave it out here`,
      });
  }
  const doomed = members.filter(({ resource, object: { metadata } }) => !wanted.has(keyOf(resource, metadata.namespace, metadata.name)));
  return { set: { name, namespace, id, doomed, members: members.length, parent }, loaded: labelled };
};

/** More than half of a set going is rather a wrong folder than a wish. @throws CliError (exit 2) */
export const guardDeletion = ({ name, doomed, members }: ApplySet, consent: number | undefined): void => {
  if (doomed.length * 2 <= members || consent === doomed.length) return;
  const named = doomed.slice(0, 10).map(({ resource, object }) => `${resource.singular}/${object.metadata.name}`);
  throw usage(
    `${doomed.length} of the ${members} objects of the set ${name} would be deleted: ${named.join(", ")}${doomed.length > 10 ? ", …" : ""}`,
    `if that is meant, say --yes-delete ${doomed.length}`,
  );
};

/** Writes what the set consists of. First with what may still go, so that nothing is lost sight of when the command ends in between. */
export const writeSet = async (
  client: Client,
  set: ApplySet,
  loaded: readonly Loaded[],
  withDoomed: boolean,
  signal: AbortSignal,
): Promise<void> => {
  const mine = loaded.filter((l) => !NEVER.includes(l.resource));
  const doomed = withDoomed ? set.doomed : [];
  const kinds = new Set([...mine.map((l) => groupKind(l.resource)), ...doomed.map((d) => groupKind(d.resource))]);
  const spaces = new Set([...mine.map((l) => l.manifest.metadata.namespace), ...doomed.map((d) => d.object.metadata.namespace)]);
  const others = [...spaces].flatMap((ns) => (ns === undefined || ns === set.namespace ? [] : [ns])).toSorted();
  const annotations = { [TOOLING]: OURS, [KINDS]: [...kinds].toSorted().join(","), [NAMESPACES]: others.join(",") };
  const metadata = { name: set.name, namespace: set.namespace, labels: { [ID]: set.id }, annotations };
  const there = await client.find<KubeObject>(RESOURCES.configmaps, set.namespace, set.name, signal);
  if (!there) await client.create(RESOURCES.configmaps, set.namespace, { apiVersion: "v1", kind: "ConfigMap", metadata }, { signal });
  else
    await client.patch(RESOURCES.configmaps, set.namespace, set.name, { metadata: { labels: metadata.labels, annotations } }, { signal });
};
