// The port to Docker in our words. `docker.ts` is the real one, `testing/fake-engine.ts` the fake; one contract suite runs against both.
// What is asked for and what is found keep the Engine API's own field names (a subset): every Docker manual explains them.

import type { NetworkSettings } from "../schemas/fleet.ts";
import type { EngineAbilities } from "./abilities.ts";
import type { EngineIo } from "./engine-io.ts";
import type { RegistryAuth } from "./images/auth.ts";
import type { PullLine } from "./images/progress.ts";
import type {
  ContainerInspect,
  CreateBody,
  EndpointConfig,
  ImageInspect,
  NetworkInspect,
  Resources,
  RestartPolicy,
  VolumeInspect,
} from "./engine-objects.ts";

export type * from "./engine-objects.ts";

/** What went wrong, so that callers never read messages. First match wins in docker.ts. */
export type EngineErrorKind =
  | "notFound"
  | "imageNotFound"
  /** The registry wants credentials, or others. */
  | "imageDenied"
  /** There is none for this machine's architecture, or for the one that was asked for. */
  | "imagePlatform"
  /** Too many pulls. `retryAfterMs` where the registry says when. */
  | "rateLimited"
  /** The engine cannot reach the registry, or it is out of order. */
  | "registryUnreachable"
  | "nameConflict"
  | "portConflict"
  | "inUse"
  | "conflict"
  | "addressPool"
  /** Two networks of one name: nothing that names them works. */
  | "ambiguous"
  | "noSpace"
  | "invalid"
  /** No answer within the call's deadline: it may or may not have happened. Look before doing it again. */
  | "timeout"
  /** The engine cannot be reached, or broke the connection: it may or may not have happened. */
  | "unavailable"
  | "failed";

/** Any failed call. `message` is the engine's own text, verbatim. */
export class EngineError extends Error {
  override name = "EngineError";
  constructor(
    readonly kind: EngineErrorKind,
    message: string,
    readonly operation: string,
    options?: ErrorOptions & { status?: number; retryAfterMs?: number },
  ) {
    super(message, options);
    if (options?.status !== undefined) this.status = options.status;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
  readonly status?: number;
  /** The other side said so. */
  readonly retryAfterMs?: number;
}

export const isEngineError = (error: unknown, ...kinds: EngineErrorKind[]): error is EngineError =>
  error instanceof EngineError && (kinds.length === 0 || kinds.includes(error.kind));

export interface EngineInfo {
  id: string;
  name: string;
  version: string;
  /** The version both sides speak. */
  apiVersion: string;
  os: string;
  arch: string;
  osImage: string;
  kernelVersion: string;
  cpus: number;
  memoryBytes: number;
  rootDir: string;
}

/** Of a volume; absent: the driver `local` without options. */
export interface VolumeSettings {
  driver?: string;
  driverOpts?: Record<string, string>;
}

/** One row of the list of all containers, ours and foreign. */
export interface ContainerSummary {
  id: string;
  name: string;
  labels: Record<string, string>;
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  state: string;
  imageId: string;
  /** Name of a network → its id. */
  networks: Record<string, string>;
  /** Host ports that are open now. Absent: not known. */
  ports?: { published: number; protocol: string; hostIp: string }[];
}

/** One row of the list of images. */
export interface ImageSummary {
  id: string;
  tags: string[];
  digests: string[];
  sizeBytes: number;
}

export interface PullOptions {
  platform?: string;
  auth?: RegistryAuth;
}

/** A hint that something changed. `atMs`: wall clock of the engine. */
export interface EngineEvent {
  type: "container" | "network" | "volume" | "image";
  action: string;
  /** Id of the container or network, name of the volume, reference of the image. */
  id: string;
  attributes: Record<string, string>;
  atMs: number;
}

/**
 * Every call has a deadline and a place in a queue of bounded width; every failure is an EngineError.
 * Containers go by id or name, images by reference or id, networks by id or name, volumes by name.
 */
export interface Engine extends EngineIo {
  /**
   * Answers within 5 s, or throws `timeout` or `unavailable`. Does not queue, and makes a connection of its own: an engine that
   * shuts down takes no new ones before it stops the first container, but still obeys on old ones.
   */
  ping(): Promise<void>;
  info(): Promise<EngineInfo>;
  /** Asked once for each connection. */
  abilities(): Promise<EngineAbilities>;

  /** All containers, in any state, ours and foreign. Throws rather than answer in part. */
  list(): Promise<ContainerSummary[]>;
  inspect(container: string): Promise<ContainerInspect>;
  /** `platform`: `os/arch[/variant]`, where the image has several. `warnings`: what the engine did not do, in its words. @throws nameConflict, imageNotFound, invalid */
  create(name: string, body: CreateBody, platform?: string): Promise<{ id: string; warnings?: string[] }>;
  /** Running already is fine. @throws notFound, portConflict, failed */
  start(container: string): Promise<void>;
  /** Stop signal, then SIGKILL after `graceMs`. Stopped already is fine. */
  stop(container: string, graceMs: number): Promise<void>;
  kill(container: string, signal?: string): Promise<void>;
  /** Kills what still runs, and takes anonymous volumes with it. `networks`: ids whose lanes this needs. */
  remove(container: string, networks?: string[]): Promise<void>;
  rename(container: string, name: string): Promise<void>;
  unpause(container: string): Promise<void>;
  update(container: string, change: Resources & { RestartPolicy?: RestartPolicy }): Promise<{ warnings?: string[] }>;
  /** The last lines of stdout and stderr, oldest first. */
  logs(container: string, lines: number): Promise<string[]>;

  /** By exact name or id. @throws notFound */
  inspectNetwork(network: string): Promise<NetworkInspect>;
  listNetworks(label: string): Promise<NetworkInspect[]>;
  /** @throws nameConflict (also on engines that would make a second one of that name), addressPool */
  createNetwork(name: string, labels: Record<string, string>, settings?: NetworkSettings): Promise<{ id: string }>;
  removeNetwork(network: string): Promise<void>;
  connect(network: string, container: string, endpoint: EndpointConfig): Promise<void>;
  disconnect(network: string, container: string): Promise<void>;

  inspectVolume(volume: string): Promise<VolumeInspect>;
  /** Idempotent by name and silent about other labels: inspect the answer. */
  createVolume(name: string, labels: Record<string, string>, settings?: VolumeSettings): Promise<VolumeInspect>;
  removeVolume(volume: string): Promise<void>;
  listVolumes(label: string): Promise<VolumeInspect[]>;

  /** @throws imageNotFound */
  inspectImage(image: string): Promise<ImageInspect>;
  listImages(): Promise<ImageSummary[]>;
  /** A reference is taken away; with the last one the image goes. @throws imageNotFound, conflict (a container or another image needs it) */
  removeImage(reference: string): Promise<void>;
  /** @throws imageNotFound, imageDenied, imagePlatform, rateLimited, registryUnreachable (also after 60 s without progress), noSpace */
  pull(image: string, options?: PullOptions, progress?: (line: PullLine) => void): Promise<void>;

  /** Resolves when the stream is open; `ended` settles when it breaks. Events may be lost: list after opening. */
  events(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<{ ended: Promise<void> }>;
  close(): void;
}
