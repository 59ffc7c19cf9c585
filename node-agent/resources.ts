// Images, networks and volumes: made or fetched once, however many pods ask at the same time.
import { LABELS } from "../schemas/constants.ts";
import { type Engine, type EngineEvent, isEngineError, type NetworkInspect } from "./engine.ts";
import { Obstacle, PodFault } from "./faults.ts";
import type { Images } from "./images/images.ts";
import { KeyedLanes } from "./lanes.ts";
import { networkDifferences, networkHash, volumeDifferences, volumeHash, withHash } from "./networks/settings.ts";
import type { NetworkRequest, VolumeRequest } from "./render.ts";

export { Obstacle, PodFault, type Progress } from "./faults.ts";

export class Resources {
  private readonly networks = new Map<string, Promise<string>>();
  private readonly volumes = new Map<string, Promise<void>>();
  private readonly changing = new KeyedLanes();
  /** Name → hash of the settings that it was made with; kept over reconnections. */
  private readonly madeAs = new Map<string, string | undefined>();
  /** Who keeps a network from being made anew, in words; ids of its containers. Set by whoever knows the pods. */
  blockers: (r: NetworkRequest, found: NetworkInspect) => string[] = () => ["containers that are not known"];
  usersOf: (name: string) => string[] = () => [];
  /** Name → id of the networks we know. */
  readonly networkIds = new Map<string, string>();

  constructor(
    private readonly engine: Engine,
    private readonly clusterId: string,
    readonly images: Images,
  ) {}

  /** Finds it, makes it, or makes it anew where nobody is in the way. @throws PodFault, EngineError */
  async ensureNetwork(r: NetworkRequest): Promise<string> {
    return await once(this.networks, keyOf(r), async () => {
      const id = await this.changing.run([r.name], () => this.findOrCreateNetwork(r));
      this.networkIds.set(r.name, id);
      this.madeAs.set(r.name, networkHash(r));
      return id;
    });
  }

  /**
   * What differs between the networks and volumes of a container that runs and what they should be. Asks the engine about those with
   * settings only (or that had some), once for each connection. @throws EngineError
   */
  async complaints(networks: readonly NetworkRequest[], volumes: readonly VolumeRequest[]): Promise<Complaint[]> {
    const found: Complaint[] = [];
    for (const r of networks) {
      if (r.external || this.networks.has(keyOf(r)) || (r.settings === undefined && this.madeAs.get(r.name) === undefined)) continue;
      const have = await unlessMissing(this.engine.inspectNetwork(r.name));
      const differs = have && this.isOurs(have) ? networkDifferences(r, have) : [];
      if (!have) continue;
      if (differs.length === 0) {
        this.networks.set(keyOf(r), Promise.resolve(have.Id));
        this.networkIds.set(r.name, have.Id);
        this.madeAs.set(r.name, networkHash(r));
        continue;
      }
      const blockers = this.blockers(r, have);
      found.push(blockers.length === 0 ? { remake: r, message: differsText(r, differs) } : { ...waitsFor(r, differs, blockers) });
    }
    for (const r of volumes) {
      if (r.external || volumeHash(r) === undefined || this.volumes.has(keyOf(r))) continue;
      const have = await unlessMissing(this.engine.inspectVolume(r.name));
      const differs = have ? volumeDifferences(r, have) : [];
      if (differs.length > 0) found.push(volumeDiffers(r, differs));
      else if (have) this.volumes.set(keyOf(r), Promise.resolve());
    }
    return found;
  }

  private isOurs(n: { Labels?: Record<string, string> | null }): boolean {
    return n.Labels?.[LABELS.cluster] === this.clusterId;
  }

