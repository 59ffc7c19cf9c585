// The only file that speaks to dockerode. It keeps the odd facts learned about the other side.
import { Agent } from "node:http";
import { availableParallelism } from "node:os";
import { inspect as show } from "node:util";
import Docker from "dockerode";
import type { Env } from "../store/env.ts";
import { type EngineAbilities, type KernelInfo, type Lack, lackIn, lacksOf } from "./abilities.ts";
import { type DockerCall, DEADLINE } from "./docker-call.ts";
import { classify } from "./docker-errors.ts";
import { dockerImages } from "./docker-images.ts";
import { dockerIo } from "./docker-io.ts";
import type { ContainerInspect, ContainerSummary, Engine, EngineInfo, NetworkInspect, VolumeInspect } from "./engine.ts";
import { EngineError, isEngineError } from "./engine.ts";
import { agree, bodyFor, jsonLines, logLines, type RawEvent, toEvent } from "./docker-wire.ts";
import { networkBody } from "./networks/settings.ts";
import { KeyedLanes, lane } from "./lanes.ts";

const EVENTS = {
  type: ["container", "network", "volume", "image"],
  event: [
    ..."create start die oom pause unpause rename update destroy connect disconnect health_status".split(" "),
    ..."delete untag tag pull load import".split(" "),
  ],
};

// docker-modem formats its request options for a debug line on every call, even when nobody reads it: with all sockets of a pool
// and all listeners of a signal in them that costs milliseconds. So both show themselves as a word.
class PooledAgent extends Agent {
  [show.custom](): string {
    return "PooledAgent";
  }
}

export interface DockerOptions {
  socketPath: string;
  env: Env;
  /** Starts in flight; default 2 × cores. Source: measured, start is 130–250 ms of CPU in the engine. */
  concurrency?: number;
}

interface Warned {
  Warnings?: string[] | null;
}

/** The kernel's words → those of images and Kubernetes. */
const ARCHITECTURES: Record<string, string> = { x86_64: "amd64", aarch64: "arm64", armv7l: "arm" };
const OK = { 200: true, 201: true, 204: true, 304: true };
const at = (strings: TemplateStringsArray, ...parts: string[]): string =>
  strings.reduce((path, s, i) => path + encodeURIComponent(parts[i - 1] ?? "") + s);

