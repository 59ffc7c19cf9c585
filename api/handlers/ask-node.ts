// One question to a node through its tunnel, and its answer as JSON: bounded in time and in size.
import type { TunnelError } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import type { NodeLinks, NodeRequest } from "../links.ts";
import { ApiError, unavailable } from "../status.ts";

export interface Question extends Omit<NodeRequest, "signal"> {
  /** Sent as JSON. */
  body?: object;
  /** What is asked for, for messages: "its Compose projects". */
  about: string;
  deadlineMs: number;
  maxBytes: number;
  /** Whoever asks goes away. */
  signal?: AbortSignal;
}

/** @throws ApiError 503 without a tunnel, 504 after the deadline, or what the agent says; the reason of `signal` */
export async function askNode<T>(links: NodeLinks, env: Env, node: string, question: Question): Promise<T> {
  const { body, about, deadlineMs, maxBytes, signal, ...request } = question;
  const stop = new AbortController();
  const leave = (): void => stop.abort(new Error("the client went away"));
  signal?.addEventListener("abort", leave, { once: true });
  const cancel = env.timer(deadlineMs, () =>
    stop.abort(new ApiError(504, "Timeout", `node ${node} has not told ${about} within ${deadlineMs / 1000} s`)),
  );
  try {
    // A tunnel that hangs need not notice the signal.
    const over = new Promise<never>((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason as Error)));
    over.catch(() => {});
    return await Promise.race([exchange<T>(links, node, { ...request, signal: stop.signal }, body, about, maxBytes), over]);
  } finally {
    cancel();
    signal?.removeEventListener("abort", leave);
    stop.abort();
  }
}

const exchange = async <T>(
  links: NodeLinks,
  node: string,
  request: NodeRequest,
  content: object | undefined,
  about: string,
  maxBytes: number,
): Promise<T> => {
  const { status, body } = await links.open(node, request);
  body.on("error", () => {});
  body.end(content ? JSON.stringify(content) : undefined);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += (part as Buffer).length;
    if (length > maxBytes) throw unavailable(`node ${node} says more than ${maxBytes} bytes about ${about}`);
    parts.push(part as Buffer);
  }
  const said = JSON.parse(Buffer.concat(parts).toString("utf8")) as T | TunnelError;
  if (status === 200) return said as T;
  const { reason, message } = said as TunnelError;
  throw new ApiError(status, reason, `node ${node}: ${message}`);
};
