// Volumes, paths of the node and memory, in short and long form.
import type { MountSpec } from "../fleet.ts";
import { parseBytes } from "../quantity.ts";
import type { ComposeMount } from "../types.ts";
import { show } from "../words.ts";
import { type DeclaredVolume, type Field, variableHelp } from "./context.ts";
import { permissions } from "./permissions.ts";
import { normalizeLabels } from "./values.ts";

const PROPAGATION = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
/** Said for the sake of other systems; without effect on Linux. */
const WITHOUT_EFFECT = ["cached", "delegated", "consistent"];
/** Options of mount(8) and of Podman, which Compose passes over. */
const FOREIGN = ["U", "O", "rbind", "bind", "copy", "exec", "noexec", "dev", "nodev", "suid", "nosuid", "atime", "noatime"];

type Volumes = ReadonlyMap<string, DeclaredVolume> | undefined;

const namedVolume = (key: string, volumes: Volumes, field: Field): DeclaredVolume | undefined => {
  const declared = volumes?.get(key);
  if (declared || !volumes) return declared;
  const guess = field.guess(key, volumes.keys());
  // kubectl apply drops empty values when it computes a patch: hence `{}`.
  const help = guess
    ? undefined
    : key.includes("/")
      ? `For a path beside the Compose file write ${show(`./${key.trim()}`)}; a path of the node begins with "/".`
      : `Declare it: \`volumes: {${key}: {}}\` beside \`services\`. For a path of the node, begin with "/".`;
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
  selinux?: "z" | "Z";
}

