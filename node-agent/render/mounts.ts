// Mounts, volumes of other containers, and configs and secrets as files. Pure.
import type { ContainerSpec, DesiredPod, FileSpec, MountSpec, SharedWith } from "../../schemas/fleet.ts";
import { COMPOSE_LABELS } from "../../schemas/constants.ts";
import type { HostConfig, MountRequest } from "../engine-objects.ts";
import type { ShareIds } from "./namespaces.ts";
import { shareKey } from "./namespaces.ts";

/** Where the content of a config or secret lies on the host: an absolute path of a file that exists before the create. */
export type FileSource = (file: FileSpec) => string;

/** A named volume of the engine. `labels`: those of the manifest, then ours. */
export interface VolumeRequest {
  name: string;
  external: boolean;
  labels: Record<string, string>;
  driver?: string;
  driverOpts?: Record<string, string>;
}

type Bind = Extract<MountSpec, { type: "bind" }>;

/**
 * Long mounts never create the host path (before API 1.42); the short form always does. Only the short form relabels for SELinux,
 * only the long one says what becomes of mounts below.
 */
const isShort = (m: MountSpec): m is Bind =>
  m.type === "bind" && (m.createHostPath || m.selinux !== undefined) && m.recursive === undefined;

const bindLine = (m: Bind): string =>
  `${m.source}:${m.target}:${[m.readOnly ? "ro" : "rw", m.selinux, m.propagation].filter(Boolean).join(",")}`;

const renderMount = (m: MountSpec): MountRequest => {
  switch (m.type) {
    case "volume": {
      const options = {
        ...(m.nocopy ? { NoCopy: true } : {}),
        ...(m.labels ? { Labels: m.labels } : {}),
        ...(m.subpath === undefined ? {} : { Subpath: m.subpath }),
      };
      return {
        Type: "volume",
        ...(m.volume ? { Source: m.volume.name } : {}),
        Target: m.target,
        ReadOnly: m.readOnly,
        ...(Object.keys(options).length > 0 ? { VolumeOptions: options } : {}),
      };
    }
    case "bind": {
      const options = {
        ...(m.propagation ? { Propagation: m.propagation } : {}),
        ...(m.recursive !== undefined && m.createHostPath ? { CreateMountpoint: true } : {}),
        ...(m.recursive === "disabled" ? { NonRecursive: true } : {}),
        ...(m.recursive === "writable" ? { ReadOnlyNonRecursive: true } : {}),
        ...(m.recursive === "readonly" ? { ReadOnlyForceRecursive: true } : {}),
      };
      return {
        Type: "bind",
        Source: m.source,
        Target: m.target,
        ReadOnly: m.readOnly,
        ...(Object.keys(options).length > 0 ? { BindOptions: options } : {}),
      };
    }
    case "tmpfs":
      return {
        Type: "tmpfs",
        Target: m.target,
        TmpfsOptions: {
          ...(m.sizeBytes === undefined ? {} : { SizeBytes: m.sizeBytes }),
          ...(m.mode === undefined ? {} : { Mode: m.mode }),
        },
      };
  }
};

type Tmpfs = Extract<MountSpec, { type: "tmpfs" }>;

/** Options of mount(8) beyond size and mode: the engine takes them where `docker run --tmpfs` puts them only. */
const isFree = (m: MountSpec): m is Tmpfs => m.type === "tmpfs" && m.options !== undefined;

const tmpfsLine = (m: Tmpfs): string =>
  [
    ...(m.sizeBytes === undefined ? [] : [`size=${m.sizeBytes}`]),
    ...(m.mode === undefined ? [] : [`mode=${m.mode.toString(8)}`]),
    ...(m.options ?? []),
  ].join(",");

/** Without the files: where these lie differs from host to host, and is no part of the hash. */
export const renderMounts = (c: ContainerSpec): Pick<HostConfig, "Binds" | "Mounts" | "Tmpfs"> => {
  const free = c.mounts.filter(isFree);
  return {
    Binds: c.mounts.filter(isShort).map(bindLine),
    Mounts: c.mounts.filter((m) => !isShort(m) && !isFree(m)).map(renderMount),
    ...(free.length > 0 ? { Tmpfs: Object.fromEntries(free.map((m) => [m.target, tmpfsLine(m)])) } : {}),
  };
};

export const renderFiles = (c: ContainerSpec, source: FileSource): MountRequest[] =>
  (c.files ?? []).map((f) => ({ Type: "bind", Source: source(f), Target: f.target, ReadOnly: true }));

/** What of a file makes another container. */
export const filesForHash = (c: ContainerSpec): unknown[] =>
  (c.files ?? []).map((f) => [f.kind, f.key, f.target, f.uid ?? "", f.gid ?? "", f.mode, f.hash ?? ""]);

/** Undefined: one of them is not known yet. */
export const renderVolumesFrom = (c: ContainerSpec, shares: ShareIds): string[] | undefined => {
  const lines = (c.volumesFrom ?? []).map((v) => {
    const id = "container" in v ? (shares.get(shareKey(v)) ?? v.container) : shares.get(shareKey(v));
    return id === undefined ? undefined : `${id}:${v.readOnly ? "ro" : "rw"}`;
  });
  return lines.includes(undefined) ? undefined : (lines as string[]);
};
export const volumesFromForHash = (c: ContainerSpec): string[] =>
  (c.volumesFrom ?? []).map((v: SharedWith & { readOnly: boolean }) => `${shareKey(v)}:${v.readOnly ? "ro" : "rw"}`);

export const renderVolumes = (pod: DesiredPod, shared: Record<string, string>): VolumeRequest[] =>
  pod.container.mounts.flatMap((m) => {
    if (m.type !== "volume" || !m.volume) return [];
    const { name, external, key, settings } = m.volume;
    const labels = { ...settings?.labels, ...shared, [COMPOSE_LABELS.volume]: key };
    return [
      {
        name,
        external,
        labels,
        ...(settings?.driver === undefined ? {} : { driver: settings.driver }),
        ...(settings?.driverOpts === undefined ? {} : { driverOpts: settings.driverOpts }),
      },
    ];
  });
