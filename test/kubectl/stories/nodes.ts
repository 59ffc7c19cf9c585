import type { Story } from "../story.ts";

const V1 = "steadfleet.local/web:1";

export const nodes: Story = {
  name: "nodes",
  files: {
    "spread.yaml": `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: spread}
spec: {services: {web: {image: ${V1}, stop_grace_period: 2s, deploy: {replicas: 3}}}}
`,
  },
  steps: [
    { run: "get nodes", shows: "nodes", out: [/^NAME\s+STATUS/, /Ready/], keep: { node: /^(\S+)\s+Ready/m } },
    { run: "get nodes -o wide", out: ["docker://"] },
    { run: "describe node $node", shows: "nodes", out: [/^Name:/m, /Ready\s+True/, "Container Runtime Version"] },
    { run: "apply -f spread.yaml", out: ["created"] },
    { run: "wait --for=condition=Ready stack/spread --timeout=90s" },
    { run: "label node $node disk=ssd", shows: "nodes", out: ["labeled"] },
    { run: "get nodes -l disk=ssd -o name", out: ["node/$node"] },
    { run: "annotate node $node note=x", shows: "nodes" },
    { run: "cordon $node", shows: "nodes", out: ["cordoned"] },
    { run: "get node $node", out: ["SchedulingDisabled"] },
    { run: "drain $node --ignore-daemonsets --timeout=90s", shows: "nodes", out: [/evict|drained/] },
    { run: "get pods -o jsonpath={.items[*].spec.nodeName}", until: true, without: ["$node"], out: [/\w/] },
    { run: "wait --for=condition=Ready stack/spread --timeout=90s" },
    { run: "uncordon $node", shows: "nodes", out: ["uncordoned"] },
    { run: "taint node $node dedicated=x:NoSchedule", shows: "nodes", out: ["tainted"] },
    { run: "describe node $node", out: [/dedicated=x:NoSchedule/] },
    { run: "taint node $node dedicated-", out: ["untainted"] },
    { run: "top node", shows: "nodes", until: true, out: [/^NAME\s+CPU\(cores\)\s+CPU%?/, "$node"] },
    { run: "get --raw /apis/metrics.k8s.io/v1beta1/nodes", out: ["NodeMetrics"] },
    { run: "label node $node disk-" },
    { run: "delete stack spread --timeout=90s" },
  ],
};
