// How the Engine API puts things on the wire: versions, references, streams, frames. Pure.
import { EngineError, type EngineEvent } from "./engine.ts";

/** The newest Engine API this code was tried with, and the oldest that has what it needs (Docker 20.10). */
const NEWEST_API = [1, 47] as const;
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
