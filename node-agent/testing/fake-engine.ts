// Docker in memory: the same contract (engine.contract.ts), with faults on demand and the deeds of people outside. For tests and the simulator.
import type { Env } from "../../store/env.ts";
import type { EngineAbilities, Lack } from "../abilities.ts";
import {
  type ContainerInspect,
  type ContainerSummary,
  type CreateBody,
  type Engine,
  EngineError,
  type EngineErrorKind,
  type EngineEvent,
  type EngineInfo,
  type ImageInspect,
  type ImageSummary,
  type PullOptions,
  type Resources,
  type RestartPolicy,
} from "../engine.ts";
import type { PullLine } from "../images/progress.ts";
import { digestsOf, parseReference } from "../images/reference.ts";
import { MODES } from "../comparable.ts";
import { enterNamespaces, namespacesOf, sharePid } from "./fake-namespaces.ts";
import type { FakeContainer } from "./fake-io.ts";
import { FakeResources } from "./fake-resources.ts";
import { asExited, asRunning, attributes, inspectOf, portsOf } from "./fake-container.ts";

const IMAGE_ENV = ["PATH=/bin:/sbin"];

export class FakeEngine extends FakeResources implements Engine {
  readonly images = new Map<string, ImageInspect>();
  /** What a registry would serve. */
  readonly registry = new Map<string, ImageInspect>();
  /** Every call that changes something, in order: `start <id>`. */
  readonly calls: string[] = [];
  /** unavailable: calls fail at once. timeout: they fail as if their deadline had passed, and nothing happens. */
  down: "unavailable" | "timeout" | undefined;
  /** It shuts down: no new connections, but it still obeys on old ones. */
  closing = false;
  version = "20.10.24";
  apiVersion = "1.41";
  /** What its kernel has no support for: told, but not acted out. */
  lacks: ReadonlySet<Lack> = new Set();
  /** Events get lost. */
  deaf = false;
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private readonly streams = new Set<() => void>();
  private readonly failures = new Map<string, EngineError[]>();
  private count = 0;

  constructor(private readonly env: Env) {
    super();
    this.addImage("bb:1");
  }

  // Faults, and what people do.

  addImage(
    reference: string,
    config: NonNullable<ImageInspect["Config"]> = { Cmd: ["/bin/sleep", "1000000"], Env: IMAGE_ENV },
  ): ImageInspect {
    const image = { Id: this.id("sha256:"), RepoDigests: [], Config: config };
    this.images.set(reference, image);
    return image;
  }
  /** Pushes other bits under this name to the registry; answers with their digest. */
  publish(reference: string): string {
    const digest = this.id("sha256:");
    const { name, tag } = parseReference(reference);
    const repository = tag === undefined ? name : name.slice(0, -tag.length - 1);
    const image = { Id: this.id("sha256:"), RepoDigests: [`${repository}@${digest}`], Config: { Cmd: ["/bin/sleep"], Env: IMAGE_ENV } };
    this.registry.set(reference, image);
    // What was pushed before stays there under its digest.
    this.registry.set(`${reference}@${digest}`, image);
    return digest;
  }
  /** The next call of this operation fails so, and nothing happens. */
  fail(operation: string, kind: EngineErrorKind, message = `injected: ${operation} fails`): void {
    this.failures.set(operation, [...(this.failures.get(operation) ?? []), new EngineError(kind, message, operation)]);
  }
  /** The main process ends by itself. Docker starts it again if its policy says so. */
  exit(container: string, code: number): void {
    const { inspect: i } = this.find(container);
    const { Name: policy, MaximumRetryCount: max = 0 } = i.HostConfig.RestartPolicy ?? { Name: "no" };
    this.ended(i, code);
    const again =
      policy === "always" || policy === "unless-stopped" || (policy === "on-failure" && code !== 0 && (max === 0 || i.RestartCount < max));
    if (!again) return;
    i.RestartCount++;
    i.State.Status = "restarting";
  }
  /** Docker's pause before a restart is over. */
  restarted(container: string): void {
    this.run(this.find(container).inspect);
  }
  pause(container: string): void {
    const { inspect: i } = this.find(container);
    i.State.Status = "paused";
    i.State.Paused = true;
    this.emit("container", "pause", i.Id, attributes(i));
  }
  health(container: string, status: "starting" | "healthy" | "unhealthy"): void {
    const { inspect: i } = this.find(container);
    i.State.Health = { Status: status };
    this.emit("container", `health_status: ${status}`, i.Id, attributes(i));
  }
  /** The event stream breaks. */
  disconnectEvents(): void {
    for (const end of [...this.streams]) end();
  }
  /** Killed and started again: containers without a restart policy are dead, the others run anew; the counter stays. */
  restartDaemon(): void {
    for (const { inspect: i } of this.containers.values()) {
      if (i.State.Status !== "running" && i.State.Status !== "paused") continue;
      this.ended(i, 137);
      const policy = i.HostConfig.RestartPolicy?.Name ?? "no";
      if (policy === "always" || policy === "unless-stopped") this.run(i);
    }
    this.disconnectEvents();
  }
  byName(name: string): ContainerInspect | undefined {
    return [...this.containers.values()].find((c) => c.inspect.Name === `/${name}`)?.inspect;
  }

