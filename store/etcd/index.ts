// The real store: connections to etcd, and an etcd of our own as a supervised child.
import type { Kv } from "../kv.ts";
import { type ConnectOptions, EtcdKv } from "./kv.ts";

export type { EtcdCredentials } from "./client.ts";
export type { ConnectOptions } from "./kv.ts";
export { EtcdProcess, type StartOptions, startEtcd } from "./process.ts";

/** Connects on first use. @throws TypeError (no hosts; TLS to an IP address without a server name) */
export const connectEtcd = (o: ConnectOptions): Kv => new EtcdKv(o);
