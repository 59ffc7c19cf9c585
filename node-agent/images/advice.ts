// What to do when an image does not come, one sentence for each kind. Pure.
import { IMAGE_PROBLEMS } from "../../schemas/image-problems.ts";
import type { EngineErrorKind } from "../engine.ts";

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
