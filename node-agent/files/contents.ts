// Contents of configs, secrets and registry passwords as they reached this node, opened when they are needed.
import type { Delivery, DesiredPod, FileSource } from "../../schemas/fleet.ts";
import { deliveryKey, type Parcel, pullSecretKey, pullSecretSource } from "../../store/deliveries.ts";
import { open, SealError } from "../../store/seal.ts";
import { Obstacle } from "../resources.ts";

/** Reasons that end when a delivery comes. */
export const DELIVERY_REASONS: readonly string[] = ["ContentNotDelivered", "SecretNotReadable"];

export interface ContentsOptions {
  node: string;
  privateKey: string;
  /** By etcd key. */
  delivery(key: string): Delivery | undefined;
}

const nameOf = (source: FileSource): string => (source.kind === "Inline" ? "a config" : `${source.kind} ${source.name}`);

export class Contents {
  constructor(private readonly o: ContentsOptions) {}

  /** @throws Obstacle when it has not come yet, or is sealed for another key */
  open(namespace: string, { source, hash }: { source: FileSource; hash?: string }): Buffer {
    const key = hash === undefined ? undefined : deliveryKey(this.o.node, namespace, { source, hash });
    const delivery = key === undefined ? undefined : this.o.delivery(key);
    if (key === undefined || !delivery)
      throw new Obstacle("ContentNotDelivered", `the content of ${nameOf(source)} has not reached this node yet`);
    try {
      return open(this.o.privateKey, key, delivery);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw new Obstacle(
        "SecretNotReadable",
        `${nameOf(source)} was sealed for another key of this node; the controller seals it for the present one`,
      );
    }
  }

  /** The `.dockerconfigjson` that a pod pulls with. @throws as `open` */
  pullSecret(namespace: string, { name, hash }: { name: string; hash: string }): Buffer {
    return this.open(namespace, { source: pullSecretSource(name), hash });
  }
}

/** Etcd keys of everything that a pod opens, now or as its successor. */
export const contentKeysOf = (node: string, pod: Pick<DesiredPod, "namespace" | "container" | "pullSecrets" | "next">): string[] => {
  const files = [...(pod.container.files ?? []), ...(pod.next?.container.files ?? [])];
  const pulls = [...(pod.pullSecrets ?? []), ...(pod.next?.pullSecrets ?? [])];
  return [
    ...files.flatMap(({ source, hash }) =>
      hash === undefined ? [] : [deliveryKey(node, pod.namespace, { source, hash } satisfies Parcel)],
    ),
    ...pulls.map((s) => pullSecretKey(node, pod.namespace, s)),
  ];
};
