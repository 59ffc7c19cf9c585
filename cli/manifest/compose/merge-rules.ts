// Which keys of a Compose file are not merged as plain maps, lists and scalars are.
// Source: Compose Specification, 13-merge.md, and compose-go's override/merge.go and override/uncity.go.
import { get, type Node, textOf } from "./tree.ts";

export type Rule =
  /** The later one counts, whole. */
  | { type: "replace" }
  /** `KEY=value` lines or a map: one entry for each key. `separators` end the key; `bare` is what a key alone has. */
  | { type: "pairs"; separators: RegExp; bare: null | "" }
  /** A scalar or a list; each value once. `lines`: a map may stand for a list of `name<lines>value`. */
  | { type: "words"; lines?: string }
  /** One entry for each key: the later one takes its place. */
  | { type: "unique"; key: (item: Node) => string | undefined }
  /** A list of names is a map of names without settings. */
  | { type: "names"; mark: "dependency" | "nothing" }
  /** Another driver: other options. */
  | { type: "logging" }
  /** A text is the context. */
  | { type: "build" };

const scalar = (item: Node): string | undefined => textOf(item);
const field =
  (...names: string[]) =>
  (item: Node): string | undefined =>
    names.map((name) => textOf(get(item, name))).find((text) => text !== undefined);

/** Path in the container, of `source:target:mode` or the long form. */
const target = (item: Node): string | undefined => {
  const text = textOf(item);
  if (text === undefined) return field("target", "source")(item)?.replace(/(.)\/+$/, "$1");
  const parts = text.split(":");
  return (parts[1] ?? parts[0])?.replace(/(.)\/+$/, "$1");
};

const inside =
  (folder: string) =>
  (item: Node): string | undefined => {
    const path = textOf(item) ?? field("target", "source")(item);
    return path === undefined || path.startsWith("/") ? path : `${folder}/${path}`;
  };

/** `host:published:target/protocol`, the same for short and long forms. */
const port = (item: Node): string | undefined => {
  const text = textOf(item);
  if (text === undefined) {
    const at = field("target")(item);
    return at && [field("host_ip")(item) ?? "", field("published")(item) ?? "", `${at}/${field("protocol")(item) ?? "tcp"}`].join("|");
  }
  const [, host = "", published = "", at = "", protocol = "tcp"] =
    /^(?:(?:(\[[^\]]*\]|[^:]*):)?([^:]*):)?([^:/]+)(?:\/(\w+))?$/.exec(text) ?? [];
  return at === "" ? text : [host.replace(/^\[|\]$/g, ""), published, `${at}/${protocol}`].join("|");
};

const EQUALS = /=/;
const pairs: Rule = { type: "pairs", separators: EQUALS, bare: "" };
const words: Rule = { type: "words" };
const unique = (key: (item: Node) => string | undefined): Rule => ({ type: "unique", key });
const each = unique(scalar);

const RULES: Record<string, Rule> = {
  "services.*.command": { type: "replace" },
  "services.*.entrypoint": { type: "replace" },
  "services.*.healthcheck.test": { type: "replace" },
  "services.*.environment": { type: "pairs", separators: EQUALS, bare: null },
  "services.*.labels": pairs,
  "services.*.annotations": pairs,
  "services.*.sysctls": pairs,
  "services.*.deploy.labels": pairs,
  "services.*.build": { type: "build" },
  "services.*.build.args": { type: "pairs", separators: EQUALS, bare: null },
  "services.*.build.labels": pairs,
  "services.*.build.additional_contexts": pairs,
  "services.*.build.ssh": pairs,
  "services.*.extra_hosts": { type: "words", lines: ":" },
  "services.*.build.extra_hosts": { type: "words", lines: ":" },
  "services.*.dns": words,
  "services.*.dns_search": words,
  "services.*.dns_opt": each,
  "services.*.tmpfs": { type: "words" },
  "services.*.env_file": words,
  "services.*.label_file": words,
  "services.*.depends_on": { type: "names", mark: "dependency" },
  "services.*.networks": { type: "names", mark: "nothing" },
  "services.*.models": { type: "names", mark: "nothing" },
  "services.*.logging": { type: "logging" },
  "services.*.ports": unique(port),
  "services.*.expose": each,
  "services.*.volumes": unique(target),
  "services.*.devices": unique(target),
  "services.*.secrets": unique(inside("/run/secrets")),
  "services.*.configs": unique(inside("")),
  "services.*.cap_add": each,
  "services.*.cap_drop": each,
  "services.*.security_opt": each,
  "services.*.group_add": each,
  "services.*.links": each,
  "services.*.external_links": each,
  "services.*.volumes_from": each,
  "services.*.device_cgroup_rules": each,
  "services.*.profiles": each,
  "services.*.deploy.placement.constraints": each,
  "services.*.networks.*.aliases": each,
  "services.*.networks.*.link_local_ips": each,
  "services.*.blkio_config.device_read_bps": unique(field("path")),
  "services.*.blkio_config.device_read_iops": unique(field("path")),
  "services.*.blkio_config.device_write_bps": unique(field("path")),
  "services.*.blkio_config.device_write_iops": unique(field("path")),
  "services.*.blkio_config.weight_device": unique(field("path")),
  "networks.*.labels": pairs,
  "networks.*.ipam.config": unique(field("subnet")),
  "volumes.*.labels": pairs,
  "configs.*.labels": pairs,
  "secrets.*.labels": pairs,
};

/** Keys below which the names are the author's own. */
const NAMED = /^(services|networks|volumes|configs|secrets|services\.\*\.(networks|depends_on|ulimits|models))$/;

/** The pattern of a path: `services.*.networks.*` for `services`, `web`, `networks`, `back`. */
export const below = (pattern: string, key: string): string => (pattern === "" ? key : `${pattern}.${NAMED.test(pattern) ? "*" : key}`);

export const ruleOf = (pattern: string): Rule | undefined => RULES[pattern];
