// Volumes, paths of the node and memory, in short and long form.
import type { MountSpec } from "../fleet.ts";
import { parseBytes } from "../quantity.ts";
import type { ComposeMount } from "../types.ts";
import { show } from "../words.ts";
import { type Declared, type Field, variableHelp } from "./context.ts";

const PROPAGATION = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
/** Said for the sake of other systems; without effect on Linux. */
const WITHOUT_EFFECT = ["cached", "delegated", "consistent"];
const SELINUX_HELP = "Label the path on the node (`chcon -Rt container_file_t …`) and remove it.";

type Volumes = ReadonlyMap<string, Declared> | undefined;

const namedVolume = (key: string, volumes: Volumes, field: Field): Declared | undefined => {
  const declared = volumes?.get(key);
  if (declared || !volumes) return declared;
  const guess = field.guess(key, volumes.keys());
  // kubectl apply drops empty values when it computes a patch: hence `{}`.
  const help = guess ? undefined : `Declare it: \`volumes: {${key}: {}}\` beside \`services\`. For a path of the node, begin with "/".`;
  field.problem("Invalid", `the volume ${show(key)} is not declared under spec.volumes${guess}`, help);
  return undefined;
};

/** Whether `source` is a path that only the author's machine can make sense of. */
const refuseRelative = (source: string, field: Field): boolean => {
  if (!/^[.~\\]|^[A-Za-z]:[\\/]/.test(source)) return false;
  const what = source.startsWith("~") ? "relative to a home directory" : source.startsWith(".") ? "relative" : "no path of a Linux node";
  const help = "Write an absolute path of the node. `steady up` and `steady apply` resolve relative paths against the file.";
  field.problem("Invalid", `the path ${show(source)} is ${what}, and a server does not know to what`, help);
  return true;
};

const checkTarget = (target: string, field: Field): boolean => {
  if (target.startsWith("/") && !target.includes("\0")) return true;
  field.problem("Invalid", `the path in the container must be absolute; got ${show(target)}`, variableHelp(target));
  return false;
};

interface Options {
  readOnly: boolean;
  nocopy: boolean;
  propagation?: string;
}

const shortOptions = (text: string | undefined, bind: boolean, field: Field): Options | undefined => {
  const options: Options = { readOnly: false, nocopy: false };
  for (const word of text === undefined ? [] : text.split(",")) {
    if (word === "ro" || word === "rw") options.readOnly = word === "ro";
    else if (word === "nocopy" && !bind) options.nocopy = true;
    else if (bind && PROPAGATION.includes(word)) options.propagation = word;
    else if (WITHOUT_EFFECT.includes(word)) field.warn(`the option ${show(word)} has no effect on Linux`);
    else if (word === "z" || word === "Z") {
      field.problem("NotSupported", `the option ${show(word)} (SELinux) is not supported yet`, SELINUX_HELP);
      return undefined;
    } else {
      field.problem("Invalid", `the option ${show(word)} is not known; expected ro or rw`);
      return undefined;
    }
  }
  return options;
};

const shortMount = (text: string, volumes: Volumes, field: Field): MountSpec | undefined => {
  if (variableHelp(text) && !/^[^$]*:/.test(text)) {
    field.problem("Invalid", `${show(text)} does not say what to mount`, variableHelp(text));
    return undefined;
  }
  const parts = /^[A-Za-z]:[\\/]/.test(text) ? [text, "/"] : text.split(":");
  if (parts.length > 3 || parts.includes("")) {
    field.problem("Invalid", `${show(text)} is no mount; expected [volume or absolute path:]path in the container[:ro|rw]`);
    return undefined;
  }
  if (parts.length === 1) {
    if (refuseRelative(text, field) || !checkTarget(text, field)) return undefined;
    return { type: "volume", target: text, readOnly: false };
  }
  const [source = "", target = "", modes] = parts;
  if (refuseRelative(source, field) || !checkTarget(target, field)) return undefined;
  const bind = source.startsWith("/");
  const options = shortOptions(modes, bind, field);
  if (!options) return undefined;
  const { readOnly, nocopy, propagation } = options;
  if (bind) {
    // As in Compose: the short form makes a missing path, the long one must ask for it.
    return { type: "bind", source, target, readOnly, createHostPath: true, ...(propagation ? { propagation } : {}) };
  }
  const volume = namedVolume(source, volumes, field);
  return volume ? { type: "volume", volume: { ...volume }, target, readOnly, ...(nocopy ? { nocopy } : {}) } : undefined;
};

