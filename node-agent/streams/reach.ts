// What an agent can do where it shares the process table with its engine, as it does on an ordinary host: tell processes in
// containers to end, and make connections from inside a container's network, as kubelet does. Elsewhere (the engine is on another
// machine, or the agent in a container with processes of its own) nothing is in reach, and the callers say what that means.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

export interface Reach {
  /** To a session leader and its process group; false: not in reach. The end of a process that is just ending is fine. */
  signal(pid: number, container: string, signal: NodeJS.Signals): Promise<boolean>;
  /**
   * A connection to the first of these addresses, seen from inside, that accepts it; undefined: not in reach.
   * @throws Error with a `code` (ECONNREFUSED, …) of the first address
   */
  connect(pid: number, container: string, port: number, addresses: string[], signal: AbortSignal): Promise<Socket | undefined>;
}

/** Whether that process, in our table, belongs to that container: Docker names cgroups by the container's id. */
const owns = async (pid: number, container: string): Promise<boolean> => {
  if (pid <= 1) return false;
  const cgroup = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
  return cgroup.includes(container);
};

/**
 * Runs in the container's network but with the machine's files and processes: connects, and hands the socket over. Nothing is read
 * before, so the first bytes of a server that speaks first are not lost.
 */
const DIALER = `
const net = require("node:net");
const [port, ...addresses] = process.argv.slice(1);
const dial = (i, first) => {
  if (i === addresses.length) return process.send({ code: first.code, message: first.message }, () => process.exit());
  const socket = net.connect({ host: addresses[i], port: Number(port), allowHalfOpen: true });
  socket.pause();
  socket.once("error", (error) => dial(i + 1, first ?? error));
  socket.once("connect", () => process.send({}, socket, {}, () => process.exit()));
};
dial(0);
`;

export const hostReach: Reach = {
  async signal(pid, container, signal) {
    if (!(await owns(pid, container))) return false;
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, signal);
        return true;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPERM") return false;
      }
    }
    return true;
  },

  async connect(pid, container, port, addresses, signal) {
    if (!(await owns(pid, container))) return undefined;
    return await new Promise<Socket | undefined>((resolve, reject) => {
      const child = spawn("nsenter", [`--net=/proc/${pid}/ns/net`, process.execPath, "-e", DIALER, String(port), ...addresses], {
        stdio: ["ignore", "ignore", "ignore", "ipc"],
        env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        signal,
        killSignal: "SIGKILL",
      });
      child.once("message", (answer: { code?: string; message?: string }, socket) => {
        if (!socket) return reject(Object.assign(new Error(answer.message), { code: answer.code }));
        // The remote side's end is not ours.
        (socket as Socket).allowHalfOpen = true;
        resolve(socket as Socket);
      });
      // No nsenter, or no right to use it.
      child.once("error", () => (signal.aborted ? reject(signal.reason as Error) : resolve(undefined)));
      child.once("close", () => resolve(undefined));
    });
  },
};
