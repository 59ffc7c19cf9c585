// A free port near the usual one.
import { createServer } from "node:net";
import { CliError, EXIT, errorCode } from "../errors.ts";

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => (errorCode(error) === "EADDRINUSE" || errorCode(error) === "EACCES" ? resolve(false) : reject(error)));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** `wanted` itself, or, unless it must be that one, the next free of the hundred behind it. @throws CliError (exit 4) */
export const choosePort = async (wanted: number, host: string, exact: boolean): Promise<number> => {
  for (let port = wanted; port <= Math.min(65_535, wanted + (exact ? 0 : 100)); port++) if (await isFree(port, host)) return port;
  throw new CliError(EXIT.conflict, `port ${wanted} of ${host} is in use`, {
    help: exact ? "leave --port away to have a free one chosen" : "choose one: --port",
  });
};
