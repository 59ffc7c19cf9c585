// What the machine below the engine says without the engine: which ports are taken, which paths are there. Read, never written.
import { readFile, stat } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Engine } from "../engine.ts";

export type Protocol = "tcp" | "udp";
/** `address`: "0.0.0.0" and "::" mean all. */
export interface BoundPort {
  protocol: Protocol;
  address: string;
  port: number;
}

/** What cannot be known from here is undefined: an agent in a container sees other ports and other files than the engine. */
export interface HostView {
  boundPorts(): Promise<BoundPort[] | undefined>;
  pathExists(path: string): Promise<boolean | undefined>;
}

/** Knows nothing: for engines that are not on this machine, and for tests. */
export const blindHost: HostView = { boundPorts: async () => undefined, pathExists: async () => undefined };

export interface LocalHostOptions {
  engine: Pick<Engine, "info" | "inspectNetwork">;
  socketPath: string;
  /** Default /proc. */
  proc?: string;
}

/** The machine that this process runs on, as far as the engine behind the socket lives in the same namespaces. */
export const localHost = ({ engine, socketPath, proc = "/proc" }: LocalHostOptions): HostView => ({
  async boundPorts() {
    try {
      if (!(await sharesNetwork(engine, socketPath, proc))) return undefined;
      const tables = await Promise.all(
        (["tcp", "tcp6", "udp", "udp6"] as const).map(async (table) => {
          const text = await readFile(join(proc, "net", table), "utf8").catch(() => "");
          return parseSockets(text, table.startsWith("tcp") ? "tcp" : "udp");
        }),
      );
      return tables.flat();
    } catch {
      return undefined;
    }
  },
  async pathExists(path) {
    try {
      // The engine's own directory is the witness: where it is not, other paths prove nothing.
      const { rootDir } = await engine.info();
      if (rootDir === "" || !(await stat(join(rootDir, "volumes"))).isDirectory()) return undefined;
    } catch {
      return undefined;
    }
    try {
      await stat(path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ENOENT" || code === "ENOTDIR" ? false : undefined;
    }
  },
});

/** Its socket listens in our network namespace, and the gateway of its default bridge is an address of ours. */
const sharesNetwork = async (engine: LocalHostOptions["engine"], socketPath: string, proc: string): Promise<boolean> => {
  const sockets = await readFile(join(proc, "net/unix"), "utf8");
  const real = socketPath.replace(/^\/var\/run\//, "/run/");
  if (!sockets.split("\n").some((line) => line.endsWith(` ${socketPath}`) || line.endsWith(` ${real}`))) return false;
  const gateway = (await engine.inspectNetwork("bridge")).IPAM?.Config?.[0]?.Gateway;
  if (gateway === undefined) return false;
  const mine = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((i) => i.address));
  // A bridge without members is down, which hides it from the list of interfaces.
  return mine.includes(gateway) || (await readFile(join(proc, "net/fib_trie"), "utf8")).includes(`|-- ${gateway}\n`);
};

const LISTEN = "0A";
const UNCONNECTED_UDP = "07";

/** Listening sockets of a table such as /proc/net/tcp6. Addresses stand there as words in the machine's byte order: little-endian is assumed. */
export const parseSockets = (table: string, protocol: Protocol): BoundPort[] =>
  table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state = ""] = line.trim().split(/\s+/);
      const [hex = "", port = ""] = local.split(":");
      if (state !== (protocol === "tcp" ? LISTEN : UNCONNECTED_UDP) || port === "") return [];
      return [{ protocol, address: addressOf(hex), port: Number.parseInt(port, 16) }];
    });

const addressOf = (hex: string): string => {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed().map((b) => Number.parseInt(b, 16)));
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.every((b) => b === 0)) return "::";
  // ::ffff:a.b.c.d is an IPv4 address in a socket for both.
  if (bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16));
  return groups.join(":");
};