  // Engine.

  async ping(): Promise<void> {
    await this.enter("ping");
    if (this.closing) throw new EngineError("unavailable", "connect ECONNREFUSED", "ping");
  }
  async info(): Promise<EngineInfo> {
    await this.enter("info");
    return {
      id: "FAKE",
      name: "fake",
      version: this.version,
      apiVersion: this.apiVersion,
      os: "linux",
      arch: "amd64",
      osImage: "Fake",
      kernelVersion: "1",
      cpus: 2,
      memoryBytes: 2 ** 30,
      rootDir: "",
    };
  }
  async abilities(): Promise<EngineAbilities> {
    await this.enter("abilities");
    const { apiVersion, version } = this;
    return { apiVersion, version, lacks: this.lacks };
  }
  async list(): Promise<ContainerSummary[]> {
    await this.enter("list");
    return [...this.containers.values()].map(({ inspect: i }) => ({
      id: i.Id,
      name: i.Name.slice(1),
      labels: { ...i.Config.Labels },
      state: i.State.Status,
      imageId: i.Image,
      networks: Object.fromEntries(Object.entries(i.NetworkSettings.Networks ?? {}).map(([n, e]) => [n, e.NetworkID])),
      ports: Object.entries(i.NetworkSettings.Ports ?? {}).flatMap(([port, list]) =>
        (list ?? []).map((b) => ({ published: Number(b.HostPort), protocol: port.split("/")[1] ?? "tcp", hostIp: b.HostIp })),
      ),
    }));
  }
  async inspect(container: string): Promise<ContainerInspect> {
    await this.enter("inspect");
    return structuredClone(this.find(container).inspect);
  }
  async create(name: string, body: CreateBody): Promise<{ id: string }> {
    await this.enter("create", name);
    const image = this.imageOf(this.images, body.Image);
    if (!image) throw new EngineError("imageNotFound", `No such image: ${body.Image}`, "create", { status: 404 });
    if (this.byName(name))
      throw new EngineError("nameConflict", `The container name "/${name}" is already in use`, "create", { status: 409 });
    const id = this.id();
    const network = body.HostConfig.NetworkMode ?? "none";
    const inspect = inspectOf(id, name, body, image, this.now());
    // The engine does not look for the network before the start.
    const endpoint = body.NetworkingConfig?.EndpointsConfig[network] ?? { Aliases: [] };
    if (!network.startsWith("container:"))
      inspect.NetworkSettings.Networks![network] = { ...structuredClone(endpoint), NetworkID: this.networks.get(network)?.id ?? "" };
    this.containers.set(id, { inspect, logs: [], entries: [], used: { cpuNanos: 0, memoryBytes: 2 ** 20 } });
    for (const m of body.HostConfig.Mounts ?? [])
      if (m.Type === "volume" && m.Source && !this.volumes.has(m.Source)) this.volumes.set(m.Source, { Name: m.Source, Labels: null });
    this.emit("container", "create", id, attributes(inspect));
    return { id };
  }
  async start(container: string): Promise<void> {
    await this.enter("start", container);
    const { inspect: i } = this.find(container);
    if (i.State.Status === "running" || i.State.Status === "restarting") return;
    if (i.State.Status === "paused")
      throw new EngineError("conflict", "cannot start a paused container, try unpause instead", "start", { status: 409 });
    for (const name of Object.keys(i.NetworkSettings.Networks ?? {})) {
      if (MODES.has(name)) continue;
      const network = this.networks.get(name);
      const endpoint = i.NetworkSettings.Networks![name]!;
      if (!network || (endpoint.NetworkID !== "" && endpoint.NetworkID !== network.id))
        throw new EngineError("notFound", `network ${endpoint.NetworkID || name} not found`, "start", { status: 404 });
      endpoint.NetworkID = network.id;
    }
    const wanted = portsOf(i);
    for (const { inspect: other } of this.containers.values()) {
      const taken = other.State.Status === "running" && other.Id !== i.Id ? portsOf(other) : [];
      const clash = wanted.find((p) => taken.includes(p));
      if (clash) {
        i.State.Error = `driver failed programming external connectivity: Bind for 0.0.0.0:${clash} failed: port is already allocated`;
        throw new EngineError("portConflict", i.State.Error, "start", { status: 500 });
      }
    }
    const spaces = namespacesOf(i, this.now(), (id) => this.containers.get(id)?.inspect);
    i.RestartCount = 0;
    this.run(i, spaces);
  }
  async stop(container: string, _graceMs: number): Promise<void> {
    await this.enter("stop", container);
    const { inspect: i } = this.find(container);
    if (i.State.Status === "running" || i.State.Status === "restarting") this.ended(i, 0);
  }
  async kill(container: string): Promise<void> {
    await this.enter("kill", container);
    const { inspect: i } = this.find(container);
    if (i.State.Status !== "running") throw new EngineError("conflict", `Container ${i.Id} is not running`, "kill", { status: 409 });
    this.ended(i, 137);
  }
  async remove(container: string): Promise<void> {
    await this.enter("remove", container);
    const { inspect: i } = this.find(container);
    if (i.State.Status === "running" || i.State.Status === "paused") this.ended(i, 137);
    this.containers.delete(i.Id);
    this.hangUp(i.Id);
    this.emit("container", "destroy", i.Id, attributes(i));
  }
  async rename(container: string, name: string): Promise<void> {
    await this.enter("rename", container);
    const { inspect: i } = this.find(container);
    if (this.byName(name))
      throw new EngineError("nameConflict", `The container name "/${name}" is already in use`, "rename", { status: 409 });
    const oldName = i.Name;
    i.Name = `/${name}`;
    this.emit("container", "rename", i.Id, { ...attributes(i), oldName });
  }
  async unpause(container: string): Promise<void> {
    await this.enter("unpause", container);
    const { inspect: i } = this.find(container);
    if (i.State.Status !== "paused") throw new EngineError("failed", `Container ${i.Id} is not paused`, "unpause", { status: 500 });
    i.State.Status = "running";
    i.State.Paused = false;
    this.emit("container", "unpause", i.Id, attributes(i));
  }
  async update(container: string, change: Resources & { RestartPolicy?: RestartPolicy }): Promise<{ warnings?: string[] }> {
    await this.enter("update", container);
    const { inspect: i } = this.find(container);
    for (const [k, v] of Object.entries(change))
      if ((v !== 0 || k === "PidsLimit") && v !== undefined) Object.assign(i.HostConfig, { [k]: v });
    this.emit("container", "update", i.Id, attributes(i));
    return {};
  }
  async logs(container: string, lines: number): Promise<string[]> {
    await this.enter("logs");
    return this.find(container).logs.slice(-lines);
  }

