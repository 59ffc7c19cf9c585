// The API Node: the join of what people wrote and what the agent reports.
import type { NodeInfo, NodeSession } from "../fleet.ts";
import { formatCpus } from "../quantity.ts";
import type { Node, NodeStatus, NodeStatusCondition } from "../types.ts";
import { type Revised, seconds } from "./common.ts";

const nodeConditions = (info: NodeInfo | undefined, connected: boolean): NodeStatusCondition[] => {
  const reported = info?.conditions ?? [];
  if (!connected) {
    const lost = { status: "Unknown", reason: "NodeStatusUnknown", message: "the agent is not connected" } as const;
    const others = reported.filter((c) => c.type !== "Ready").map((c) => ({ type: c.type, ...lost }));
    return [...others, { type: "Ready", ...lost }];
  }
  const conditions = reported.map(({ since, ...c }) => ({ ...c, lastTransitionTime: seconds(since) }));
  if (conditions.some((c) => c.type === "Ready")) return conditions;
  return [
    ...conditions,
    { type: "Ready", status: "False", reason: "NoReport", message: "the agent is connected, but has not reported yet" },
  ];
};

const nodeStatus = (name: string, info: NodeInfo | undefined, session: NodeSession | undefined): NodeStatus => {
  const conditions = nodeConditions(info, session !== undefined);
  if (!info) return { conditions };
  const capacity = {
    cpu: formatCpus(info.cpus),
    memory: `${Math.floor(info.memoryBytes / 1024)}Ki`,
    "ephemeral-storage": `${Math.floor(info.disk.totalBytes / 1024)}Ki`,
  };
  return {
    capacity,
    allocatable: { ...capacity },
    conditions,
    addresses: info.addresses,
    nodeInfo: {
      machineID: name,
      systemUUID: "",
      bootID: session?.nonce ?? "",
      kernelVersion: info.kernelVersion,
      osImage: info.osImage,
      containerRuntimeVersion: `docker://${info.engineVersion}`,
      kubeletVersion: info.agentVersion,
      kubeProxyVersion: "",
      operatingSystem: info.os,
      architecture: info.arch,
    },
    containers: info.containers,
  };
};

/**
 * The API Node: what people wrote, joined with what the agent reports. What people wrote wins over reported labels.
 * `revision`: that of the last change that is not in the arguments, such as the end of a session.
 */
export const nodeOf = (object: Node, info?: Revised<NodeInfo>, session?: Revised<NodeSession>, revision = 0): Node => {
  const mods = [Number(object.metadata.resourceVersion) || 0, info?.mod ?? 0, session?.mod ?? 0, revision];
  const reported = info
    ? {
        "kubernetes.io/hostname": info.value.hostname,
        "kubernetes.io/os": info.value.os,
        "kubernetes.io/arch": info.value.arch,
        ...info.value.labels,
      }
    : {};
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { ...object.metadata, resourceVersion: String(Math.max(...mods)), labels: { ...reported, ...object.metadata.labels } },
    spec: object.spec ?? {},
    status: nodeStatus(object.metadata.name, info?.value, session?.value),
  };
};