const shortOptions = (text: string | undefined, bind: boolean, field: Field): Options | undefined => {
  const options: Options = { readOnly: false, nocopy: false };
  for (const word of text === undefined ? [] : text.split(",")) {
    if (word === "ro" || word === "rw") options.readOnly = word === "ro";
    else if ((word === "nocopy" || word === "volume-nocopy") && !bind) options.nocopy = true;
    else if (bind && PROPAGATION.includes(word)) options.propagation = word;
    else if (word === "z" || word === "Z") {
      if (bind) options.selinux = word;
      else field.warn(`the option ${show(word)} (SELinux) has no effect on a volume: the engine labels its own volumes`);
    } else if (WITHOUT_EFFECT.includes(word)) field.warn(`the option ${show(word)} has no effect on Linux`);
    else if (FOREIGN.includes(word)) field.warn(`the option ${show(word)} has no effect: Docker has no such option of a mount`);
    else {
      const expected = bind ? ["ro", "rw", "z", "Z", ...PROPAGATION] : ["ro", "rw", "nocopy"];
      field.problem(
        "Invalid",
        `the option ${show(word)} is not known${field.guess(word, expected) || "; expected ro or rw"}`,
        variableHelp(word),
      );
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
  // A volume may have a name of one letter: a drive's path has another one behind it.
  const parts = /^[A-Za-z]:(\\|\/[^:]*:\/)/.test(text) ? [text, "/"] : text.split(":");
  // No options behind the last colon: `./x:/x:${MODE:-}`.
  if (parts.length === 3 && parts[2] === "") parts.pop();
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
  const { readOnly, nocopy, propagation, selinux } = options;
  if (bind) {
    // As in Compose: the short form makes a missing path, the long one must ask for it.
    return {
      type: "bind",
      source,
      target,
      readOnly,
      createHostPath: true,
      ...(propagation ? { propagation } : {}),
      ...(selinux ? { selinux } : {}),
    };
  }
  const volume = namedVolume(source, volumes, field);
  return volume ? { type: "volume", volume: { ...volume }, target, readOnly, ...(nocopy ? { nocopy } : {}) } : undefined;
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
  const bits = mode === undefined ? undefined : permissions(mode, field.at("tmpfs", "mode"));
  return { type: "tmpfs", target: mount.target, ...(sizeBytes ? { sizeBytes } : {}), ...(bits === undefined ? {} : { mode: bits }) };
};

/** Types of other systems, and what to do instead. */
const REFUSED: Partial<Record<ComposeMount["type"], [string, string]>> = {
  image: [
    "needs an engine that mounts images, which not all nodes have",
    "Copy the files into the service's own image, or mount a volume.",
  ],
  npipe: ["is a named pipe of Windows, and nodes run Linux", "Bind-mount a socket of the node."],
  cluster: ["is a volume of a Docker Swarm", "Use `type: volume` with a `driver`."],
};

const longBind = (mount: ComposeMount, field: Field): MountSpec | undefined => {
  const { source, target, read_only: readOnly = false, bind = {} } = mount;
  if (!source) {
    field.at("source").problem("Required", "is required: the path on the node");
    return undefined;
  }
  if (refuseRelative(source, field.at("source"))) return undefined;
  if (!source.startsWith("/")) {
    field.at("source").problem("Invalid", `must be an absolute path of the node; got ${show(source)}`, variableHelp(source));
    return undefined;
  }
  const { propagation, selinux, recursive = "enabled" } = bind;
  if ((recursive === "writable" || recursive === "readonly") && !readOnly) {
    field.at("bind", "recursive").problem("Invalid", `${show(recursive)} is for a mount that is read-only`, "Add `read_only: true`.");
    return undefined;
  }
  // Source: moby, mounts validation: "mount propagation must be rprivate" there.
  if (recursive === "readonly" && propagation !== undefined && propagation !== "rprivate") {
    field.at("bind", "propagation").problem("Invalid", 'must be rprivate where `recursive` is "readonly"');
    return undefined;
  }
  return {
    type: "bind",
    source,
    target,
    readOnly,
    createHostPath: bind.create_host_path ?? false,
    ...(propagation ? { propagation } : {}),
    ...(selinux ? { selinux } : {}),
    ...(recursive === "enabled" ? {} : { recursive }),
  };
};

const longVolume = (mount: ComposeMount, volumes: Volumes, field: Field): MountSpec | undefined => {
  const { source, target, read_only: readOnly = false } = mount;
  const { nocopy, subpath, labels } = mount.volume ?? {};
  const own = normalizeLabels(labels, field.at("volume", "labels"));
  if (subpath !== undefined && (subpath === "" || subpath.startsWith("/") || subpath.split("/").includes("..") || subpath.includes("\0"))) {
    field
      .at("volume", "subpath")
      .problem("Invalid", `must be a relative path inside the volume; got ${show(subpath)}`, variableHelp(subpath));
    return undefined;
  }
  const volume = source ? namedVolume(source, volumes, field.at("source")) : undefined;
  if (source && !volume) return undefined;
  if (!source && subpath !== undefined) {
    field.at("volume", "subpath").keyProblem("Invalid", "a volume without name is new and has no folders", "Name a volume in `source`.");
    return undefined;
  }
  const labelled = Object.keys(own).length > 0;
  if (source && labelled)
    field
      .at("volume", "labels")
      .warn(`has no effect on a named volume: its labels stand at top level, in \`volumes: {${source}: {labels: …}}\``);
  return {
    type: "volume",
    ...(volume ? { volume: { ...volume } } : {}),
    target,
    readOnly,
    ...(nocopy ? { nocopy } : {}),
    ...(subpath === undefined ? {} : { subpath }),
    ...(labelled && !source ? { labels: own } : {}),
  };
};

const longMount = (mount: ComposeMount, volumes: Volumes, field: Field): MountSpec | undefined => {
  const { type, source, target } = mount;
  const refused = REFUSED[type];
  if (refused) {
    field.at("type").problem("NotSupported", `a mount of the type ${type} ${refused[0]}`, refused[1]);
    return undefined;
  }
  let wrong = false;
  for (const other of ["bind", "volume", "tmpfs"] as const) {
    const beside = mount[other];
    // As in Compose: what another type says is passed over.
    if (other !== type && beside && Object.keys(beside).length > 0)
      field.at(other).warn(`has no effect: it is for mounts of the type ${other}, and this one is a ${type}`);
  }
  if (type === "tmpfs" && source !== undefined) {
    field.at("source").keyProblem("Forbidden", "a tmpfs has no source", "Remove it.");
    wrong = true;
  }
  if (mount.consistency !== undefined) field.at("consistency").warn("has no effect on Linux");
  if (!checkTarget(target, field.at("target")) || wrong) return undefined;
  if (type === "tmpfs") return longTmpfs(mount, field);
  return type === "bind" ? longBind(mount, field) : longVolume(mount, volumes, field);
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
