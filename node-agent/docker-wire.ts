// How the Engine API puts things on the wire: versions, references, streams, frames. Pure.
import { hasApi } from "./abilities.ts";
import { type CreateBody, EngineError, type EngineEvent } from "./engine.ts";
import type { ContainerStats, OutputChunk } from "./engine-io.ts";

/** The newest Engine API that this code asks anything of, and the oldest that has what it needs (Docker 20.10). */
const NEWEST_API = [1, 49] as const;
const OLDEST_API = [1, 41] as const;

const parseVersion = (v: string): [number, number] => {
  const [major = 0, minor = 0] = v.split(".").map(Number);
  return [major, minor];
};

/** The older of the engine's version and ours. */
export const agree = (engine: string): string => {
  const [major, minor] = parseVersion(engine);
  if (major < OLDEST_API[0] || (major === OLDEST_API[0] && !(minor >= OLDEST_API[1])))
    throw new EngineError("invalid", `the engine's API is ${engine}; ${OLDEST_API.join(".")} (Docker 20.10) or newer is needed`, "version");
  return major > NEWEST_API[0] || minor > NEWEST_API[1] ? NEWEST_API.join(".") : `${major}.${minor}`;
};

/** Engines before API 1.44 take one MAC address, that of the first network, in the container's own configuration. */
export const bodyFor = (body: CreateBody, api: string): CreateBody => {
  const mac = Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}).find((e) => e.MacAddress !== undefined)?.MacAddress;
  return mac === undefined || hasApi(api, "1.44") ? body : { ...body, MacAddress: mac };
};

/** `repo[:tag][@digest]`. Without a tag the engine would pull every tag there is. */
export const splitReference = (image: string): { repository: string; tag: string } => {
  const [name = image, digest] = image.split("@");
  const colon = name.lastIndexOf(":");
  const tagged = colon > name.lastIndexOf("/");
  const repository = tagged ? name.slice(0, colon) : name;
  return { repository, tag: digest ?? (tagged ? name.slice(colon + 1) : "latest") };
};

export async function* jsonLines(stream: NodeJS.ReadableStream): AsyncGenerator {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    rest += decoder.decode(chunk as Buffer, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

export interface RawEvent {
  Type: EngineEvent["type"];
  Action: string;
  Actor: { ID: string; Attributes?: Record<string, string> | null };
  timeNano: number;
}
export const toEvent = (raw: RawEvent): EngineEvent => ({
  type: raw.Type,
  action: raw.Action,
  id: raw.Actor.ID,
  attributes: raw.Actor.Attributes ?? {},
  atMs: raw.timeNano / 1e6,
});

/** Takes the 8-byte frame headers away where there are any (a container without a terminal has them). */
export const logLines = (raw: Buffer): string[] => {
  const parts: Buffer[] = [];
  let i = 0;
  while (i + 8 <= raw.length && raw[i]! <= 2 && raw[i + 1] === 0 && raw[i + 2] === 0 && raw[i + 3] === 0) {
    const end = i + 8 + raw.readUInt32BE(i + 4);
    parts.push(raw.subarray(i + 8, end));
    i = end;
  }
  const text = (i === 0 ? raw : Buffer.concat(parts)).toString("utf8");
  return text.split(/\r?\n/).filter((line) => line !== "");
};

/** Frames of at most so many bytes: the engine sends up to 32 KiB, and log drivers of others up to a megabyte. */
const MAX_FRAME = 1 << 24;

/** The output of a container without a terminal: frames of an 8-byte head (which stream, how long) and a payload, one chunk each. */
export async function* deframed(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    while (rest.length >= 8) {
      const kind = rest[0] ?? 0;
      const length = rest.readUInt32BE(4);
      if (kind > 3 || length > MAX_FRAME) throw new EngineError("failed", "the engine's stream has no frames", "stream");
      if (rest.length < 8 + length) break;
      const data = rest.subarray(8, 8 + length);
      rest = rest.subarray(8 + length);
      // 0 is what the engine calls stdin and uses for stdout; 3 are its own errors.
      if (length > 0) yield { from: kind >= 2 ? "err" : "out", data };
    }
  }
  if (rest.length > 0) throw new EngineError("unavailable", "the engine's stream ended in the middle of a frame", "stream");
}

export interface RawStats {
  read?: string;
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; stats?: Record<string, number> };
}
/** Cgroup v1 and v2 name the droppable cache differently. Source: docker/cli, stats_helpers.go. */
export const statsOf = (raw: RawStats): ContainerStats | undefined => {
  const { usage, stats = {} } = raw.memory_stats ?? {};
  const cpuNanos = raw.cpu_stats?.cpu_usage?.total_usage;
  if (usage === undefined || cpuNanos === undefined) return undefined;
  const droppable = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
  return { cpuNanos, memoryBytes: droppable < usage ? usage - droppable : usage };
};
