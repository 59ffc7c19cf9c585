// Bodies in Kubernetes' protocol buffer form, for the kinds that typed Go clients (kubectl 1.32: create namespace,
// configmap, secret) send in no other. Read only: every client takes JSON answers.
// Source of the field numbers: k8s.io/api and k8s.io/apimachinery, generated.proto.
import { type Json, parseJson } from "./json.ts";

export class ProtobufError extends Error {
  override name = "ProtobufError";
}

type Type = "string" | "bytes" | "int" | "bool" | "time" | "microtime" | "fields" | "bytemap" | "stringmap" | Message;
/** field number → name, type, whether it repeats. */
interface Message {
  [field: number]: readonly [name: string, type: Type, repeated?: "repeated"];
}

const OWNER: Message = {
  1: ["kind", "string"],
  3: ["name", "string"],
  4: ["uid", "string"],
  5: ["apiVersion", "string"],
  6: ["controller", "bool"],
  7: ["blockOwnerDeletion", "bool"],
};
const MANAGED: Message = {
  1: ["manager", "string"],
  2: ["operation", "string"],
  3: ["apiVersion", "string"],
  4: ["time", "time"],
  6: ["fieldsType", "string"],
  7: ["fieldsV1", "fields"],
  8: ["subresource", "string"],
};
const META: Message = {
  1: ["name", "string"],
  2: ["generateName", "string"],
  3: ["namespace", "string"],
  4: ["selfLink", "string"],
  5: ["uid", "string"],
  6: ["resourceVersion", "string"],
  7: ["generation", "int"],
  8: ["creationTimestamp", "time"],
  9: ["deletionTimestamp", "time"],
  10: ["deletionGracePeriodSeconds", "int"],
  11: ["labels", "stringmap"],
  12: ["annotations", "stringmap"],
  13: ["ownerReferences", OWNER, "repeated"],
  14: ["finalizers", "string", "repeated"],
  17: ["managedFields", MANAGED, "repeated"],
};
const REFERENCE: Message = {
  1: ["kind", "string"],
  2: ["namespace", "string"],
  3: ["name", "string"],
  4: ["uid", "string"],
  5: ["apiVersion", "string"],
  6: ["resourceVersion", "string"],
  7: ["fieldPath", "string"],
};

const DELETE_OPTIONS: Message = {
  1: ["gracePeriodSeconds", "int"],
  2: ["preconditions", { 1: ["uid", "string"], 2: ["resourceVersion", "string"] }],
  3: ["orphanDependents", "bool"],
  4: ["propagationPolicy", "string"],
  5: ["dryRun", "string", "repeated"],
};

