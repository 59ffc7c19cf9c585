// Bodies of requests: read within bounds, then parsed strictly. Nothing else of the server reads from a request.
import type { IncomingMessage } from "node:http";
import { type Json, JsonError, isObject, parseJson } from "./json.ts";
import { decodeProtobuf, PROTOBUF_TYPE, ProtobufError } from "./protobuf.ts";
import { ApiError, badRequest, tooLarge, unsupportedMediaType } from "./status.ts";

export const BODY_LIMIT = 1024 * 1024;
export const OBJECT_TYPES = ["application/json", PROTOBUF_TYPE] as const;

/** Media type without parameters, lower case; "" when absent. */
export const mediaType = (req: IncomingMessage): string => (req.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";

/**
 * The whole body, at most `limit` bytes. On refusal the connection is closed with the answer: what follows on it is not read.
 * @throws ApiError 413, 415 (content encodings: a bomb is not unpacked here), 400 (the client went away)
 */
export function readBody(req: IncomingMessage, limit = BODY_LIMIT): Promise<Buffer> {
  const encoding = req.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new ApiError(
      415,
      "UnsupportedMediaType",
      `EncodingNotSupported: content encoding ${JSON.stringify(encoding)}; send the body as it is`,
      {},
      { Connection: "close" },
    );
  if (Number(req.headers["content-length"] ?? 0) > limit) throw closing(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (e?: Error): void => {
      req.off("data", onData).off("end", onEnd).off("error", done).off("close", onClose);
      if (e) reject(e);
      else resolve(Buffer.concat(chunks));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      req.pause();
      done(closing(tooLarge(limit)));
    };
    const onEnd = (): void => done();
    const onClose = (): void => done(badRequest("the connection ended within the body"));
    req.on("data", onData).on("end", onEnd).on("error", done).on("close", onClose);
  });
}

const closing = (e: ApiError): ApiError => new ApiError(e.code, e.reason, e.message, e.details, { ...e.headers, Connection: "close" });

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws ApiError 400 with the place of what is wrong */
export function parseBody(body: Buffer): Json {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw badRequest("the body is not UTF-8", cause);
  }
  try {
    return parseJson(text);
  } catch (e) {
    if (e instanceof JsonError) throw badRequest(`the body is not acceptable JSON: ${e.message}`, e);
    throw e;
  }
}

/** An object of a create or an update, or DeleteOptions. JSON where the request does not say: so do some of kubectl's. */
export async function readObject(req: IncomingMessage): Promise<{ [key: string]: Json }> {
  const type = mediaType(req);
  if (type !== "" && !(OBJECT_TYPES as readonly string[]).includes(type))
    throw unsupportedMediaType(
      OBJECT_TYPES,
      type.includes("yaml") ? " (UseJson: the server takes no YAML; kubectl and the CLI convert it)" : "",
    );
  const body = await readBody(req);
  if (type === PROTOBUF_TYPE) {
    try {
      return decodeProtobuf(body);
    } catch (e) {
      if (e instanceof ProtobufError || e instanceof JsonError)
        throw badRequest(`the body is not an acceptable protocol buffer: ${e.message}`, e);
      throw e;
    }
  }
  const value = parseBody(body);
  if (!isObject(value)) throw badRequest("the body is not a JSON object");
  return value;
}
