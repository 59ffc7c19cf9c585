// pods/log: the log of a pod's container as text, as it is or as it grows.
// Source: Kubernetes API, PodLogOptions and its validation.
import type { ServerResponse } from "node:http";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import type { Answer, Call, Deps } from "../call.ts";
import type { Problem } from "../kind.ts";
import type { NodeStream } from "../links.ts";
import { ApiError, badRequest } from "../status.ts";
import { copy } from "./copy.ts";
import { openOnNode, queryOf } from "./node.ts";
import type { OpenStream } from "./open-streams.ts";
import { mustExist, targetOf } from "./target.ts";

interface LogOptions {
  container?: string;
  follow: boolean;
  timestamps: boolean;
  previous: boolean;
  tail?: number;
  sinceTime?: string;
  limitBytes?: number;
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** @throws ApiError 400 for what cannot be read, 422 for what cannot be meant */
export function logOptionsOf(call: Pick<Call, "query" | "name">, now: number): LogOptions {
  const { query } = call;
  const problems: Problem[] = [];
  const number = (name: string, least: number, words: string): number | undefined => {
    const text = query.text(name);
    if (text === undefined) return undefined;
    if (!/^[+-]?[0-9]{1,15}$/.test(text)) throw badRequest(`${name}: ${JSON.stringify(text.slice(0, 40))} is not a whole number`);
    const n = Number(text);
    if (n < least) problems.push({ field: name, message: `Invalid value: ${n}: must be ${words}` });
    return n;
  };
  const tail = number("tailLines", 0, "greater than or equal to 0");
  const limitBytes = number("limitBytes", 1, "greater than 0");
  const seconds = number("sinceSeconds", 1, "greater than 0");
  const time = query.text("sinceTime");
  if (time !== undefined && (!RFC3339.test(time) || Number.isNaN(Date.parse(time))))
    throw badRequest(`sinceTime: ${JSON.stringify(time.slice(0, 60))} is not a time as of RFC 3339, for example 2026-01-31T12:00:00Z`);
  if (seconds !== undefined && time !== undefined)
    problems.push({
      field: "",
      message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
      reason: "FieldValueForbidden",
    });
  const stream = query.text("stream");
  if (stream !== undefined && stream !== "All")
    problems.push({
      field: "stream",
      message: `Unsupported value: ${JSON.stringify(stream.slice(0, 40))}: supported values: "All"`,
      reason: "FieldValueNotSupported",
    });
  if (problems.length > 0) throw invalid(call.name, problems);
  const container = query.text("container");
  const sinceTime = seconds === undefined ? time : new Date(Math.max(0, now - seconds * 1000)).toISOString();
  return {
    follow: query.flag("follow"),
    timestamps: query.flag("timestamps"),
    previous: query.flag("previous"),
    ...(container === undefined ? {} : { container }),
    ...(tail === undefined ? {} : { tail }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

const invalid = (name: string, problems: readonly Problem[]): ApiError => {
  const each = problems.map((p) => (p.field ? `${p.field}: ${p.message}` : p.message));
  const text = each.length === 1 ? (each[0] ?? "") : `[${each.join(", ")}]`;
  const causes = problems.map((p) => ({ reason: p.reason ?? "FieldValueInvalid", message: p.message, field: p.field }));
  return new ApiError(422, "Invalid", `PodLogOptions "${name}" is invalid: ${text}`, { name, kind: "PodLogOptions", causes });
};

/** @throws ApiError 400, 404, 422, 429, 503, 504, and whatever the node says */
export async function log(deps: Deps, call: Call): Promise<Answer> {
  const o = logOptionsOf(call, deps.env.now());
  const t = await targetOf(deps, call.namespace ?? "", call.name, o.container, call.signal);
  mustExist(t);
  const about = {
    user: call.user.name,
    tokenId: call.user.tokenId,
    subresource: "log",
    namespace: t.namespace,
    pod: t.pod,
    uid: t.uid,
    node: t.node,
  };
  const open = deps.streams.enter(about);
  try {
    const query = queryOf(t, {
      follow: o.follow,
      timestamps: o.timestamps,
      previous: o.previous,
      tail: o.tail?.toString(),
      sinceTime: o.sinceTime,
      limitBytes: o.limitBytes?.toString(),
    });
    const signal = AbortSignal.any([open.signal, call.signal]);
    const stream = await openOnNode(deps, t.node, { method: "GET", path: TUNNEL_PATHS.log(t.namespace, t.pod), query, signal });
    deps.log.info({ audit: true, ...about, follow: o.follow }, "log read");
    return { type: "stream", run: (res) => send(res, stream, open) };
  } catch (e) {
    open.leave();
    throw e;
  }
}

async function send(res: ServerResponse, stream: NodeStream, open: OpenStream): Promise<void> {
  // A log that says nothing for long is alive; a client that is gone is found out by TCP.
  res.socket?.setKeepAlive(true, 30_000);
  res.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff" });
  res.flushHeaders();
  stream.body.end();
  try {
    await copy(stream.body, res, { end: false });
    await stream.trailers;
    res.end();
  } catch {
    // The end of a log that broke off must not look like the end of the log.
    res.destroy();
  } finally {
    stream.body.destroy();
    open.leave();
  }
}