/** `<apiVersion>/<kind>` → its message. */
const KINDS: Record<string, Message> = {
  "v1/Namespace": {
    1: ["metadata", META],
    2: ["spec", { 1: ["finalizers", "string", "repeated"] }],
    3: ["status", { 1: ["phase", "string"] }],
  },
  "v1/ConfigMap": { 1: ["metadata", META], 2: ["data", "stringmap"], 3: ["binaryData", "bytemap"], 4: ["immutable", "bool"] },
  "v1/Secret": {
    1: ["metadata", META],
    2: ["data", "bytemap"],
    3: ["type", "string"],
    4: ["stringData", "stringmap"],
    5: ["immutable", "bool"],
  },
  "v1/ServiceAccount": {
    1: ["metadata", META],
    2: ["secrets", REFERENCE, "repeated"],
    3: ["imagePullSecrets", { 1: ["name", "string"] }, "repeated"],
    4: ["automountServiceAccountToken", "bool"],
  },
  "coordination.k8s.io/v1/Lease": {
    1: ["metadata", META],
    2: [
      "spec",
      {
        1: ["holderIdentity", "string"],
        2: ["leaseDurationSeconds", "int"],
        3: ["acquireTime", "microtime"],
        4: ["renewTime", "microtime"],
        5: ["leaseTransitions", "int"],
      },
    ],
  },
  "authorization.k8s.io/v1/SelfSubjectAccessReview": {
    1: ["metadata", META],
    2: [
      "spec",
      {
        1: [
          "resourceAttributes",
          {
            1: ["namespace", "string"],
            2: ["verb", "string"],
            3: ["group", "string"],
            4: ["version", "string"],
            5: ["resource", "string"],
            6: ["subresource", "string"],
            7: ["name", "string"],
          },
        ],
        2: ["nonResourceAttributes", { 1: ["path", "string"], 2: ["verb", "string"] }],
      },
    ],
  },
  "authorization.k8s.io/v1/SelfSubjectRulesReview": { 1: ["metadata", META], 2: ["spec", { 1: ["namespace", "string"] }] },
  "authentication.k8s.io/v1/SelfSubjectReview": { 1: ["metadata", META] },
  "events.k8s.io/v1/Event": {
    1: ["metadata", META],
    2: ["eventTime", "microtime"],
    3: ["series", { 1: ["count", "int"], 2: ["lastObservedTime", "microtime"] }],
    4: ["reportingController", "string"],
    5: ["reportingInstance", "string"],
    6: ["action", "string"],
    7: ["reason", "string"],
    8: ["regarding", REFERENCE],
    9: ["related", REFERENCE],
    10: ["note", "string"],
    11: ["type", "string"],
    12: ["deprecatedSource", { 1: ["component", "string"], 2: ["host", "string"] }],
    13: ["deprecatedFirstTimestamp", "time"],
    14: ["deprecatedLastTimestamp", "time"],
    15: ["deprecatedCount", "int"],
  },
  "policy/v1/Eviction": { 1: ["metadata", META], 2: ["deleteOptions", DELETE_OPTIONS] },
  "v1/Event": {
    1: ["metadata", META],
    2: ["involvedObject", REFERENCE],
    3: ["reason", "string"],
    4: ["message", "string"],
    5: ["source", { 1: ["component", "string"], 2: ["host", "string"] }],
    6: ["firstTimestamp", "time"],
    7: ["lastTimestamp", "time"],
    8: ["count", "int"],
    9: ["type", "string"],
    10: ["eventTime", "microtime"],
    11: ["series", { 1: ["count", "int"], 2: ["lastObservedTime", "microtime"] }],
    12: ["action", "string"],
    13: ["related", REFERENCE],
    14: ["reportingComponent", "string"],
    15: ["reportingInstance", "string"],
  },
};

const MAGIC = Buffer.from("k8s\0", "latin1");
const UNKNOWN: Message = {
  1: ["typeMeta", { 1: ["apiVersion", "string"], 2: ["kind", "string"] }],
  2: ["raw", "bytes"],
  3: ["contentEncoding", "string"],
  4: ["contentType", "string"],
};
/** A message of ours nests six deep at most; what nests deeper is no message of ours. */
const MAX_DEPTH = 16;

/** What a wire field holds: a number, or bytes. */
type Wire = { number: number } | { bytes: Buffer };

