// What `steady dev` itself asks a Docker engine: is it there, and (for --reset) what carries our label. Everything else is the agent's.
import * as http from "node:http";
import { LABELS } from "../../schemas/constants.ts";
import { CliError, EXIT, errorCode, errorText } from "../errors.ts";

export interface EngineFacts {
  version: string;
  cpus: number;
  memoryBytes: number;
}

const call = (socketPath: string, method: string, path: string, timeoutMs = 30_000): Promise<{ code: number; body: string }> =>
  new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path, headers: { host: "docker" } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ code: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer after ${timeoutMs / 1000} s`)));
    request.on("error", reject);
    request.end();
  });

const json = async <T>(socketPath: string, path: string, timeoutMs?: number): Promise<T> => {
  const { code, body } = await call(socketPath, "GET", path, timeoutMs);
  if (code !== 200) throw new Error(`HTTP ${code}: ${body.slice(0, 200).trim()}`);
  return JSON.parse(body) as T;
};

/** @throws CliError (exit 3) that says what to install, start or allow */
export const askEngine = async (socketPath: string): Promise<EngineFacts> => {
  try {
    const [version, info] = await Promise.all([
      json<{ Version: string }>(socketPath, "/version", 10_000),
      json<{ NCPU: number; MemTotal: number }>(socketPath, "/info", 10_000),
    ]);
    return { version: version.Version, cpus: info.NCPU, memoryBytes: info.MemTotal };
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT")
      throw new CliError(EXIT.unreachable, `Docker is not running here: there is no ${socketPath}`, {
        help: [
          "install it:  apt-get install docker.io   (or https://docs.docker.com/engine/install)",
          "start it:    systemctl start docker   (without systemd: dockerd &)",
          "elsewhere:   --docker-host unix:///path/to/docker.sock",
        ],
        cause: error,
      });
    if (code === "ECONNREFUSED")
      throw new CliError(EXIT.unreachable, `Docker is not running: nobody answers at ${socketPath}`, {
        help: "start it: systemctl start docker   (without systemd: dockerd &)",
        cause: error,
      });
    if (code === "EACCES")
      throw new CliError(EXIT.unreachable, `this user may not use Docker: ${socketPath} is closed to it`, {
        help: "sudo usermod -aG docker $USER, then log in again; or run this command with sudo",
        cause: error,
      });
    throw new CliError(EXIT.unreachable, `the engine at ${socketPath} does not answer as Docker does: ${errorText(error)}`, {
      cause: error,
    });
  }
};

export interface Removed {
  containers: number;
  networks: number;
  volumes: number;
  keptVolumes: number;
}

/** Removes what carries this cluster's label, and nothing else (I1). Named volumes only with `volumes` (I2). */
export const removeOurs = async (socketPath: string, clusterId: string, volumes: boolean): Promise<Removed> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABELS.cluster}=${clusterId}`] }));
  const remove = async (path: string): Promise<void> => {
    const { code, body } = await call(socketPath, "DELETE", path, 60_000);
    if (code >= 300 && code !== 404) throw new CliError(EXIT.failed, `Docker did not remove ${path}: HTTP ${code} ${body.trim()}`);
  };
  const containers = await json<{ Id: string }[]>(socketPath, `/containers/json?all=1&filters=${filters}`);
  // Anonymous volumes go with their container.
  for (const { Id } of containers) await remove(`/containers/${Id}?force=1&v=1`);
  const networks = await json<{ Id: string }[]>(socketPath, `/networks?filters=${filters}`);
  for (const { Id } of networks) await remove(`/networks/${Id}`);
  const { Volumes } = await json<{ Volumes: { Name: string }[] | null }>(socketPath, `/volumes?filters=${filters}`);
  const named = Volumes ?? [];
  if (volumes) for (const { Name } of named) await remove(`/volumes/${encodeURIComponent(Name)}`);
  return {
    containers: containers.length,
    networks: networks.length,
    volumes: volumes ? named.length : 0,
    keptVolumes: volumes ? 0 : named.length,
  };
};
