// Namespaces that a container shares with the host or with another container. Pure.
import type { ContainerSpec, SharedWith } from "../../schemas/fleet.ts";
import type { HostConfig } from "../engine-objects.ts";

/** `service:<name>` or `container:<name on the engine>` → id of the container whose namespace or volumes are meant. */
export type ShareIds = ReadonlyMap<string, string>;

export const shareKey = (s: SharedWith): string => ("service" in s ? `service:${s.service}` : `container:${s.container}`);

/** Everything of other containers that this one needs, by key; each once. The create waits until all ids are known. */
export const sharesOf = (c: ContainerSpec): SharedWith[] => {
  const all = [c.networkMode, c.pid, c.ipc, ...(c.volumesFrom ?? [])].filter((s) => typeof s === "object");
  return [...new Map(all.map((s) => [shareKey(s), s])).values()];
};

type Mode = string | SharedWith;
const isShared = (m: Mode): m is SharedWith => typeof m === "object";

/** `container:<id>`, or the key itself while the id is unknown: the engine would refuse that. */
const modeOf = (m: Mode, shares: ShareIds): string => {
  if (!isShared(m)) return m;
  const id = shares.get(shareKey(m));
  return id === undefined ? shareKey(m) : `container:${id}`;
};

type Namespaces = Pick<HostConfig, "PidMode" | "IpcMode" | "UTSMode" | "UsernsMode" | "CgroupnsMode"> & { NetworkMode?: string };

/** With an empty `shares`: in the manifest's words, as the hash wants them (ids change when a container is made anew). */
export const renderNamespaces = (c: ContainerSpec, shares: ShareIds): Namespaces => ({
  ...(c.networkMode === undefined ? {} : { NetworkMode: modeOf(c.networkMode, shares) }),
  ...(c.pid === undefined ? {} : { PidMode: modeOf(c.pid, shares) }),
  ...(c.ipc === undefined ? {} : { IpcMode: modeOf(c.ipc, shares) }),
  ...(c.uts === undefined ? {} : { UTSMode: c.uts }),
  ...(c.userns === undefined ? {} : { UsernsMode: c.userns }),
  ...(c.cgroup === undefined ? {} : { CgroupnsMode: c.cgroup }),
});