/** Permissions as a number; text is octal, as in a shell. */
const tmpfsMode = (mode: string | number, field: Field): number | undefined => {
  const value = typeof mode === "number" ? mode : /^(0o?)?[0-7]{3,4}$/.test(mode) ? Number.parseInt(mode.replace("o", ""), 8) : Number.NaN;
  if (!(value >= 0 && value <= 0o7777)) {
    field.problem("Invalid", `must be permissions such as "1777"; got ${show(mode)}`);
    return undefined;
  }
  // 0755 is 493 to YAML 1.1 and 755 to YAML 1.2: a number that reads like the octal text was hardly meant.
  if (typeof mode === "number" && /^1?7[057][057]$/.test(String(mode))) {
    field.warn(`the number ${mode} means the permissions ${mode.toString(8)}; quote it ("${mode}") to mean ${mode}`);
  }
  return value;
};

const longTmpfs = (mount: ComposeMount, field: Field): MountSpec | undefined => {
  const { size, mode } = mount.tmpfs ?? {};
  const sizeBytes = size === undefined ? undefined : parseBytes(size);
  if (size !== undefined && sizeBytes === undefined) {
    field.at("tmpfs", "size").problem("Invalid", `must be a size such as 64m; got ${show(size)}`, variableHelp(String(size)));
    return undefined;
  }
  if (mount.read_only) {
    field.at("read_only").problem("NotSupported", "a tmpfs that cannot be written is of no use", "Remove it.");
    return undefined;
  }
  const bits = mode === undefined ? undefined : tmpfsMode(mode, field.at("tmpfs", "mode"));
  return { type: "tmpfs", target: mount.target, ...(sizeBytes ? { sizeBytes } : {}), ...(bits === undefined ? {} : { mode: bits }) };
};

const longMount = (mount: ComposeMount, volumes: Volumes, field: Field): MountSpec | undefined => {
  const { type, source, target } = mount;
  const readOnly = mount.read_only ?? false;
  let wrong = false;
  for (const other of ["bind", "volume", "tmpfs"] as const) {
    if (other === type || mount[other] === undefined) continue;
    field.at(other).keyProblem("Invalid", `is for mounts of the type ${other}; this one is a ${type}`);
    wrong = true;
  }
  if (type === "tmpfs" && source !== undefined) {
    field.at("source").keyProblem("Forbidden", "a tmpfs has no source", "Remove it.");
    wrong = true;
  }
  if (type === "bind" && !source) {
    field.at("source").problem("Required", "is required: the path on the node");
    wrong = true;
  }
  if (!checkTarget(target, field.at("target")) || wrong) return undefined;
  if (type === "tmpfs") return longTmpfs(mount, field);
  if (type === "bind" && source) {
    if (refuseRelative(source, field.at("source"))) return undefined;
    if (!source.startsWith("/")) {
      field.at("source").problem("Invalid", `must be an absolute path of the node; got ${show(source)}`, variableHelp(source));
      return undefined;
    }
    const propagation = mount.bind?.propagation;
    return {
      type,
      source,
      target,
      readOnly,
      createHostPath: mount.bind?.create_host_path ?? false,
      ...(propagation ? { propagation } : {}),
    };
  }
  const nocopy = mount.volume?.nocopy ? { nocopy: true } : {};
  if (!source) return { type: "volume", target, readOnly, ...nocopy };
  const volume = namedVolume(source, volumes, field.at("source"));
  return volume ? { type: "volume", volume: { ...volume }, target, readOnly, ...nocopy } : undefined;
};

/** All entries, in the order written. */
export const normalizeMounts = (mounts: readonly (string | ComposeMount)[], volumes: Volumes, field: Field): MountSpec[] => {
  const all: MountSpec[] = [];
  const targets = new Set<string>();
  mounts.forEach((mount, i) => {
    const at = field.at(i);
    const spec = typeof mount === "string" ? shortMount(mount, volumes, at) : longMount(mount, volumes, at);
    if (!spec) return;
    const target = spec.target.length > 1 ? spec.target.replace(/\/+$/, "") : spec.target;
    if (targets.has(target)) at.problem("Duplicate", `something is mounted at ${target} already`);
    targets.add(target);
    all.push(spec);
  });
  return all;
};
