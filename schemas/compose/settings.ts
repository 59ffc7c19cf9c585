// Settings of one container that need a word or two each.
import type { ContainerSpec, MountSpec } from "../fleet.ts";
import { parseBytes } from "../quantity.ts";
import type { ComposeService } from "../types.ts";
import { nearest, show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import { permissions } from "./permissions.ts";
import { normalizeOptions } from "./values.ts";

type Service = Partial<ComposeService>;

/** Source: getrlimit(2). */
const ULIMITS = new Set("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "));

const ulimitValue = (value: string | number, field: Field): number | undefined => {
  if (/^(-1|\d{1,15})$/.test(String(value))) return Number(value);
  if (value === "unlimited") return -1;
  field.problem("Invalid", `must be a whole number, or -1 for no limit; got ${show(value)}`, variableHelp(String(value)));
  return undefined;
};

/** Sorted by name. */
export const normalizeUlimits = (ulimits: ComposeService["ulimits"], field: Field): NonNullable<ContainerSpec["ulimits"]> =>
  Object.entries(ulimits ?? {})
    .flatMap(([name, value]) => {
      const at = field.at(name);
      if (!ULIMITS.has(name)) {
        at.keyProblem("Invalid", `${show(name)} is no limit of Linux${at.guess(name, ULIMITS)}`);
        return [];
      }
      const long = typeof value === "object";
      const soft = ulimitValue(long ? value.soft : value, long ? at.at("soft") : at);
      const hard = long ? ulimitValue(value.hard, at.at("hard")) : soft;
      if (soft === undefined || hard === undefined) return [];
      if (hard !== -1 && (soft > hard || soft === -1))
        at.at("soft").problem("Invalid", `must not be above the hard limit ${hard}; got ${soft}`);
      return [{ name, soft, hard }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** What a container can have of its own. Source: runc, libcontainer/configs/validate, sysctl. */
const OF_IPC = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/** Sorted by name. */
export const normalizeSysctls = (service: Service, field: Field): Record<string, string> => {
  const found = normalizeOptions(service.sysctls, field, "a value");
  for (const name of Object.keys(found)) {
    const at = Array.isArray(service.sysctls)
      ? field.at(service.sysctls.findLastIndex((line) => line.startsWith(`${name}=`)))
      : field.at(name);
    if (OF_IPC.test(name)) {
      if (service.ipc === "host")
        at.problem("Invalid", `${show(name)} is the node's: the service has \`ipc: host\``, "Set it on the node.");
    } else if (name.startsWith("net.")) {
      if (service.network_mode === "host") {
        at.problem("Invalid", `${show(name)} is the node's: the service has \`network_mode: host\``, "Set it on the node.");
      }
    } else if (name !== "kernel.domainname") {
      at.problem(
        "NotSupported",
        `${show(name)} is one for the whole node, which a container cannot change`,
        "Set it on the node, and remove it here.",
      );
    }
  }
  return found;
};

/** `no-new-privileges`, `label=…`: what each is written as for the engine. */
const securityOption = (text: string, field: Field): string | undefined => {
  if (/^no-new-privileges(?:[:=](?:true|false))?$/.test(text)) return text.replace(":", "=").replace(/=true$/, "");
  const match = /^([a-z-]+)[=:](.+)$/.exec(text);
  const [, key = text, value = ""] = match ?? [];
  if (match && (key === "label" || key === "apparmor")) return `${key}=${value}`;
  if (match && key === "seccomp") {
    if (value === "unconfined" || value === "builtin" || value.startsWith("{")) return `${key}=${value}`;
    const help = "Write the profile itself (JSON) in place of its path; `steady up` and `steady apply` do so.";
    field.problem("NotSupported", `the file ${show(value)} is not on the server`, help);
    return undefined;
  }
  if (text === "writable-cgroups" || /^writable-cgroups=(true|false)$/.test(text)) return text;
  if (key === "systempaths" && value === "unconfined") return `${key}=${value}`;
  const known = ["no-new-privileges", "seccomp", "apparmor", "label", "systempaths=unconfined"];
  const guess = nearest(key, known);
  const message = `${show(text)} is no security option${guess ? `; did you mean ${show(guess)}?` : ""}`;
  field.problem("Invalid", message, variableHelp(text) ?? "Known are no-new-privileges, seccomp=…, apparmor=… and label=….");
  return undefined;
};

export const normalizeSecurityOpt = (options: readonly string[] | null | undefined, field: Field): string[] => {
  const found = (options ?? []).flatMap((text, i) => securityOption(text.trim(), field.at(i)) ?? []);
  return [...new Set(found)];
};

export const normalizeLogging = (logging: ComposeService["logging"], field: Field): ContainerSpec["logging"] => {
  const { driver } = logging ?? {};
  const options = normalizeOptions(logging?.options, field.at("options"));
  const said = Object.keys(options).length > 0;
  if (driver === "none" && said) field.at("options").warn("has no effect with the driver none");
  if (driver === "none") field.at("driver").warn("no log is kept: `steady logs` and `kubectl logs` will show nothing");
  if (!driver && !said) return undefined;
  return { ...(driver ? { driver } : {}), ...(said ? { options } : {}) };
};

const tmpfsMount = (text: string, field: Field): MountSpec | undefined => {
  const colon = text.indexOf(":");
  const target = colon < 0 ? text : text.slice(0, colon);
  if (!target.startsWith("/")) {
    field.problem("Invalid", `must be an absolute path inside the container, such as /run; got ${show(text)}`, variableHelp(text));
    return undefined;
  }
  let sizeBytes: number | undefined;
  let mode: number | undefined;
  const options: string[] = [];
  for (const option of colon < 0 ? [] : text.slice(colon + 1).split(",")) {
    const [name = "", value] = option.split("=");
    if (name === "size" && value !== undefined) {
      // A share of the memory (`50%`) is the kernel's own word.
      if (/^\d{1,3}%$/.test(value)) options.push(option);
      else sizeBytes = parseBytes(value);
      if (sizeBytes === undefined && !value.endsWith("%")) {
        field.problem("Invalid", `the size must be such as 64m; got ${show(value)}`, variableHelp(text));
        return undefined;
      }
    } else if (name === "mode" && value !== undefined) {
      mode = permissions(value, field);
    } else if (
      /^(?:r[wo]|(?:no)?(?:exec|suid|dev|atime|diratime|relatime|strictatime)|a?sync|dirsync|silent|loud|uid|gid|nr_inodes|nr_blocks|huge|mpol)$/.test(
        name,
      )
    ) {
      if (option !== "rw") options.push(option);
    } else if (option !== "") {
      const known = ["size", "mode", "uid", "gid", "exec", "noexec", "nosuid", "nodev", "ro", "rw"];
      field.problem("Invalid", `the option ${show(option)} is not known${field.guess(name, known)}`, variableHelp(text));
      return undefined;
    }
  }
  return {
    type: "tmpfs",
    target,
    ...(sizeBytes ? { sizeBytes } : {}),
    ...(mode === undefined ? {} : { mode }),
    ...(options.length > 0 ? { options: options.toSorted() } : {}),
  };
};

/** `path[:options]` of the key `tmpfs`, as mounts. */
export const normalizeTmpfs = (tmpfs: ComposeService["tmpfs"], taken: readonly MountSpec[], field: Field): MountSpec[] => {
  const written: [string, Field][] = typeof tmpfs === "string" ? [[tmpfs, field]] : (tmpfs ?? []).map((text, i) => [text, field.at(i)]);
  const targets = new Set(taken.map((mount) => mount.target));
  return written.flatMap(([text, at]) => {
    const mount = tmpfsMount(text, at);
    if (!mount) return [];
    if (targets.has(mount.target)) at.problem("Duplicate", `something is mounted at ${mount.target} already`);
    targets.add(mount.target);
    return [mount];
  });
};

/** undefined: the engine's. */
export const normalizeShmSize = (size: string | number | undefined, field: Field): number | undefined => {
  if (size === undefined) return undefined;
  const bytes = parseBytes(size);
  if (bytes === undefined) field.problem("Invalid", `must be a size such as 64m; got ${show(size)}`, variableHelp(String(size)));
  return bytes || undefined;
};
