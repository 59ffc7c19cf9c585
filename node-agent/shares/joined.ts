// Whose namespaces and volumes a container has, by what inspect says of it. Pure.
import type { ContainerInspect } from "../engine.ts";

/** Ids of other containers. */
export interface Joined {
  network?: string;
  pid?: string;
  ipc?: string;
  volumes: string[];
}

export const joinedOf = ({ HostConfig: h }: ContainerInspect): Joined => {
  const id = (mode: string | undefined): string | undefined =>
    mode?.startsWith("container:") ? mode.slice("container:".length) : undefined;
  const [network, pid, ipc] = [id(h.NetworkMode), id(h.PidMode), id(h.IpcMode)];
  return {
    ...(network === undefined ? {} : { network }),
    ...(pid === undefined ? {} : { pid }),
    ...(ipc === undefined ? {} : { ipc }),
    volumes: (h.VolumesFrom ?? []).map((line) => line.split(":")[0] ?? ""),
  };
};

/** Whether it joins anybody at all. */
export const joinsNobody = (j: Joined): boolean =>
  j.network === undefined && j.pid === undefined && j.ipc === undefined && j.volumes.length === 0;
