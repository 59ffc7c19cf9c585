// What to do when an image does not come, one sentence for each kind. Pure. docs/errors.md is written from the table.
import type { EngineErrorKind } from "../engine.ts";

export interface ImageProblem {
  kind: EngineErrorKind;
  /** Shown in the pod's status. */
  reason: string;
  /** Nothing but a person changes it; it is still asked again, every 20 s to 10 min. */
  permanent: boolean;
  advice: string;
}

export const IMAGE_PROBLEMS: readonly ImageProblem[] = [
  {
    kind: "imageNotFound",
    reason: "ImageNotFound",
    permanent: true,
    advice: "the registry has no such image: check name and tag",
  },
  {
    kind: "imageDenied",
    reason: "ImageDenied",
    permanent: true,
    advice:
      "the registry refuses: check the name, and give credentials by x-steadfleet: {imagePullSecrets: [NAME]} (kubectl create secret docker-registry NAME …)",
  },
  {
    kind: "imagePlatform",
    reason: "ImageWrongPlatform",
    permanent: true,
    advice:
      "there is no image for this machine: build it for its architecture, set platform, or keep the service off such nodes by a constraint",
  },
  {
    kind: "rateLimited",
    reason: "RegistryRateLimited",
    permanent: false,
    advice:
      "the registry counts pulls and has had enough: it is asked again later; credentials (imagePullSecrets) or a mirror raise the limit",
  },
  {
    kind: "registryUnreachable",
    reason: "RegistryUnreachable",
    permanent: false,
    advice: "the node's engine cannot reach the registry: check its address, the network and a proxy",
  },
  { kind: "noSpace", reason: "NoSpace", permanent: false, advice: "the disk of the engine is full: free space on the node" },
];

/** The particular case, where the text tells. */
const CASES: readonly { kind: EngineErrorKind; when: RegExp; advice: string }[] = [
  {
    kind: "imageNotFound",
    when: /@sha256:/,
    advice:
      "the registry no longer has the bits that this revision runs (its tag was overwritten and they were cleaned up): kubectl rollout restart resolves the tag anew",
  },
  {
    kind: "imageDenied",
    when: /unauthorized|authentication required|incorrect username/i,
    advice: "the registry does not accept these credentials, or wants some: check the Secret that imagePullSecrets names",
  },
  {
    kind: "registryUnreachable",
    when: /no such host|lookup /,
    advice: "the name of the registry cannot be resolved: check its spelling and the node's DNS",
  },
  {
    kind: "registryUnreachable",
    when: /x509|certificate/,
    advice: "the registry's certificate is not trusted: put its CA into /etc/docker/certs.d/HOST/ca.crt on the node",
  },
  {
    kind: "registryUnreachable",
    when: /HTTP response to HTTPS client/,
    advice:
      "the registry speaks no TLS: give it a certificate, or list it under insecure-registries in /etc/docker/daemon.json on the node",
  },
  {
    kind: "registryUnreachable",
    when: /connection refused/,
    advice: "nothing listens at the registry's address: check its port, and that it runs",
  },
  {
    kind: "registryUnreachable",
    when: /HTTP status: 5\d\d|bad gateway|service unavailable/i,
    advice: "the registry is out of order: it is asked again",
  },
  {
    kind: "registryUnreachable",
    when: /no progress/,
    advice: "nothing came for 60 s: the network is slow or a proxy holds it up; it is begun again",
  },
];

/** undefined for what is no problem of an image. `text`: the engine's words. */
export const imageAdvice = (kind: EngineErrorKind, text: string, retryAfterMs?: number): string | undefined => {
  const special = CASES.find((c) => c.kind === kind && c.when.test(text))?.advice;
  const advice = special ?? IMAGE_PROBLEMS.find((p) => p.kind === kind)?.advice;
  return advice !== undefined && retryAfterMs !== undefined ? `${advice} (it says: in ${Math.ceil(retryAfterMs / 1000)} s)` : advice;
};
