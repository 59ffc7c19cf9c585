// From what a file's content is called to which content that is: before templates are compared, so that other content is another
// template. Pure, given the objects.
import type { NormalService, NormalStack } from "../../schemas/compose/normal.ts";
import type { FileSource, FileSpec } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { deliveryName, pullSecretSource } from "../../store/deliveries.ts";
import type { Item } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { compile } from "../compile.ts";
import { type Owned, ownedOf } from "../garbage/owners.ts";
import type { Compiled } from "../stacks/plan.ts";

/** Content of a ConfigMap or Secret by key. */
export type Items = ReadonlyMap<string, Uint8Array>;

/** A ConfigMap or Secret: its content, and what the garbage collector asks of it. */
export interface ContentObject {
  items: Items;
  owned: Owned;
  mod: number;
}

type Holder = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string> };

/** @throws as decodeObject */
export const decodeContent =
  (kind: "ConfigMap" | "Secret") =>
  (item: Item): ContentObject => {
    const object = decodeObject<Holder>(item);
    const coded = kind === "Secret" ? object.data : object.binaryData;
    const items = new Map(Object.entries(coded ?? {}).map(([name, value]) => [name, Buffer.from(value, "base64")]));
    if (kind === "ConfigMap") for (const [name, value] of Object.entries(object.data ?? {})) items.set(name, Buffer.from(value));
    return { items, owned: ownedOf(object), mod: item.mod };
  };

/** What resolving looks at: the objects of the Stack's namespace. */
export interface Objects {
  /** Undefined: there is none. */
  find(kind: "ConfigMap" | "Secret", name: string): Items | { unreadable: string } | undefined;
  /** Tells one content from another; `about` is bound in. Undefined: this process has no key for it, and says why. */
  hash(about: string, content: Uint8Array): string | { unreadable: string };
}

export type MissingReason = "ConfigMapNotFound" | "SecretNotFound" | "KeyNotFound" | "ContentTooLarge" | "EncryptionKeyMissing";
/** Why a service's files cannot be delivered now. */
export interface Missing {
  reason: MissingReason;
  /** A sentence with what to do; never content. */
  message: string;
}

export interface Resolved {
  /** Every file that could be resolved has its hash, and none has content. Services without files are the same objects as before. */
  normal: NormalStack;
  /** By service: the first thing that is missing. */
  missing: ReadonlyMap<string, Missing>;
  /** By `contentId`. */
  contents: ReadonlyMap<string, Uint8Array>;
}

/** A Delivery is an object of etcd, in base64. */
const MAX_CONTENT_BYTES = 700 * 1024;

export const contentId = (source: FileSource, hash: string): string => `${deliveryName(source)}@${hash}`;

const list = (items: Items): string => [...items.keys()].toSorted().join(", ") || "none";

/** The content of one source. `key`: under which the Stack knows it, which chooses among several. */
export const contentOf = (source: FileSource, key: string, objects: Objects): Uint8Array | Missing => {
  if (source.kind === "Inline") return sized(Buffer.from(source.content), key);
  const { kind, name, item } = source;
  const found = objects.find(kind, name);
  const word = kind === "Secret" ? "secret generic" : "configmap";
  if (!found)
    return {
      reason: `${kind}NotFound`,
      message: `${kind} ${name} does not exist in the Stack's namespace: kubectl create ${word} ${name} --from-file=${item ?? key}=FILE`,
    };
  if ("unreadable" in found) return { reason: "EncryptionKeyMissing", message: `${kind} ${name}: ${found.unreadable}` };
  const chosen = item ?? (found.size === 1 ? [...found.keys()][0] : key);
  const content = chosen === undefined ? undefined : found.get(chosen);
  if (content) return sized(content, `${kind} ${name}, ${chosen}`);
  const which = item === undefined ? `several keys and none is called ${key}` : `no key ${item}`;
  return {
    reason: "KeyNotFound",
    message:
      found.size === 0
        ? `${kind} ${name} holds nothing`
        : `${kind} ${name} has ${which} (it has ${list(found)}): name one with x-steadfleet: {key: …} beside external, or add it`,
  };
};

