// The product's names, in one place: a rename is one commit.

export const PRODUCT = "Steadfleet";
/** Name of the command-line program. */
export const CLI = "steady";
/** API group of our own kinds, and prefix of our labels and annotations. */
export const GROUP = "steadfleet.dev";
export const VERSION = "v1";
export const API_VERSION = `${GROUP}/${VERSION}`;
/** Everything we keep in etcd lies below this key. */
export const ROOT = "/steadfleet";
/** Extension key of a Stack body for what Compose has no word for. */
export const EXTENSION = "x-steadfleet";
/** Prefix of environment variables that mirror flags. */
export const ENV_PREFIX = "STEADY_";

/** Labels on every container, network and volume that we make. Without `cluster` we never touch a thing. */
export const LABELS = {
  cluster: `${GROUP}/cluster`,
  namespace: `${GROUP}/namespace`,
  stack: `${GROUP}/stack`,
  service: `${GROUP}/service`,
  pod: `${GROUP}/pod`,
  uid: `${GROUP}/uid`,
  /** `v1:<hash>` of the rendered container. */
  spec: `${GROUP}/spec`,
  /** `v1:<hash>` of how a network or volume was made; absent: with everything default. */
  settings: `${GROUP}/settings`,
} as const;

/** Labels that Docker tools group by. */
export const COMPOSE_LABELS = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  network: "com.docker.compose.network",
  volume: "com.docker.compose.volume",
} as const;

/** Annotation of a Stack that takes over a project of docker compose: an AdoptionRequest as JSON. */
export const ADOPT = `${GROUP}/adopt`;

/** Finalizer that keeps a Stack until the last of its pods is gone. */
export const STACK_FINALIZER = `${GROUP}/pods`;
/** Finalizer that keeps a Namespace until the last object in it is gone. */
export const NAMESPACE_FINALIZER = `${GROUP}/contents`;

/** Annotations and labels that Kubernetes tools read and write on Deployments, ReplicaSets and their pods. */
export const KUBERNETES = {
  /** Number of the revision that a template is of. */
  revision: "deployment.kubernetes.io/revision",
  changeCause: "kubernetes.io/change-cause",
  /** In a template: another value replaces the pods. */
  restartedAt: "kubectl.kubernetes.io/restartedAt",
  templateHash: "pod-template-hash",
} as const;

/**
 * By which the garbage collector knows what to do before an object goes: delete what it owns first, or let go of that.
 * Source: Kubernetes, "Garbage Collection".
 */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";
