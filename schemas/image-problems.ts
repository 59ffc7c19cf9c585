// Why an image does not come: what pods say as their reason, and what to do. docs/errors.md is written from it.

export type ImageProblemKind = "imageNotFound" | "imageDenied" | "imagePlatform" | "rateLimited" | "registryUnreachable" | "noSpace";

export interface ImageProblem {
  kind: ImageProblemKind;
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
