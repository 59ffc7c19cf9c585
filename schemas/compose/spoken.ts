// A normal service in Compose's words, as people know them: for plans, events and messages. Pure.
import type { ContainerSpec, FileSpec, MountSpec, PortSpec } from "../fleet.ts";
import type { NormalService } from "./normal.ts";

type Obj = Record<string, unknown>;

/** Words that are not our name in lower case with underscores. */
const WORDS: Readonly<Record<string, string>> = {
  env: "environment",
  stopGraceMs: "stop_grace_period",
  shmSizeBytes: "shm_size",
  userns: "userns_mode",
  memorySwappiness: "mem_swappiness",
  blkio: "blkio_config",
  deviceRequests: "gpus",
  restartedAt: "x-steadfleet.restartedAt",
  paused: "x-steadfleet.paused",
  job: "x-steadfleet.job",
  unhealthy: "x-steadfleet.unhealthy",
  imagePullSecrets: "x-steadfleet.imagePullSecrets",
  constraints: "deploy.placement.constraints",
  replicas: "deploy.replicas",
  mode: "deploy.mode",
  reservations: "deploy.resources.reservations",
  memoryBytes: "mem_limit",
  memoryReservationBytes: "mem_reservation",
  memorySwapBytes: "memswap_limit",
  pids: "pids_limit",
  cpuPeriodUs: "cpu_period",
  cpuQuotaUs: "cpu_quota",
  blkioWeight: "blkio_config.weight",
};

const snake = (name: string): string => WORDS[name] ?? name.replace(/(Ms|Bytes)$/, "").replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

const portText = ({ target, published, protocol, hostIp }: PortSpec): string =>
  `${hostIp ? `${hostIp}:` : ""}${published === undefined ? "" : `${published}:`}${target}${protocol === "tcp" ? "" : `/${protocol}`}`;

const mountText = (m: MountSpec): string => {
  const from =
    m.type === "volume" ? (m.volume ? `volume ${m.volume.name}` : "a volume of its own") : m.type === "bind" ? m.source : "tmpfs";
  const { type: _type, target: _target, ...rest } = m;
  const said = Object.entries(rest).filter(([k, v]) => !["volume", "source"].includes(k) && v !== undefined && v !== false);
  return said.length === 0
    ? from
    : `${from} (${said.map(([k, v]) => (v === true ? snake(k) : `${snake(k)} ${JSON.stringify(v)}`)).join(", ")})`;
};

/** Content is told apart by its hash, which says nothing about it. */
const fileWords = ({ hash, source, target, uid, gid, mode }: FileSpec): Obj => ({
  target,
  ...(source.kind === "Inline" ? {} : { source: `${source.kind} ${source.name}${source.item ? `/${source.item}` : ""}` }),
  ...(hash === undefined ? (source.kind === "Inline" ? { content: source.content } : {}) : { content: hash }),
  ...(uid === undefined ? {} : { uid }),
  ...(gid === undefined ? {} : { gid }),
  mode: `0${mode.toString(8)}`,
});

const mapOf = <T>(items: readonly T[], key: (item: T) => string, value: (item: T) => unknown): Obj =>
  Object.fromEntries(items.map((item) => [key(item), value(item)]));

const renamed = (o: object): Obj => Object.fromEntries(Object.entries(o).map(([k, v]) => [snake(k), v]));

/** `{image, environment: {…}, volumes: {target: …}, …}` */
export const spokenContainer = (c: ContainerSpec): Obj => {
  const { env, labels, limits, restart, ports, mounts, networks, files = [], healthcheck, ...rest } = c;
  return {
    ...renamed(rest),
    ...(Object.keys(env).length > 0 ? { environment: env } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...renamed(limits),
    restart: restart.maxRetries ? `${restart.policy}:${restart.maxRetries}` : restart.policy,
    ...(ports.length > 0 ? { ports: ports.map(portText) } : {}),
    ...(mounts.length > 0 ? { volumes: mapOf(mounts, (m) => m.target, mountText) } : {}),
    networks: mapOf(
      networks,
      (n) => n.key,
      ({ key: _key, external, ...n }) => ({ ...renamed(n), ...(external ? { external } : {}) }),
    ),
    ...(healthcheck ? { healthcheck: "disable" in healthcheck ? { disable: true } : renamed(healthcheck) } : {}),
    ...filesOf(files, "config"),
    ...filesOf(files, "secret"),
  };
};

const filesOf = (files: readonly FileSpec[], kind: FileSpec["kind"]): Obj => {
  const mine = files.filter((f) => f.kind === kind);
  return mine.length === 0 ? {} : { [`${kind}s`]: mapOf(mine, (f) => f.key, fileWords) };
};

type Around = { readonly [K in keyof NormalService as K extends "container" ? never : K]: Readonly<NormalService[K]> };

/** What is around the container: replicas, constraints, depends_on, … */
export const spokenAround = ({ name: _name, dependsOn, constraints, ...rest }: Around): Obj => ({
  ...renamed(rest),
  depends_on: mapOf(
    dependsOn,
    (d) => d.service,
    ({ service: _service, ...d }) => d,
  ),
  ...(constraints.length > 0 ? { [snake("constraints")]: constraints.map((c) => c.text) } : {}),
});
