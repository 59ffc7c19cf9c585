// What is mounted into a container, in the words of Kubernetes. Contents are never part of it.
import type { ContainerSpec, FileSpec, MountSpec } from "../fleet.ts";
import { formatBytes } from "../quantity.ts";
import type { PodVolume, VolumeMount } from "../types.ts";

interface Mounted {
  volume: PodVolume;
  mount: VolumeMount;
}

const volumeOf = (mount: MountSpec, index: number): PodVolume => {
  const name = mount.type === "volume" && mount.volume ? mount.volume.key : `mount-${index}`;
  if (mount.type === "bind") return { name, hostPath: { path: mount.source } };
  if (mount.type === "tmpfs") {
    return { name, emptyDir: { medium: "Memory", ...(mount.sizeBytes === undefined ? {} : { sizeLimit: formatBytes(mount.sizeBytes) }) } };
  }
  return mount.volume ? { name, dockerVolume: { name: mount.volume.name } } : { name, emptyDir: {} };
};

const mounted = (mount: MountSpec, index: number): Mounted => {
  const volume = volumeOf(mount, index);
  const subPath = mount.type === "volume" ? mount.subpath : undefined;
  return {
    volume,
    mount: {
      name: volume.name,
      mountPath: mount.target,
      ...(mount.type !== "tmpfs" && mount.readOnly ? { readOnly: true } : {}),
      ...(subPath === undefined ? {} : { subPath }),
    },
  };
};

const fileVolume = (f: FileSpec, name: string, path: string): PodVolume => {
  if (f.source.kind === "Inline") return { name, stackConfig: { key: f.key } };
  const items = [{ key: f.source.item ?? f.key, path, mode: f.mode }];
  return f.source.kind === "Secret"
    ? { name, secret: { secretName: f.source.name, items } }
    : { name, configMap: { name: f.source.name, items } };
};

const fileMounted = (f: FileSpec, index: number): Mounted => {
  const path = f.target.slice(f.target.lastIndexOf("/") + 1);
  const volume = fileVolume(f, `${f.kind}-${index}`, path);
  const within = f.source.kind === "Inline" ? {} : { subPath: path };
  return { volume, mount: { name: volume.name, mountPath: f.target, readOnly: true, ...within } };
};

/** Each volume once, mounts in the container's order: first its own, then configs and secrets. */
export const mountsOf = (c: ContainerSpec): { volumes: PodVolume[]; mounts: VolumeMount[] } => {
  const all = [...c.mounts.map(mounted), ...(c.files ?? []).map(fileMounted)];
  return { volumes: [...new Map(all.map(({ volume }) => [volume.name, volume])).values()], mounts: all.map(({ mount }) => mount) };
};