  async inspectImage(image: string): Promise<ImageInspect> {
    await this.enter("inspect image");
    const found = this.imageOf(this.images, image);
    if (!found) throw new EngineError("imageNotFound", `No such image: ${image}`, "inspect image", { status: 404 });
    return structuredClone(found);
  }
  async listImages(): Promise<ImageSummary[]> {
    await this.enter("list images");
    return [...new Set(this.images.values())].map((i) => ({
      id: i.Id,
      tags: [...this.images].flatMap(([name, image]) => (image === i && !name.includes("@") ? [name] : [])),
      digests: i.RepoDigests ?? [],
      sizeBytes: 1_000,
    }));
  }
  async removeImage(reference: string): Promise<void> {
    await this.enter("remove image", reference);
    const found = this.imageOf(this.images, reference);
    if (!found) throw new EngineError("imageNotFound", `No such image: ${reference}`, "remove image", { status: 404 });
    const used = [...this.containers.values()].some((c) => c.inspect.Image === found.Id);
    if (used) throw new EngineError("conflict", "conflict: unable to delete (container is using it)", "remove image", { status: 409 });
    for (const [name, image] of this.images)
      if (image === found && (name === reference || reference.includes("@"))) this.images.delete(name);
  }
  /** Who may pull what: references without an entry are for everybody. */
  readonly guarded = new Map<string, { username: string; password: string }>();
  async pull(image: string, options: PullOptions = {}, progress?: (line: PullLine) => void): Promise<void> {
    await this.enter("pull", image);
    const { name } = parseReference(image);
    const wanted = this.guarded.get(name);
    if (wanted && (options.auth?.username !== wanted.username || options.auth.password !== wanted.password))
      throw new EngineError("imageDenied", `pull access denied for ${name}: no basic auth credentials`, "pull", { status: 500 });
    const found = this.imageOf(this.registry, image);
    if (!found) throw new EngineError("imageNotFound", `manifest for ${image} not found: manifest unknown`, "pull", { status: 404 });
    progress?.({ id: "1", status: "Downloading", current: 1_000_000, total: 2_000_000 });
    this.images.set(image, found);
    const digest = found.RepoDigests?.[0]?.split("@")[1];
    if (digest) progress?.({ status: `Digest: ${digest}` });
  }
  /** By reference, id or digest. */
  private imageOf(images: ReadonlyMap<string, ImageInspect>, reference: string): ImageInspect | undefined {
    const exact = images.get(reference) ?? [...images.values()].find((i) => i.Id === reference);
    const { digest } = parseReference(reference);
    return (
      exact ?? (digest === undefined ? undefined : [...images.values()].find((i) => digestsOf(reference, i.RepoDigests).includes(digest)))
    );
  }