const sized = (content: Uint8Array, what: string): Uint8Array | Missing =>
  content.length <= MAX_CONTENT_BYTES
    ? content
    : {
        reason: "ContentTooLarge",
        message: `${what} is ${content.length} bytes; at most ${MAX_CONTENT_BYTES} are delivered: use a volume`,
      };

const isMissing = <T extends object>(found: T | Missing): found is Missing => "reason" in found && "message" in found;

/** Of one source: its hash, and its content put where deliveries are made from. */
const settle = (
  source: FileSource,
  key: string,
  namespace: string,
  objects: Objects,
  contents: Map<string, Uint8Array>,
): { hash: string } | Missing => {
  const content = contentOf(source, key, objects);
  if (isMissing(content)) return content;
  const hash = objects.hash(`${namespace}/${deliveryName(source)}`, content);
  if (typeof hash !== "string") return { reason: "EncryptionKeyMissing", message: hash.unreadable };
  contents.set(contentId(source, hash), content);
  return { hash };
};

/** @param namespace of the Stack */
export const resolveFiles = (normal: NormalStack, namespace: string, objects: Objects): Resolved => {
  const missing = new Map<string, Missing>();
  const contents = new Map<string, Uint8Array>();
  const file = (service: NormalService, f: FileSpec): FileSpec => {
    const { hash: _, ...rest } = f;
    const bare: FileSpec = { ...rest, source: f.source.kind === "Inline" ? { kind: "Inline", content: "" } : f.source };
    const settled = settle(f.source, f.key, namespace, objects, contents);
    if (!isMissing(settled)) return { ...bare, hash: settled.hash };
    if (!missing.has(service.name)) missing.set(service.name, { ...settled, message: `${f.kind} ${f.key}: ${settled.message}` });
    return bare;
  };
  const services = normal.services.map((s): NormalService => {
    const { files } = s.container;
    return files && files.length > 0 ? { ...s, container: { ...s.container, files: files.map((f) => file(s, f)) } } : s;
  });
  return { normal: services.some((s, i) => s !== normal.services[i]) ? { ...normal, services } : normal, missing, contents };
};

/** What is compiled, with its files resolved; the same where there are none. */
export const withFiles = (wanted: Compiled, namespace: string, objects: Objects): Compiled => {
  if ("problems" in wanted || !wanted.normal.services.some((s) => (s.container.files?.length ?? 0) > 0)) return wanted;
  const { normal, missing, contents } = resolveFiles(wanted.normal, namespace, objects);
  return { normal, compiled: compile(normal), missing, contents };
};

/**
 * For `DesiredPod.pullSecrets`: those that there are, by name and hash, with their contents for `planDeliveries`. One that is missing
 * holds up nobody: the image may be there, or need no password.
 */
export const resolvePullSecrets = (
  names: readonly string[],
  namespace: string,
  objects: Objects,
): { pullSecrets: { name: string; hash: string }[]; missing: Missing[]; contents: ReadonlyMap<string, Uint8Array> } => {
  const contents = new Map<string, Uint8Array>();
  const missing: Missing[] = [];
  const pullSecrets = names.flatMap((name) => {
    const settled = settle(pullSecretSource(name), name, namespace, objects, contents);
    if (!isMissing(settled)) return [{ name, hash: settled.hash }];
    missing.push(settled);
    return [];
  });
  return { pullSecrets, missing, contents };
};

/** `ConfigMap/web`, `Secret/db`: what a change of concerns the Stack. */
export const usesOf = (normal: NormalStack): Set<string> => {
  const uses = new Set<string>();
  for (const s of normal.services) {
    for (const { source } of s.container.files ?? []) if (source.kind !== "Inline") uses.add(`${source.kind}/${source.name}`);
    for (const name of s.imagePullSecrets ?? []) uses.add(`Secret/${name}`);
  }
  return uses;
};
