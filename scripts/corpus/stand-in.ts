// A value for a variable that a foreign file leaves open, such as whoever runs the file would give: a file is not judged by what its .env should say.
import type { Key } from "../../schemas/problems.ts";

/** The first match wins: pattern of the place, and the value. */
const PLACES: [RegExp, string][] = [
  [/\.(mem_limit|mem_reservation|memswap_limit|shm_size|memory|size|max-size)$/, "64m"],
  [/\.(cpus|cpu_shares)$/, "1"],
  [/\.(interval|timeout|start_period|start_interval|stop_grace_period|delay|window|monitor)$/, "10s"],
  [/\.restart$/, "always"],
  [/\.(user|uid|gid|group_add\.\d+)$/, "1000"],
  [/\.platform$/, "linux/amd64"],
  [/\.ipv4_address$|\.gateway$|^services\.[^.]+\.(dns\.\d+|dns|extra_hosts\..*)$/, "172.30.0.10"],
  [/\.(subnet|ip_range)$/, "172.30.0.0/24"],
  [/\.network_mode$/, "bridge"],
  [/\.pull_policy$/, "missing"],
  [/\.working_dir$/, "/srv"],
  [/\.(init|tty|stdin_open|privileged|read_only|external|internal|attachable|oom_kill_disable|disable|create_host_path)$/, "true"],
  [/\.(replicas|scale|retries|max_attempts|parallelism|pids|pids_limit|oom_score_adj|target|published|priority)$/, "1"],
  [/\.(ulimits|sysctls)\./, "1024"],
  [/\.(mode)$/, "0444"],
];

const hash = (text: string): number => Buffer.from(text).reduce((sum, byte) => (sum * 31 + byte) % 20_000, 7);

export const standIn = (name: string, keys: readonly Key[]): string => {
  const path = keys.map((key) => String(key).replaceAll(".", "_")).join(".");
  const section = String(keys[2] ?? "");
  if (section === "ports" || section === "expose")
    return /(_IP|^IP|HOST|ADDR|BIND|LISTEN|INTERFACE)/i.test(name) && !/PORT/i.test(name) ? "127.0.0.1" : String(20_000 + hash(name));
  const known = PLACES.find(([pattern]) => pattern.test(path))?.[1];
  if (known !== undefined) return known;
  if (
    section === "volumes" ||
    section === "devices" ||
    section === "tmpfs" ||
    section === "env_file" ||
    /(file|device|context|source)$/.test(path)
  )
    return `/srv/${name.toLowerCase()}`;
  if (/PORT/i.test(name)) return String(20_000 + hash(name));
  return name.toLowerCase().replace(/^_+/, "");
};