  private async findOrCreateNetwork(r: NetworkRequest, again = true): Promise<string> {
    try {
      const found = await this.engine.inspectNetwork(r.name);
      if (!r.external && !this.isOurs(found))
        throw new PodFault("NetworkNotOwned", `network ${r.name} exists and is not ours: rename or remove it, or declare it external`);
      const differs = r.external ? [] : networkDifferences(r, found);
      if (differs.length === 0) return found.Id;
      await this.unmake(r, found, differs);
    } catch (error) {
      if (isEngineError(error, "ambiguous")) return await this.withoutTwins(r);
      if (!isEngineError(error, "notFound")) throw error;
      if (r.external) throw new PodFault("NetworkNotFound", `external network ${r.name} does not exist: docker network create ${r.name}`);
    }
    try {
      return (await this.engine.createNetwork(r.name, withHash(r.labels, networkHash(r)), r.settings)).id;
    } catch (error) {
      // Made by a call whose answer was lost, or by somebody else in between: see whose it is.
      if (isEngineError(error, "nameConflict") && again) return await this.findOrCreateNetwork(r, false);
      throw error;
    }
  }

  /**
   * Docker changes nothing on a network that exists. Its containers are told to leave; each comes back when its pod finds that it is not
   * connected, which is also how it goes on after a crash in between.
   */
  private async unmake(r: NetworkRequest, found: NetworkInspect, differs: string[]): Promise<void> {
    const blockers = this.blockers(r, found);
    if (blockers.length > 0) {
      const { reason, message } = waitsFor(r, differs, blockers);
      throw new Obstacle(reason, message);
    }
    this.forgetNetwork(r.name);
    const members = new Set([...Object.keys(found.Containers ?? {}), ...this.usersOf(r.name)]);
    for (const id of members) await unlessMissing(this.engine.disconnect(found.Id, id));
    await this.engine.removeNetwork(found.Id);
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
    return await once(this.volumes, keyOf(r), async () => {
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
      const made = await this.engine.createVolume(r.name, withHash(r.labels, volumeHash(r)), r);
      if (!this.isOurs(made))
        throw new PodFault("VolumeNotOwned", `volume ${r.name} exists and is not ours: rename or remove it, or declare it external`);
      const differs = volumeDifferences(r, made);
      if (differs.length === 0) return;
      const { reason, message } = volumeDiffers(r, differs);
      throw new Obstacle(reason, message);
    });
  }

  /** Something was removed, moved or may have changed: ask again next time. */
  forget(event: Pick<EngineEvent, "type" | "id" | "attributes" | "action">): void {
    if (event.type === "image") this.images.forget();
    if (event.type === "volume") drop(this.volumes, event.id);
    if (event.type === "network" && event.action === "destroy") this.forgetNetwork(event.attributes["name"] ?? "");
  }
  forgetNetwork(name: string): void {
    drop(this.networks, name);
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

/** Why a network or volume is not what the manifest says. */
export type Complaint = { reason: string; message: string } | { remake: NetworkRequest; message: string };

const differsText = (r: NetworkRequest, differs: string[]): string => `network ${r.name} differs from its settings: ${differs.join("; ")}`;
const waitsFor = (r: NetworkRequest, differs: string[], blockers: string[]): { reason: string; message: string } => ({
  reason: "NetworkDiffers",
  message: `${differsText(r, differs)}. It is made anew when these leave it: ${blockers.join(", ")}`,
});
const volumeDiffers = (r: VolumeRequest, differs: string[]): { reason: string; message: string } => ({
  reason: "VolumeDiffers",
  message: `volume ${r.name} differs from its settings: ${differs.join("; ")}. It holds data and is not made anew: give the volume another name in the manifest, or copy its data, remove it (docker volume rm ${r.name}) and copy them back`,
});

/** Other settings are another thing to ensure. */
const keyOf = (r: NetworkRequest | VolumeRequest): string => `${r.name}\n${("aliases" in r ? networkHash(r) : volumeHash(r)) ?? ""}`;
const drop = (cache: Map<string, unknown>, name: string): void => {
  for (const key of cache.keys()) if (key.startsWith(`${name}\n`)) cache.delete(key);
};
const unlessMissing = async <T>(looked: Promise<T>): Promise<T | undefined> => {
  try {
    return await looked;
  } catch (error) {
    if (isEngineError(error, "notFound")) return undefined;
    throw error;
  }
};

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
