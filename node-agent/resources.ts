// Images, networks and volumes: made or fetched once, however many pods ask at the same time.
import { LABELS } from "../schemas/constants.ts";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { type Engine, type EngineEvent, type ImageInspect, isEngineError, type NetworkInspect } from "./engine.ts";
import type { NetworkRequest, VolumeRequest } from "./render.ts";

/** Why a pod cannot be as desired, in our words; the engine did nothing wrong. */
export class PodFault extends Error {
  override name = "PodFault";
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Found by looking, before anything was made: looking again costs little. */
export class Obstacle extends PodFault {
  override name = "Obstacle";
}

export interface Progress {
  /** Something that takes long has begun. */
  (reason: string, message: string): void;
}

export class Resources {
  private readonly images = new Map<string, Promise<ImageInspect>>();
  private readonly byId = new Map<string, ImageInspect>();
  private readonly pulls = new Map<string, Promise<ImageInspect>>();
  private readonly networks = new Map<string, Promise<string>>();
  private readonly volumes = new Map<string, Promise<void>>();
  /** Name → id of the networks we know. */
  readonly networkIds = new Map<string, string>();

  constructor(
    private readonly engine: Engine,
    private readonly clusterId: string,
  ) {}

  /** By reference or id; undefined when the engine has none (any more). */
  async image(id: string): Promise<ImageInspect | undefined> {
    const known = this.byId.get(id);
    if (known) return known;
    try {
      return await once(this.images, id, async () => this.remember(await this.engine.inspectImage(id)));
    } catch (error) {
      if (isEngineError(error, "imageNotFound")) return undefined;
      throw error;
    }
  }

  /** What is known of an image without asking. */
  knownImage(id: string): ImageInspect | undefined {
    return this.byId.get(id);
  }

  /** `pulled` tells whether it came from a registry just now. */
  async ensureImage(
    image: string,
    policy: ContainerSpec["pullPolicy"],
    progress: Progress,
  ): Promise<{ image: ImageInspect; pulled: boolean }> {
    if (policy !== "always") {
      const found = await this.image(image);
      if (found) return { image: found, pulled: false };
      if (policy === "never")
        throw new PodFault("ImageNotFound", `image ${image} is not on this node, and pull_policy is never: load it, or allow the pull`);
    }
    progress("Pulling", `pulling ${image}`);
    const pulled = await once(this.pulls, image, async () => {
      try {
        await this.engine.pull(image, (line) => progress("Pulling", `pulling ${image}: ${line}`));
        this.images.delete(image);
        return this.remember(await this.engine.inspectImage(image));
      } finally {
        this.pulls.delete(image);
      }
    });
    return { image: pulled, pulled: true };
  }

  async ensureNetwork(r: NetworkRequest): Promise<string> {
    return await once(this.networks, r.name, async () => {
      const id = await this.findOrCreateNetwork(r);
      this.networkIds.set(r.name, id);
      return id;
    });
  }

  private async findOrCreateNetwork(r: NetworkRequest, again = true): Promise<string> {
    try {
      const found = await this.engine.inspectNetwork(r.name);
      if (!r.external && found.Labels?.[LABELS.cluster] !== this.clusterId)
        throw new PodFault("NetworkNotOwned", `network ${r.name} exists and is not ours: rename or remove it, or declare it external`);
      return found.Id;
    } catch (error) {
      if (isEngineError(error, "ambiguous")) return await this.withoutTwins(r);
      if (!isEngineError(error, "notFound")) throw error;
      if (r.external) throw new PodFault("NetworkNotFound", `external network ${r.name} does not exist: docker network create ${r.name}`);
    }
    try {
      return (await this.engine.createNetwork(r.name, r.labels)).id;
    } catch (error) {
      // Made by a call whose answer was lost, or by somebody else in between: see whose it is.
      if (isEngineError(error, "nameConflict") && again) return await this.findOrCreateNetwork(r, false);
      throw error;
    }
  }

  /**
   * Some engines make two networks of one name when two creations overlap, as those of an agent that died and of its successor.
   * Nothing starts in either. Of ours the one with containers stays, else the first by id; the others go.
   */
  private async withoutTwins(r: NetworkRequest): Promise<string> {
    const ours = (await this.engine.listNetworks(`${LABELS.cluster}=${this.clusterId}`)).filter((n) => n.Name === r.name);
    const twins = await Promise.all(ours.map((n) => this.engine.inspectNetwork(n.Id)));
    const users = (n: NetworkInspect): number => Object.keys(n.Containers ?? {}).length;
    const [kept, ...others] = twins.toSorted((a, b) => users(b) - users(a) || (a.Id < b.Id ? -1 : 1));
    const foreign = r.external || !kept || others.length === 0;
    if (foreign)
      throw new PodFault(
        "NetworkAmbiguous",
        `several networks are named ${r.name}, and not all of them are ours: remove or rename the others (docker network ls --no-trunc)`,
      );
    for (const n of others) await this.engine.removeNetwork(n.Id);
    return kept.Id;
  }

  async ensureVolume(r: VolumeRequest): Promise<void> {
    return await once(this.volumes, r.name, async () => {
      if (r.external) {
        try {
          await this.engine.inspectVolume(r.name);
        } catch (error) {
          if (!isEngineError(error, "notFound")) throw error;
          throw new PodFault("VolumeNotFound", `external volume ${r.name} does not exist: docker volume create ${r.name}`);
        }
        return;
      }
      // Creating one that exists answers with that one, and silently keeps its labels.
      const made = await this.engine.createVolume(r.name, r.labels);
      if (made.Labels?.[LABELS.cluster] !== this.clusterId)
        throw new PodFault("VolumeNotOwned", `volume ${r.name} exists and is not ours: rename or remove it, or declare it external`);
    });
  }

  /** Something was removed, moved or may have changed: ask again next time. */
  forget(event: Pick<EngineEvent, "type" | "id" | "attributes" | "action">): void {
    if (event.type === "image") this.images.clear();
    if (event.type === "volume") this.volumes.delete(event.id);
    if (event.type === "network" && event.action === "destroy") this.forgetNetwork(event.attributes["name"] ?? "");
  }
  forgetNetwork(name: string): void {
    this.networks.delete(name);
    this.networkIds.delete(name);
  }
  /** There are others than were thought. */
  forgetNetworks(): void {
    this.networks.clear();
    this.networkIds.clear();
  }
  /** Events were missed. */
  forgetAll(): void {
    this.images.clear();
    this.volumes.clear();
    this.forgetNetworks();
  }

  private remember(image: ImageInspect): ImageInspect {
    this.byId.set(image.Id, image);
    return image;
  }
}

/** Runs `make` unless it runs or has succeeded already; a failure is forgotten. */
const once = async <T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
  const known = cache.get(key);
  if (known) return await known;
  const made = make();
  cache.set(key, made);
  try {
    return await made;
  } catch (error) {
    if (cache.get(key) === made) cache.delete(key);
    throw error;
  }
};
