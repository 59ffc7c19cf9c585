// The long-running parts, and what they need to start.
import type { CommandSpec } from "../command.ts";
import type { FlagSpec } from "../flags.ts";

export const etcdFlag: FlagSpec = {
  name: "etcd",
  value: "address",
  repeat: true,
  about: "Address of etcd; repeatable (default: $ETCD_ENDPOINTS, http://127.0.0.1:2379)",
};
const logFlags: readonly FlagSpec[] = [
  {
    name: "log-level",
    value: "level",
    choices: ["trace", "debug", "info", "warn", "error", "fatal"],
    default: "info",
    about: "Least level that is logged",
    group: "Logging",
  },
  { name: "log-file", value: "file", about: "Log to this file, as JSON (default: stderr)", group: "Logging" },
  {
    name: "log-format",
    value: "format",
    choices: ["auto", "json", "text"],
    default: "auto",
    about: "auto: text on a terminal, else JSON",
    group: "Logging",
  },
];

export const server: CommandSpec = {
  name: "server",
  group: "Processes",
  summary: "Run the API and the controller.",
  examples: [
    ["steady server --etcd http://10.0.0.1:2379", "HTTPS on port 7443, with a certificate of its own"],
    ["steady server --listen 127.0.0.1:7443 --insecure-http", "plain HTTP, on this machine only"],
  ],
  flags: [
    etcdFlag,
    { name: "listen", value: "host:port", about: "Where the API listens (default: 0.0.0.0:7443)" },
    { name: "data-dir", value: "dir", about: "Certificate authority (default: $XDG_DATA_HOME/steadfleet/server)" },
    { name: "encryption-key-file", value: "file", about: "Keys that encrypt Secrets in etcd (default: encryption.key in --data-dir)" },
    { name: "insecure-http", about: "Plain HTTP; on loopback addresses only" },
    { name: "advertise", value: "url", about: "Where other servers of this cluster reach this one (default: its first address)" },
    ...logFlags,
  ],
  notes: ["May run several times over one etcd: one controller leads. The first user: steady token create."],
  async run(ctx) {
    return (await import("../process/server.ts")).server(ctx);
  },
};

const IMAGES = "Images";
const TUNNEL = "Tunnel to the API";
export const agent: CommandSpec = {
  name: "agent",
  group: "Processes",
  summary: "Run a node's agent: makes its Docker containers what the cluster wants them to be.",
  examples: [
    ["steady agent --etcd http://10.0.0.1:2379", "this host, under its host name"],
    ["steady agent --node-name nas --label disk=ssd --zone attic", "with a name and labels"],
    ["steady agent --server https://10.0.0.1:7443 --token-file nas.token --ca-file ca.crt", "with logs, exec and port-forward"],
  ],
  flags: [
    etcdFlag,
    { name: "node-name", value: "name", about: "Name of the node (default: the host name)" },
    { name: "docker-host", value: "socket", about: "Docker socket (default: $DOCKER_HOST, unix:///var/run/docker.sock)" },
    {
      name: "data-dir",
      value: "dir",
      about: "Checkpoint of what shall run, and the node's key (default: $XDG_DATA_HOME/steadfleet/agent/NODE)",
    },
    {
      name: "run-dir",
      value: "dir",
      about: "In memory, for configs and secrets (default: /run/steadfleet, or $XDG_RUNTIME_DIR/steadfleet)",
    },
    { name: "label", value: "k=v", repeat: true, about: "Label of the node; repeatable" },
    { name: "region", value: "name", about: "Label topology.kubernetes.io/region" },
    { name: "zone", value: "name", about: "Label topology.kubernetes.io/zone" },
    {
      name: "server",
      value: "url",
      repeat: true,
      about: "API that the agent dials, for logs, exec and the like; repeatable, tried in turn",
      group: TUNNEL,
    },
    { name: "keep-images", about: "Never remove images", group: IMAGES },
    { name: "image-revisions", value: "n", about: "Keep images of so many templates of each service (default: 3)", group: IMAGES },
    { name: "image-unused", value: "n", about: "So many unneeded images may stay (default: 20)", group: IMAGES },
    { name: "image-disk", value: "percent", about: "None may stay when the disk is so full (default: 85)", group: IMAGES },
    { name: "image-min-age", value: "duration", about: "Since a pod last needed it (default: 24h)", group: IMAGES },
    { name: "token-file", value: "file", about: "The node's token: steady token create --node", group: TUNNEL },
    { name: "ca-file", value: "file", about: "Certificates to trust, PEM (default: what the system trusts)", group: TUNNEL },
    ...logFlags,
  ],
  notes: [
    "Goes on healing from its checkpoint while etcd cannot be reached. Stopping it stops no container.",
    "Without --server all works but what looks into containers: logs, exec, attach, port-forward, metrics.",
  ],
  async run(ctx) {
    return (await import("../process/agent.ts")).agent(ctx);
  },
};
