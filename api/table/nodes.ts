import type { Node } from "../../schemas/types.ts";
import type { TableShape } from "../kind.ts";
import { AGE, age, column, NAME, NONE, wide } from "./cells.ts";

const ROLE = "node-role.kubernetes.io/";

function statusWords({ spec, status }: Node): string {
  const ready = status?.conditions?.find((c) => c.type === "Ready");
  const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

const roles = ({ metadata }: Node): string =>
  Object.keys(metadata.labels ?? {})
    .filter((l) => l.startsWith(ROLE) && l.length > ROLE.length)
    .map((l) => l.slice(ROLE.length))
    .toSorted()
    .join(",") || NONE;

/** `16316412Ki` → `15.6Gi`. */
function memory(quantity: string | undefined): string {
  const kib = Number(/^(\d+)Ki$/.exec(quantity ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(kib)) return quantity ?? NONE;
  return kib < 1024 ** 2 ? `${Math.round(kib / 1024)}Mi` : `${(kib / 1024 ** 2).toFixed(1)}Gi`;
}

export const nodeTable: TableShape<Node> = {
  columns: [
    NAME,
    column("Status", "Ready, NotReady, or Unknown before the agent has reported; SchedulingDisabled when cordoned."),
    column("Roles", `Roles, from labels that begin with ${ROLE}.`),
    AGE,
    column("Version", "Version of the agent."),
    wide("Internal-IP", "Address of the node."),
    wide("OS-Image", "Operating system."),
    wide("Kernel", "Version of the kernel."),
    wide("Container-Runtime", "Version of the Docker engine."),
    wide("CPU", "Cores of the machine."),
    wide("Memory", "Memory of the machine."),
    wide("Containers", "Containers that belong to pods + containers that somebody else made."),
  ],
  cells(node, now) {
    const { nodeInfo, capacity, containers, addresses = [] } = node.status ?? {};
    return [
      node.metadata.name,
      statusWords(node),
      roles(node),
      age(node, now),
      nodeInfo?.kubeletVersion || NONE,
      addresses.find((a) => a.type === "InternalIP")?.address ?? NONE,
      nodeInfo?.osImage || "<unknown>",
      nodeInfo?.kernelVersion || "<unknown>",
      nodeInfo?.containerRuntimeVersion || "<unknown>",
      capacity?.cpu ?? NONE,
      memory(capacity?.memory),
      containers ? `${containers.ours}+${containers.foreign}` : NONE,
    ];
  },
};
