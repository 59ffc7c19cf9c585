import { type CommandSpec } from "../command.ts";

const AGENT = "Nodes";
export const dev: CommandSpec = {
  name: "dev",
  group: "Start",
  summary: "Run a control plane and this host's agent in one process, ready for steady and kubectl.",
  examples: [
    ["steady dev", "Ctrl-C stops it; containers keep running"],
    ["steady dev --reset", "remove all it made, except named volumes"],
    ["steady dev --node a=unix:///run/a.sock --node b=unix:///run/b.sock", "two nodes, each its own Docker"],
  ],
  flags: [
    { name: "port", value: "port", about: "Port of the API on 127.0.0.1 (default: 7443, or the next free one)" },
    { name: "data-dir", value: "dir", about: "Where everything is kept (default: $XDG_DATA_HOME/steadfleet/dev)" },
    { name: "etcd-bin", value: "file", about: "etcd 3.4 or newer (default: etcd on PATH)" },
    { name: "insecure-http", about: "Plain HTTP instead of HTTPS; on 127.0.0.1 only" },
    { name: "kubeconfig", value: "file", about: "kubeconfig that gets the context (default: $KUBECONFIG, ~/.kube/config)" },
    { name: "no-context", about: "Leave the kubeconfig alone" },
    {
      name: "log-level",
      value: "level",
      choices: ["trace", "debug", "info", "warn", "error", "fatal"],
      default: "info",
      about: "Least level in dev.log, in the data directory",
    },
    {
      name: "node",
      value: "name=socket",
      repeat: true,
      about: "A node with its Docker socket; repeatable (default: this host)",
      group: AGENT,
    },
    { name: "node-name", value: "name", about: "Name of this host's node (default: its host name)", group: AGENT },
    { name: "docker-host", value: "socket", about: "Docker socket (default: $DOCKER_HOST, unix:///var/run/docker.sock)", group: AGENT },
    {
      name: "run-dir",
      value: "dir",
      about: "In memory, for configs and secrets (default: /run/steadfleet, or $XDG_RUNTIME_DIR/steadfleet)",
      group: AGENT,
    },
    { name: "label", value: "k=v", repeat: true, about: "Label of the nodes; repeatable", group: AGENT },
    { name: "region", value: "name", about: "Label topology.kubernetes.io/region", group: AGENT },
    { name: "zone", value: "name", about: "Label topology.kubernetes.io/zone", group: AGENT },
    { name: "reset", about: "Remove containers, networks, data directory and context, then exit", group: "Reset", lineOnly: true },
    { name: "volumes", about: "With --reset: named volumes, too", group: "Reset", lineOnly: true },
    { name: "yes", short: "y", about: "Do not ask", group: "Reset", lineOnly: true },
  ],
  notes: ["Needs Docker and etcd. Started again it continues with the same cluster: certificate, token and Stacks are kept."],
  async run(ctx) {
    return (await import("../dev/dev.ts")).dev(ctx);
  },
};
