// Images, networks and volumes: made or fetched once, however many pods ask at the same time.
import { LABELS } from "../schemas/constants.ts";
import { type Engine, type EngineEvent, isEngineError, type NetworkInspect } from "./engine.ts";
import { PodFault } from "./faults.ts";
import type { Images } from "./images/images.ts";
import type { NetworkRequest, VolumeRequest } from "./render.ts";

export { Obstacle, PodFault, type Progress } from "./faults.ts";

export class Resources {
  private readonly networks = new Map<string, Promise<string>>();
  private readonly volumes = new Map<string, Promise<void>>();
  /** Name → id of the networks we know. */
  readonly networkIds = new Map<string, string>();

  constructor(
    private readonly engine: Engine,
    private readonly clusterId: string,
    readonly images: Images,
  ) {}

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
    if (event.type === "image") this.images.forget();
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
    this.images.forget();
    this.volumes.clear();
    this.forgetNetworks();
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
