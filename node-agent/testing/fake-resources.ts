// Networks and volumes of the fake engine.
import {
  type EndpointConfig,
  EngineError,
  type EngineEvent,
  type NetworkInspect,
  type VolumeInspect,
  type VolumeSettings,
} from "../engine.ts";
import type { NetworkSettings } from "../../schemas/fleet.ts";
import { type NetworkBody, networkBody } from "../networks/settings.ts";
import { hasLabel } from "./fake-container.ts";
import { type FakeContainer, FakeIo } from "./fake-io.ts";

interface FakeNetwork {
  id: string;
  name: string;
  labels: Record<string, string>;
  body?: NetworkBody;
}

export abstract class FakeResources extends FakeIo {
  readonly containers = new Map<string, FakeContainer>();
  readonly networks = new Map<string, FakeNetwork>();
  readonly volumes = new Map<string, VolumeInspect>();

  protected abstract emit(type: EngineEvent["type"], action: string, id: string, attrs: Record<string, string>): void;
  protected abstract id(prefix?: string): string;

  async inspectNetwork(network: string): Promise<NetworkInspect> {
    await this.enter("inspect network");
    return this.networkInfo(this.network(network));
  }
  async listNetworks(label: string): Promise<NetworkInspect[]> {
    await this.enter("list networks");
    return [...this.networks.values()].filter((n) => hasLabel(n.labels, label)).map((n) => this.networkInfo(n));
  }
  async createNetwork(name: string, labels: Record<string, string>, settings?: NetworkSettings): Promise<{ id: string }> {
    await this.enter("create network", name);
    if (this.networks.has(name))
      throw new EngineError("nameConflict", `network with name ${name} already exists`, "create network", { status: 409 });
    const network = { id: this.id(), name, labels, body: networkBody(labels, settings) };
    this.networks.set(name, network);
    this.emit("network", "create", network.id, { name });
    return { id: network.id };
  }
  async removeNetwork(network: string): Promise<void> {
    await this.enter("remove network", network);
    const n = this.network(network);
    if (Object.keys(this.networkInfo(n).Containers ?? {}).length > 0)
      throw new EngineError("inUse", `network ${n.name} has active endpoints`, "remove network", { status: 403 });
    this.networks.delete(n.name);
    this.emit("network", "destroy", n.id, { name: n.name });
  }
  async connect(network: string, container: string, endpoint: EndpointConfig): Promise<void> {
    await this.enter("connect", container);
    const n = this.network(network, "connect");
    const { inspect: i } = this.find(container);
    if (i.NetworkSettings.Networks?.[n.name])
      throw new EngineError("failed", `endpoint with name ${i.Name} already exists in network ${n.name}`, "connect", { status: 403 });
    i.NetworkSettings.Networks![n.name] = {
      ...structuredClone(endpoint),
      Aliases: [...(endpoint.Aliases ?? []), i.Id.slice(0, 12)],
      NetworkID: n.id,
      IPAddress: "10.0.0.2",
    };
    this.emit("network", "connect", n.id, { name: n.name, container: i.Id });
  }
  async disconnect(network: string, container: string): Promise<void> {
    await this.enter("disconnect", container);
    const n = this.network(network, "disconnect");
    const { inspect: i } = this.find(container);
    if (!i.NetworkSettings.Networks?.[n.name])
      throw new EngineError("notFound", `container ${i.Id} is not connected to network ${n.name}`, "disconnect", { status: 404 });
    delete i.NetworkSettings.Networks[n.name];
    this.emit("network", "disconnect", n.id, { name: n.name, container: i.Id });
  }

  async inspectVolume(volume: string): Promise<VolumeInspect> {
    await this.enter("inspect volume");
    const found = this.volumes.get(volume);
    if (!found) throw new EngineError("notFound", `get ${volume}: no such volume`, "inspect volume", { status: 404 });
    return found;
  }
  async createVolume(name: string, labels: Record<string, string>, settings: VolumeSettings = {}): Promise<VolumeInspect> {
    await this.enter("create volume", name);
    const options = settings.driverOpts ? { Options: settings.driverOpts } : {};
    const made = this.volumes.get(name) ?? { Name: name, Labels: labels, Driver: settings.driver ?? "local", ...options };
    this.volumes.set(name, made);
    return made;
  }
  async removeVolume(volume: string): Promise<void> {
    await this.enter("remove volume", volume);
    if (!this.volumes.has(volume)) throw new EngineError("notFound", `get ${volume}: no such volume`, "remove volume", { status: 404 });
    for (const { inspect: i } of this.containers.values())
      if (i.HostConfig.Mounts?.some((m) => m.Source === volume))
        throw new EngineError("inUse", `remove ${volume}: volume is in use - [${i.Id}]`, "remove volume", { status: 409 });
    this.volumes.delete(volume);
    this.emit("volume", "destroy", volume, {});
  }
  async listVolumes(label: string): Promise<VolumeInspect[]> {
    await this.enter("list volumes");
    return [...this.volumes.values()].filter((v) => hasLabel(v.Labels ?? {}, label));
  }

  protected network(idOrName: string, operation = "inspect network"): FakeNetwork {
    const found = this.networks.get(idOrName) ?? [...this.networks.values()].find((n) => n.id === idOrName);
    if (!found) throw new EngineError("notFound", `network ${idOrName} not found`, operation, { status: 404 });
    return found;
  }
  private networkInfo(n: FakeNetwork): NetworkInspect {
    const live = [...this.containers.values()].filter(
      (c) => c.inspect.State.Status === "running" && c.inspect.NetworkSettings.Networks?.[n.name]?.NetworkID === n.id,
    );
    const {
      Driver = "bridge",
      Internal = false,
      Attachable = false,
      EnableIPv6 = false,
      Options = {},
      IPAM = { Driver: "default" },
    } = n.body ?? {};
    const settings = { Driver, Internal, Attachable, EnableIPv6, Options, IPAM };
    return {
      Id: n.id,
      Name: n.name,
      Labels: { ...n.labels },
      Containers: Object.fromEntries(live.map((c) => [c.inspect.Id, {}])),
      ...settings,
    };
  }
}
