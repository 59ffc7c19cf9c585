// Connections to ports of a container.
import { constants, type ServerHttp2Stream } from "node:http2";
import { connect, type Socket } from "node:net";
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import type { ContainerInspect } from "../engine.ts";
import type { Reach } from "./reach.ts";
import { badRequest, conflict, Refusal, unavailable } from "./refusal.ts";
import { mustRun, type Target } from "./target.ts";

interface Parts {
  env: Env;
  log: Logger;
  reach: Reach;
}

/** Less than the API waits for the head of an answer. */
const DEADLINE_MS = 8_000;

/** @throws Refusal before the head is sent */
export const servePort = async (parts: Parts, target: Target, query: URLSearchParams, stream: ServerHttp2Stream): Promise<void> => {
  const text = query.get("port") ?? "";
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw badRequest(`port must be a number from 1 to 65535; got ${JSON.stringify(text.slice(0, 40))}`);
  mustRun(target);
  const socket = await dial(parts, target, port, stream);
  if (stream.destroyed) return void socket.destroy();
  await new Promise<void>((resolve) => {
    stream.once("close", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (err) => {
      parts.log.debug({ err, pod: target.pod, port }, "forwarded connection");
      stream.close(constants.NGHTTP2_CONNECT_ERROR);
    });
    stream.respond({ ":status": 200, "content-type": "application/octet-stream" });
    stream.pipe(socket).pipe(stream);
  });
};

/** From inside the container's network where that is in reach: it also finds what listens on 127.0.0.1 there. Else by its address. */
const dial = async ({ env, reach }: Parts, { pod, inspect }: Target, port: number, stream: ServerHttp2Stream): Promise<Socket> => {
  const stop = new AbortController();
  const gone = (): void => stop.abort(new Error("the client went away"));
  stream.once("close", gone);
  const cancel = env.timer(DEADLINE_MS, () => stop.abort(new Error(`no answer within ${DEADLINE_MS / 1000} s`)));
  const addresses = addressesOf(inspect);
  let inside = true;
  try {
    const within = await reach.connect(inspect.State.Pid ?? 0, inspect.Id, port, ["127.0.0.1", "::1", ...addresses], stop.signal);
    if (within) return within;
    inside = false;
    const [address] = inspect.HostConfig.NetworkMode === "host" ? ["127.0.0.1"] : addresses;
    if (address === undefined)
      throw conflict(
        `pod ${pod} has no address: its container is in no network, and the agent cannot enter it (that needs nsenter, root, and the engine's process table)`,
      );
    return await dialAddress(address, port, stop.signal);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const loopback = inside ? "" : "; a server that listens on 127.0.0.1 inside the container cannot be reached from here";
    if (code === "ECONNREFUSED") throw unavailable(`connection refused: nothing listens on port ${port} of pod ${pod}${loopback}`, error);
    throw unavailable(`port ${port} of pod ${pod} cannot be reached: ${message}${loopback}`, error);
  } finally {
    cancel();
    stream.off("close", gone);
  }
};

const addressesOf = ({ NetworkSettings }: ContainerInspect): string[] =>
  Object.values(NetworkSettings.Networks ?? {}).flatMap(({ IPAddress }) => (IPAddress ? [IPAddress] : []));

const dialAddress = (host: string, port: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, signal });
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", (error) => reject(signal.aborted ? (signal.reason as Error) : error));
  });
