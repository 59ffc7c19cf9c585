// What the content of a config, a secret or a registry's password is called on its way to a node, and where it lies.
import type { Delivery, FileSource } from "../schemas/fleet.ts";
import { sealedKey } from "./keys.ts";
import { plainFor, sealFor } from "./seal.ts";

/** One content, as somebody on the node needs it. `hash` as `contentHash` says. */
export interface Parcel {
  source: FileSource;
  hash: string;
}

/** The data key of a Secret of type kubernetes.io/dockerconfigjson. */
export const DOCKER_CONFIG_KEY = ".dockerconfigjson";
/** Where the content of one of DesiredPod.pullSecrets comes from. */
export const pullSecretSource = (name: string): FileSource => ({ kind: "Secret", name, item: DOCKER_CONFIG_KEY });

/** Names of objects and of their data hold neither ":" nor "@". */
export const deliveryName = (source: FileSource): string => {
  if (source.kind === "Inline") return "inline";
  return [source.kind === "Secret" ? "secret" : "config", source.name, ...(source.item === undefined ? [] : [source.item])].join(":");
};

/** The etcd key of a Delivery. */
export const deliveryKey = (node: string, namespace: string, { source, hash }: Parcel): string =>
  sealedKey(node, namespace, deliveryName(source), hash);

/** The key of what a pod pulls images with: `pullSecrets` as DesiredPod says. */
export const pullSecretKey = (node: string, namespace: string, { name, hash }: { name: string; hash: string }): string =>
  deliveryKey(node, namespace, { source: pullSecretSource(name), hash });

/**
 * The content of Secrets is sealed, everything else travels as it is.
 * @param publicKey the node's; only needed for Secrets
 * @throws SealError when a Secret is to be sealed to what is no key
 */
export const deliveryOf = (key: string, source: FileSource, content: Uint8Array, publicKey: string | undefined): Delivery =>
  source.kind === "Secret" ? sealFor(publicKey ?? "", key, content) : plainFor(content);
