// Parts of an image reference, as Docker reads them. Pure. Source: distribution/reference, "Grammar" and normalize.go.
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";

export interface Reference {
  /** Host of the registry, with its port: `docker.io` where none is named. */
  registry: string;
  /** Below the registry: `library/nginx`. */
  path: string;
  /** `repo[:tag]` as written, without the digest. */
  name: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

export const parseReference = (image: string): Reference => {
  const [name = image, digest] = image.split("@");
  const colon = name.lastIndexOf(":");
  const tagged = colon > name.lastIndexOf("/");
  const repository = tagged ? name.slice(0, colon) : name;
  const slash = repository.indexOf("/");
  const first = slash < 0 ? "" : repository.slice(0, slash);
  // A first part with a dot, a port or upper case names a registry.
  const named = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const registry = named ? (first === "index.docker.io" ? "docker.io" : first) : "docker.io";
  const rest = named ? repository.slice(slash + 1) : repository;
  return {
    registry,
    path: registry === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest,
    name,
    ...(tagged ? { tag: name.slice(colon + 1) } : {}),
    ...(digest === undefined ? {} : { digest }),
  };
};

/** The same name with the bits said: `nginx:1.27@sha256:…`, which engines take everywhere and people can read. One with a digest stays. */
export const pinned = (image: string, digest: string | undefined): string =>
  digest === undefined || image.includes("@") ? image : `${image}@${digest}`;

/** Digests under which the engine knows an image of this name, `sha256:…`; those of other repositories do not count. */
export const digestsOf = (image: string, repoDigests: readonly string[] | null | undefined): string[] => {
  const { registry, path } = parseReference(image);
  return (repoDigests ?? []).flatMap((text) => {
    const r = parseReference(text);
    return r.registry === registry && r.path === path && r.digest !== undefined ? [r.digest] : [];
  });
};

/**
 * The bits that a pod keeps to: those that the controller says, else those that it ran before. `never` leaves them to whoever loads images.
 * @returns `sha256:…`
 */
export const bitsOf = (pod: DesiredPod, before: ObservedPod | undefined): string | undefined => {
  const { image, pullPolicy } = pod.container;
  const { digest } = parseReference(image);
  if (digest !== undefined) return digest;
  if (pullPolicy === "never") return undefined;
  const own = before?.uid === pod.uid && before.imageDigest !== undefined ? digestsOf(image, [before.imageDigest])[0] : undefined;
  return pod.imageDigest ?? own;
};