  async events(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<{ ended: Promise<void> }> {
    await this.enter("events");
    this.listeners.add(onEvent);
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        this.listeners.delete(onEvent);
        this.streams.delete(end);
        resolve();
      };
      this.streams.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
    return { ended };
  }
  close(): void {}

  protected async enter(operation: string, target?: string): Promise<void> {
    await Promise.resolve();
    if (this.down)
      throw new EngineError(this.down, this.down === "timeout" ? "no answer from the engine" : "connect ECONNREFUSED", operation);
    const failure = this.failures.get(operation)?.shift();
    if (failure) throw failure;
    if (target !== undefined) this.calls.push(`${operation} ${target}`);
  }
  protected clock(): Env {
    return this.env;
  }
  protected find(container: string): FakeContainer {
    const found = this.containers.get(container) ?? [...this.containers.values()].find((c) => c.inspect.Name === `/${container}`);
    if (!found) throw new EngineError("notFound", `No such container: ${container}`, "inspect", { status: 404 });
    return found;
  }
  private run(i: ContainerInspect, spaces?: { network: string; pid: string }): void {
    try {
      enterNamespaces(i, spaces ?? namespacesOf(i, this.now(), (id) => this.containers.get(id)?.inspect));
    } catch (error) {
      // By its restart policy: nobody is there to be told.
      asExited(i, 128, this.now());
      i.State.Error = String(error);
      return;
    }
    asRunning(i, this.now());
    this.emit("container", "start", i.Id, attributes(i));
  }
  private ended(i: ContainerInspect, code: number): void {
    asExited(i, code, this.now());
    this.hangUp(i.Id);
    for (const other of sharePid(
      i,
      [...this.containers.values()].map((c) => c.inspect),
    ))
      this.exit(other.Id, 137);
    this.emit("container", "die", i.Id, { ...attributes(i), exitCode: String(code) });
  }
  protected emit(type: EngineEvent["type"], action: string, id: string, attrs: Record<string, string>): void {
    if (this.deaf) return;
    const event = { type, action, id, attributes: attrs, atMs: this.env.now() };
    for (const listener of this.listeners) queueMicrotask(() => listener(event));
  }
  private now(): string {
    return new Date(this.env.now()).toISOString();
  }
  protected id(prefix = ""): string {
    return prefix + (++this.count).toString(16).padStart(12, "0").padEnd(64, "f");
  }
}