function* fields(buffer: Buffer): Generator<[field: number, value: Wire]> {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[at++];
      if (byte === undefined) throw new ProtobufError("the message ends within a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const number = Number(BigInt.asIntN(64, value));
        if (!Number.isSafeInteger(number)) throw new ProtobufError("a number with more digits than we can keep");
        return number;
      }
    }
    throw new ProtobufError("a number of more than ten bytes");
  };
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > buffer.length) throw new ProtobufError("the message ends within a field");
    at += length;
    return buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag < 8) throw new ProtobufError("field number 0");
    switch (tag % 8) {
      case 0:
        yield [field, { number: varint() }];
        break;
      case 1:
        yield [field, { bytes: take(8) }];
        break;
      case 2:
        yield [field, { bytes: take(varint()) }];
        break;
      case 5:
        yield [field, { bytes: take(4) }];
        break;
      default:
        throw new ProtobufError(`wire type ${tag % 8}`);
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const text = (b: Buffer): string => {
  try {
    return utf8.decode(b);
  } catch (cause) {
    throw new ProtobufError("a text that is not UTF-8", { cause });
  }
};

const time = (b: Buffer, micro: boolean): Json => {
  if (b.length === 0) return null;
  const parts = decode({ 1: ["seconds", "int"], 2: ["nanos", "int"] }, b, 0);
  const seconds = Number(parts["seconds"] ?? 0);
  if (Math.abs(seconds) > 253_402_300_799) throw new ProtobufError("a time beyond the year 9999");
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${whole}.${String(Math.floor(Number(parts["nanos"] ?? 0) / 1000)).padStart(6, "0")}Z` : `${whole}Z`;
};

const scalar = (type: Exclude<Type, "bytemap" | "stringmap">, wire: Wire, depth: number): Json => {
  if (type === "int" || type === "bool") {
    if (!("number" in wire)) throw new ProtobufError("bytes where a number was expected");
    return type === "int" ? wire.number : wire.number !== 0;
  }
  if (!("bytes" in wire)) throw new ProtobufError("a number where bytes were expected");
  if (type === "string") return text(wire.bytes);
  if (type === "bytes") return wire.bytes.toString("base64");
  if (type === "time" || type === "microtime") return time(wire.bytes, type === "microtime");
  if (type === "fields") {
    const raw = decode({ 1: ["raw", "string"] }, wire.bytes, depth + 1)["raw"];
    return typeof raw === "string" ? parseJson(raw) : {};
  }
  return decode(type, wire.bytes, depth + 1);
};

const put = (into: { [key: string]: Json }, key: string, value: Json): void => {
  if (key === "__proto__" || key === "constructor" || key === "prototype")
    throw new ProtobufError(`ForbiddenKey: the key ${JSON.stringify(key)} is not allowed`);
  into[key] = value;
};

/** Go writes zero values of fields that are no pointers: empty texts and messages are left out. */
const empty = (v: Json): boolean => v === "" || (typeof v === "object" && v !== null && !Array.isArray(v) && Object.keys(v).length === 0);

function decode(message: Message, buffer: Buffer, depth: number): { [key: string]: Json } {
  if (depth > MAX_DEPTH) throw new ProtobufError("TooDeep");
  const out: { [key: string]: Json } = {};
  for (const [field, wire] of fields(buffer)) {
    const known = message[field];
    if (!known) continue;
    const [name, type, repeated] = known;
    if (type === "stringmap" || type === "bytemap") {
      if (!("bytes" in wire)) throw new ProtobufError("a number where a map was expected");
      const entry = decode({ 1: ["key", "string"], 2: ["value", type === "stringmap" ? "string" : "bytes"] }, wire.bytes, depth + 1);
      const map = (out[name] ??= {}) as { [key: string]: Json };
      const key = entry["key"];
      put(map, typeof key === "string" ? key : "", entry["value"] ?? "");
      continue;
    }
    const value = scalar(type, wire, depth);
    if (repeated) ((out[name] ??= []) as Json[]).push(value);
    else if (!empty(value)) out[name] = value;
  }
  return out;
}

export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";

/**
 * An object, or DeleteOptions, as JSON would have said it.
 * @throws ProtobufError, also for a kind whose message we do not know
 */
export function decodeProtobuf(body: Buffer): { [key: string]: Json } {
  if (!body.subarray(0, 4).equals(MAGIC)) throw new ProtobufError("the body does not begin with the magic bytes k8s\\0");
  let raw = Buffer.alloc(0);
  for (const [field, wire] of fields(body.subarray(4))) if (field === 2 && "bytes" in wire) raw = wire.bytes as Buffer<ArrayBuffer>;
  const envelope = decode(UNKNOWN, body.subarray(4), 0);
  if (envelope["contentEncoding"]) throw new ProtobufError("an encoded body");
  const { apiVersion = "", kind = "" } = (envelope["typeMeta"] ?? {}) as { apiVersion?: string; kind?: string };
  const message = kind === "DeleteOptions" ? DELETE_OPTIONS : KINDS[`${apiVersion}/${kind}`];
  if (!message || !(kind === "DeleteOptions" || Object.hasOwn(KINDS, `${apiVersion}/${kind}`)))
    throw new ProtobufError(`${kind || "an object without kind"} (${apiVersion}) is accepted as application/json only`);
  return { apiVersion, kind, ...decode(message, raw, 0) };
}
