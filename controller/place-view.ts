// A node as placement sees it. Pure: the controller makes it from its informers, a dry run from one read of the store.
import type { DesiredPod, NodeInfo, NodeSession } from "../schemas/fleet.ts";
import type { Node } from "../schemas/types.ts";
import { nodeOf, type Revised } from "../schemas/views.ts";
import type { NodeView, PortUse } from "./model.ts";

/** What is known of one node; it counts when it has a Node object. */
export interface NodeParts {
  object?: Node;
  info?: Revised<NodeInfo>;
  session?: Revised<NodeSession>;
}

/** @param desired the pods of all stacks on the node */
export const nodeView = (name: string, parts: NodeParts, desired: readonly DesiredPod[]): NodeView | undefined => {
  const { object, info, session } = parts;
  if (!object) return undefined;
  const joined = nodeOf(object, info, session);
  const condition = joined.status?.conditions?.find((c) => c.type === "Ready");
  const ready = condition?.status === "True";
  const ports = desired.flatMap((d): PortUse[] =>
    d.container.ports.flatMap(({ published, protocol, hostIp }) =>
      published === undefined
        ? []
        : [{ published, protocol, ...(hostIp ? { hostIp } : {}), stack: `${d.namespace}/${d.stack}`, pod: d.name }],
    ),
  );
  const names = desired.flatMap(({ container, namespace, stack, name: pod }) =>
    container.containerName === undefined ? [] : [{ name: container.containerName, stack: `${namespace}/${stack}`, pod }],
  );
  return {
    name,
    hostname: info?.value.hostname ?? name,
    labels: joined.metadata.labels ?? {},
    ready,
    ...(ready ? {} : { notReady: session ? `not ready: ${condition?.message ?? "it has not reported yet"}` : "not responding" }),
    unschedulable: object.spec?.unschedulable === true,
    taints: object.spec?.taints ?? [],
    pods: desired.length,
    ports,
    ...(info?.value.publicKey === undefined ? {} : { publicKey: info.value.publicKey }),
    ...(names.length > 0 ? { names } : {}),
  };
};