/** Connects lazily: a missing socket shows at the first call, as `unavailable`. */
export const connectDocker = ({ socketPath, env, concurrency = 2 * availableParallelism() }: DockerOptions): Engine => {
  const agent = new PooledAgent({ keepAlive: true, maxFreeSockets: 16 });
  // `host` and `protocol` are said, or DOCKER_HOST in the environment would win over our socket.
  const options = { host: undefined, protocol: "http", socketPath, agent };
  const { modem } = new Docker(options as object);
  const { modem: fresh } = new Docker({ ...options, agent: new Agent({ keepAlive: false }) } as object);
  const lanes = { create: lane(concurrency), start: lane(concurrency), stop: lane(64), pull: lane(3), read: lane(16), change: lane(8) };
  const perNetwork = new KeyedLanes();
  let abilities: Promise<EngineAbilities> | undefined;
  let agreed: Promise<{ api: string; version: string }> | undefined;

  const dial = async (call: DockerCall): Promise<unknown> => {
    const deadline = new AbortController();
    const late = new EngineError("timeout", `no answer from the engine within ${call.deadlineMs / 1000} s`, call.operation);
    const cancel = env.timer(call.deadlineMs, () => deadline.abort(late));
    const signal = call.signal ? AbortSignal.any([deadline.signal, call.signal]) : deadline.signal;
    Object.defineProperty(signal, show.custom, { value: () => "AbortSignal" });
    try {
      const version = call.bare ? "" : `/v${(await negotiated()).api}`;
      return await new Promise((resolve, reject) => {
        // An aborted request does not always call back (docker-modem waits for "end" of a body that will never end).
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        (call.fresh ? fresh : modem).dial(
          {
            path: `${version}${call.path}?`,
            method: call.method,
            options: { _query: call.query ?? {}, _body: call.body ?? {} },
            statusCodes: OK,
            ...(call.stream ? { isStream: true } : {}),
            ...(call.auth ? { authconfig: call.auth } : {}),
            abortSignal: signal,
          },
          (error: Error | null, answer: unknown) => (error ? reject(error) : resolve(answer)),
        );
      });
    } catch (error) {
      throw deadline.signal.aborted ? late : classify(error, call.operation);
    } finally {
      cancel();
    }
  };

  /** An object or array of the engine. What cannot be read is a failure, never an empty answer. */
  const json = async <T>(call: DockerCall): Promise<T> => {
    // A kept-alive socket that the engine has closed shows as `unavailable` on the first use: reading twice does no harm.
    const answer = await dial(call).catch((error) => {
      if (call.method === "GET" && isEngineError(error, "unavailable")) return dial(call);
      throw error;
    });
    if (typeof answer !== "object" || answer === null || Buffer.isBuffer(answer))
      throw new EngineError("failed", "the engine's answer is no JSON", call.operation);
    return answer as T;
  };
  const array = async <T>(call: DockerCall): Promise<T[]> => {
    const answer = await json<T[]>(call);
    if (!Array.isArray(answer)) throw new EngineError("failed", "the engine's answer is no list", call.operation);
    return answer;
  };

  const negotiate = async (): Promise<{ api: string; version: string }> => {
    const answer = await json<{ ApiVersion: string; Version: string }>({
      operation: "version",
      method: "GET",
      path: "/version",
      deadlineMs: DEADLINE.list,
      bare: true,
    });
    return { api: agree(answer.ApiVersion), version: answer.Version };
  };
  const negotiated = (): Promise<{ api: string; version: string }> => {
    agreed ??= negotiate().catch((error) => {
      agreed = undefined;
      throw error;
    });
    return agreed;
  };

  const get = <T>(operation: string, path: string, query?: DockerCall["query"], deadlineMs = DEADLINE.list): Promise<T> =>
    lanes.read(() => json<T>({ operation, method: "GET", path, ...(query ? { query } : {}), deadlineMs }));
  const askAbilities = async (): Promise<EngineAbilities> => {
    const { api, version } = await negotiated();
    return { apiVersion: api, version, lacks: new Set([...lacksOf(await get<KernelInfo>("info", "/info")), ...learned]) };
  };
  /** What some engines tell only in answers. */
  const learned = new Set<Lack>();
  const learn = ({ Warnings: warnings }: Warned): { warnings?: string[] } => {
    const lacks = lackIn(warnings ?? []).filter((lack) => !learned.has(lack));
    for (const lack of lacks) learned.add(lack);
    if (lacks.length > 0) abilities = undefined;
    return warnings?.length ? { warnings } : {};
  };
  const act = async (operation: string, path: string, o: { body?: object; query?: DockerCall["query"]; deadlineMs?: number } = {}) => {
    await dial({ operation, method: "POST", path, deadlineMs: DEADLINE.change, ...o });
  };
  /** Engines before 23 can deadlock for good when networks of a container change many at a time (moby/moby#46661): one at a time for each network. */
  const inNetworks = async <T>(networks: readonly string[], task: () => Promise<T>): Promise<T> =>
    Number.parseInt((await negotiated()).version, 10) >= 23 ? lanes.change(task) : perNetwork.run(networks, task);
  const networkIds = new Map<string, string>();
  const networkKey = (network: string): string => networkIds.get(network) ?? network;

  const inspectNetwork = async (network: string): Promise<NetworkInspect> => {
    const found = await get<NetworkInspect>("inspect network", at`/networks/${network}`);
    networkIds.set(found.Name, found.Id);
    return found;
  };

  return {
    ...dockerIo({ socketPath, env, api: async () => (await negotiated()).api }),
    async ping() {
      await dial({ operation: "ping", method: "GET", path: "/_ping", deadlineMs: DEADLINE.ping, bare: true, fresh: true });
    },
    async info(): Promise<EngineInfo> {
      const { api, version } = await negotiated();
      const i = await get<Record<string, string> & { NCPU: number; MemTotal: number }>("info", "/info");
      return {
        id: i["ID"] ?? "",
        name: i["Name"] ?? "",
        version,
        apiVersion: api,
        os: i["OSType"] ?? "",
        arch: ARCHITECTURES[i["Architecture"] ?? ""] ?? i["Architecture"] ?? "",
        osImage: i["OperatingSystem"] ?? "",
        kernelVersion: i["KernelVersion"] ?? "",
        cpus: i.NCPU,
        memoryBytes: i.MemTotal,
        rootDir: i["DockerRootDir"] ?? "",
      };
    },
    abilities() {
      abilities ??= askAbilities().catch((error) => {
        abilities = undefined;
        throw error;
      });
      return abilities;
    },
    async list(): Promise<ContainerSummary[]> {
      interface Row {
        Id: string;
        Names: string[] | null;
        Labels: Record<string, string> | null;
        State: string;
        ImageID: string;
        NetworkSettings?: { Networks?: Record<string, { NetworkID: string }> | null } | null;
        Ports?: { IP?: string; PublicPort?: number; Type: string }[] | null;
      }
      const rows = await lanes.read(() =>
        array<Row>({ operation: "list", method: "GET", path: "/containers/json", query: { all: 1 }, deadlineMs: DEADLINE.list }),
      );
      return rows.map((row) => ({
        id: row.Id,
        // A container that others link to has more names ("/other/alias"): its own has one slash.
        name: (row.Names ?? []).find((n) => n.lastIndexOf("/") === 0)?.slice(1) ?? "",
        labels: row.Labels ?? {},
        state: row.State,
        imageId: row.ImageID,
        networks: Object.fromEntries(Object.entries(row.NetworkSettings?.Networks ?? {}).map(([name, n]) => [name, n.NetworkID])),
        ports: (row.Ports ?? []).flatMap((p) =>
          p.PublicPort === undefined ? [] : [{ published: p.PublicPort, protocol: p.Type, hostIp: p.IP ?? "" }],
        ),
      }));
    },
    inspect: (container) => get<ContainerInspect>("inspect", at`/containers/${container}/json`),
    create: (name, body, platform) =>
      lanes.create(async () => {
        const answer = await json<Warned & { Id: string }>({
          operation: "create",
          method: "POST",
          path: "/containers/create",
          query: { name, ...(platform === undefined ? {} : { platform }) },
          body: bodyFor(body, (await negotiated()).api),
          deadlineMs: DEADLINE.create,
        });
        return { id: answer.Id, ...learn(answer) };
      }),
    start: (container) => lanes.start(() => act("start", at`/containers/${container}/start`, { deadlineMs: DEADLINE.start })),
    stop: (container, graceMs) =>
      lanes.stop(() =>
        act("stop", at`/containers/${container}/stop`, { query: { t: Math.ceil(graceMs / 1000) }, deadlineMs: graceMs + DEADLINE.change }),
      ),
    kill: (container, signal = "SIGKILL") => act("kill", at`/containers/${container}/kill`, { query: { signal } }),
    remove: (container, networks = []) =>
      inNetworks(networks, async () => {
        await dial({
          operation: "remove",
          method: "DELETE",
          path: at`/containers/${container}`,
          query: { v: 1, force: 1 },
          deadlineMs: DEADLINE.remove,
        });
      }),
    rename: (container, name) => lanes.change(() => act("rename", at`/containers/${container}/rename`, { query: { name } })),
    unpause: (container) => lanes.change(() => act("unpause", at`/containers/${container}/unpause`)),
    update: (container, change) =>
      lanes.change(async () => {
        const path = at`/containers/${container}/update`;
        return learn(await json<Warned>({ operation: "update", method: "POST", path, body: change, deadlineMs: DEADLINE.change }));
      }),
    async logs(container, lines) {
      const answer = await lanes.read(() =>
        dial({
          operation: "logs",
          method: "GET",
          path: at`/containers/${container}/logs`,
          query: { stdout: 1, stderr: 1, tail: lines },
          deadlineMs: DEADLINE.list,
        }),
      );
      return Buffer.isBuffer(answer) ? logLines(answer) : [];
    },

    inspectNetwork,
    listNetworks: (label) => get("list networks", "/networks", { filters: JSON.stringify({ label: [label] }) }),
    createNetwork: (name, labels, settings) =>
      lanes.change(async () => {
        const body = { Name: name, CheckDuplicate: true, ...networkBody(labels, settings) };
        const answer = await json<{ Id: string }>({
          operation: "create network",
          method: "POST",
          path: "/networks/create",
          body,
          deadlineMs: DEADLINE.change,
        });
        networkIds.set(name, answer.Id);
        return { id: answer.Id };
      }),
    removeNetwork: (network) =>
      inNetworks([networkKey(network)], async () => {
        await dial({ operation: "remove network", method: "DELETE", path: at`/networks/${network}`, deadlineMs: DEADLINE.change });
      }),
    connect: (network, container, endpoint) =>
      inNetworks([networkKey(network)], () =>
        act("connect", at`/networks/${network}/connect`, { body: { Container: container, EndpointConfig: endpoint } }),
      ),
    disconnect: (network, container) =>
      inNetworks([networkKey(network)], () =>
        act("disconnect", at`/networks/${network}/disconnect`, { body: { Container: container, Force: true } }),
      ),

    inspectVolume: (volume) => get<VolumeInspect>("inspect volume", at`/volumes/${volume}`),
    createVolume: (name, labels, { driver, driverOpts } = {}) =>
      lanes.change(() =>
        json<VolumeInspect>({
          operation: "create volume",
          method: "POST",
          path: "/volumes/create",
          body: { Name: name, Labels: labels, ...(driver ? { Driver: driver } : {}), ...(driverOpts ? { DriverOpts: driverOpts } : {}) },
          deadlineMs: DEADLINE.change,
        }),
      ),
    removeVolume: (volume) =>
      lanes.change(async () => {
        await dial({ operation: "remove volume", method: "DELETE", path: at`/volumes/${volume}`, deadlineMs: DEADLINE.change });
      }),
    async listVolumes(label) {
      const query = { filters: JSON.stringify({ label: [label] }) };
      return (await get<{ Volumes: VolumeInspect[] | null }>("list volumes", "/volumes", query)).Volumes ?? [];
    },

    ...dockerImages({ env, dial, get, array, lanes }),

    async events(onEvent, signal) {
      agreed = abilities = undefined; // Whoever answers now may be another engine than the one before.
      const stopped = new AbortController();
      const either = AbortSignal.any([signal, stopped.signal]);
      const stream = (await dial({
        operation: "events",
        method: "GET",
        path: "/events",
        query: { filters: JSON.stringify(EVENTS) },
        deadlineMs: DEADLINE.list,
        stream: true,
        signal: either,
      })) as NodeJS.ReadableStream & { destroy(): void };
      either.addEventListener("abort", () => stream.destroy(), { once: true });
      const ended = (async () => {
        try {
          for await (const line of jsonLines(stream)) onEvent(toEvent(line as RawEvent));
        } catch (error) {
          if (!either.aborted) throw classify(error, "events");
        } finally {
          stopped.abort();
        }
      })();
      ended.catch(() => {});
      return { ended };
    },
    close: () => agent.destroy(),
  };
};
