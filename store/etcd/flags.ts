// etcd's command line, by version. Pure.
import { StoreError } from "../errors.ts";

export interface EtcdVersion {
  text: string;
  major: number;
  minor: number;
}

/** @param output of `etcd --version`, or a bare "3.4.23" @throws StoreError (unknown, or older than 3.4) */
export const parseVersion = (output: string): EtcdVersion => {
  const m = /(?:etcd Version: |^)v?(\d+)\.(\d+)\.(\d+\S*)/m.exec(output);
  if (!m) throw new StoreError(`cannot tell the version of etcd from ${JSON.stringify(output.slice(0, 200))}`);
  const version = { text: `${m[1]}.${m[2]}.${m[3]}`, major: Number(m[1]), minor: Number(m[2]) };
  if (version.major !== 3 || version.minor < 4) throw new StoreError(`etcd ${version.text} is not supported: 3.4 or a later 3.x is needed`);
  return version;
};

export const etcdFlags = (o: { version: EtcdVersion; name: string; dataDir: string; client: number; peer: number }): string[] => {
  const client = `http://127.0.0.1:${o.client}`;
  const peer = `http://127.0.0.1:${o.peer}`;
  const flags: Record<string, string> = {
    name: o.name,
    "data-dir": o.dataDir,
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    // Ignored once the data directory holds a member, so first and later starts share one command line.
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `${o.name}=${peer}`,
    // Makes the cluster id unique: it is how a reflector knows that a store was replaced.
    "initial-cluster-token": o.name,
    logger: "zap",
    "log-level": "warn",
    // Must exceed the longest usual disconnect and list: each reader who is later than that costs one list.
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "10m",
    // The default of 2 GiB is three generations of a big store.
    "quota-backend-bytes": String(8 * 2 ** 30),
    "snapshot-count": "10000",
    // Idle watches then follow the store's revision, and compaction does not force them to list.
    [o.version.minor >= 6 ? "watch-progress-notify-interval" : "experimental-watch-progress-notify-interval"]: "5s",
    ...(o.version.minor === 4 ? { "enable-v2": "false" } : {}),
  };
  return Object.entries(flags).map(([k, v]) => `--${k}=${v}`);
};
