// Pods and Nodes as the API shows them: joins of what different writers keep in etcd. Pure, so that API and CLI agree.
import { API_VERSION, GROUP, LABELS } from "./constants.ts";
import type { ContainerSpec, DesiredPod, MountSpec, NodeInfo, NodeSession, ObservedPod } from "./fleet.ts";
import { formatBytes, formatCpus } from "./quantity.ts";
import type {
  ContainerStatus,
  Node,
  NodeStatus,
  NodeStatusCondition,
  Pod,
  PodCondition,
  PodContainer,
  PodContainerState,
  PodSpec,
  PodStatus,
  PodVolume,
} from "./types.ts";

/** A value of etcd with its mod revision. */
export interface Revised<T> {
  value: T;
  mod: number;
}

export interface PodContext {
  /** An address of the pod's node. */
  hostIp?: string;
  /** False: the node has no session, so what was observed may no longer be true. Default: true. */
  connected?: boolean;
}

export const ANNOTATIONS = {
  /** Ordinal of a replica, or the node of a global service. */
  slot: `${GROUP}/slot`,
  /** Number of the Stack's revision that the pod is of. */
  revision: `${GROUP}/revision`,
  /** When the agent tries again (RFC 3339). */
  nextRetry: `${GROUP}/next-retry`,
  /** Why the pod is being deleted, in words. */
  deletionReason: `${GROUP}/deletion-reason`,
} as const;

/** Kubernetes times have whole seconds. */
const seconds = (time: string): string => time.replace(/\.\d+(?=Z$)/, "");

const RESTART = { no: "Never", "on-failure": "OnFailure", always: "Always", "unless-stopped": "Always" } as const;
const PULL = { missing: "IfNotPresent", always: "Always", never: "Never" } as const;
const PROTOCOL = { tcp: "TCP", udp: "UDP", sctp: "SCTP" } as const;

const volumeOf = (mount: MountSpec, index: number): PodVolume => {
  const name = mount.type === "volume" && mount.volume ? mount.volume.key : `mount-${index}`;
  if (mount.type === "bind") return { name, hostPath: { path: mount.source } };
  if (mount.type === "tmpfs") {
    return { name, emptyDir: { medium: "Memory", ...(mount.sizeBytes === undefined ? {} : { sizeLimit: formatBytes(mount.sizeBytes) }) } };
  }
  return mount.volume ? { name, dockerVolume: { name: mount.volume.name } } : { name, emptyDir: {} };
};

const containerOf = (service: string, c: ContainerSpec, volumes: PodVolume[]): PodContainer => {
  const { cpus, memoryBytes } = c.limits;
  const limits = {
    ...(cpus === undefined ? {} : { cpu: formatCpus(cpus) }),
    ...(memoryBytes === undefined ? {} : { memory: formatBytes(memoryBytes) }),
  };
  const capabilities = { ...(c.capAdd.length ? { add: c.capAdd } : {}), ...(c.capDrop.length ? { drop: c.capDrop } : {}) };
  return {
    name: service,
    image: c.image,
    imagePullPolicy: PULL[c.pullPolicy],
    ...(c.entrypoint ? { command: c.entrypoint } : {}),
    ...(c.command ? { args: c.command } : {}),
    ...(c.workingDir ? { workingDir: c.workingDir } : {}),
    ...(Object.keys(c.env).length ? { env: Object.entries(c.env).map(([name, value]) => ({ name, value })) } : {}),
    ...(c.ports.length
      ? {
          ports: c.ports.map((p) => ({
            containerPort: p.target,
            ...(p.published === undefined ? {} : { hostPort: p.published }),
            ...(p.hostIp === undefined ? {} : { hostIP: p.hostIp }),
            protocol: PROTOCOL[p.protocol],
          })),
        }
      : {}),
    ...(Object.keys(limits).length ? { resources: { limits } } : {}),
    ...(c.mounts.length
      ? {
          volumeMounts: c.mounts.map((m, i) => ({
            name: volumes[i]?.name ?? `mount-${i}`,
            mountPath: m.target,
            ...(m.type !== "tmpfs" && m.readOnly ? { readOnly: true } : {}),
          })),
        }
      : {}),
    ...(c.readOnly || Object.keys(capabilities).length
      ? {
          securityContext: {
            ...(c.readOnly ? { readOnlyRootFilesystem: true } : {}),
            ...(Object.keys(capabilities).length ? { capabilities } : {}),
          },
        }
      : {}),
  };
};

const specOf = (node: string, d: DesiredPod): PodSpec => {
  const volumes = d.container.mounts.map(volumeOf);
  const distinct = [...new Map(volumes.map((v) => [v.name, v])).values()];
  return {
    nodeName: node,
    ...(d.container.hostname ? { hostname: d.container.hostname } : {}),
    restartPolicy: RESTART[d.container.restart.policy],
    terminationGracePeriodSeconds: Math.ceil(d.container.stopGraceMs / 1000),
    containers: [containerOf(d.service, d.container, volumes)],
    ...(distinct.length ? { volumes: distinct } : {}),
  };
};

const terminatedOf = (o: ObservedPod): PodContainerState => ({
  terminated: {
    exitCode: o.exitCode ?? 0,
    reason: o.oomKilled ? "OOMKilled" : (o.exitCode ?? 0) === 0 ? "Completed" : "Error",
    ...(o.logTail?.length ? { message: o.logTail.join("\n") } : o.lastError ? { message: o.lastError } : {}),
    ...(o.startedAt ? { startedAt: seconds(o.startedAt) } : {}),
    ...(o.finishedAt ? { finishedAt: seconds(o.finishedAt) } : {}),
    ...(o.containerId ? { containerID: `docker://${o.containerId}` } : {}),
  },
});

/** `reason` in words, with the engine's own words and when it is tried again. */
const explain = (o: ObservedPod): string | undefined => {
  const parts = [o.message, o.lastError && o.lastError !== o.message ? `last error: ${o.lastError}` : undefined];
  const text = parts.filter((p) => p).join("; ");
  const retry = o.nextRetryAt ? `next try at ${seconds(o.nextRetryAt)}` : "";
  return [text, retry].filter((p) => p).join("; ") || undefined;
};

const waitingOf = (reason: string, message: string | undefined): PodContainerState => ({
  waiting: { reason, ...(message ? { message } : {}) },
});

const stateOf = (o: ObservedPod): { state: PodContainerState; lastState?: PodContainerState } => {
  const ended = o.exitCode !== undefined && o.finishedAt !== undefined;
  const lastState = ended ? { lastState: terminatedOf(o) } : {};
  if (o.state === "running")
    return { state: { running: o.startedAt ? { startedAt: seconds(o.startedAt) } : {} }, ...(o.restarts > 0 ? lastState : {}) };
  if (o.phase === "Succeeded" || o.phase === "Failed") return { state: terminatedOf(o) };
  const words: Record<Exclude<ObservedPod["state"], "running">, string> = {
    absent: "ContainerCreating",
    created: "ContainerCreating",
    paused: "Paused",
    restarting: "CrashLoopBackOff",
    removing: "Terminating",
    exited: "Exited",
    dead: "Dead",
  };
  return { state: waitingOf(o.reason ?? words[o.state], explain(o)), ...lastState };
};

const imageIdOf = (o: ObservedPod): string =>
  o.imageDigest ? `docker-pullable://${o.imageDigest}` : o.imageId ? `docker://${o.imageId}` : "";

const statusOf = (d: DesiredPod, o: ObservedPod | undefined, context: PodContext): PodStatus => {
  const lost = context.connected === false;
  const base: PodStatus = {
    phase: "Pending",
    ...(context.hostIp ? { hostIP: context.hostIp } : {}),
    startTime: seconds(d.createdAt),
  };
  const scheduled: PodCondition = { type: "PodScheduled", status: "True", lastTransitionTime: seconds(d.createdAt) };
  const why = lost
    ? { reason: "NodeStatusUnknown", message: "the node's agent is not connected; this is what it last reported" }
    : o
      ? { ...(o.reason ? { reason: o.reason } : {}), ...(explain(o) ? { message: explain(o) as string } : {}) }
      : { reason: "WaitingForAgent", message: "the node's agent has not answered yet" };
  const ready = lost ? "Unknown" : o?.ready ? "True" : "False";
  const since = o ? { lastTransitionTime: seconds(o.since) } : { lastTransitionTime: seconds(d.createdAt) };
  const conditions: PodCondition[] = [
    scheduled,
    { type: "ContainersReady", status: ready, ...(ready === "True" ? {} : why), ...since },
    { type: "Ready", status: ready, ...(ready === "True" ? {} : why), ...since },
  ];
  if (!o) {
    const status: ContainerStatus = {
      name: d.service,
      ready: false,
      started: false,
      restartCount: 0,
      image: d.container.image,
      imageID: "",
      state: waitingOf("ContainerCreating", why.message),
    };
    return { ...base, ...(lost ? { ...why, phase: "Unknown" } : {}), conditions, containerStatuses: [status] };
  }
  const ips = Object.keys(o.addresses ?? {})
    .toSorted()
    .flatMap((network) => (o.addresses?.[network] ? [{ ip: o.addresses[network] }] : []));
  return {
    ...base,
    // A tombstone: nothing is left on the node, and the controller is about to let the pod go.
    phase: lost ? "Unknown" : o.phase === "Removed" ? "Succeeded" : o.phase,
    ...why,
    ...(ips[0] ? { podIP: ips[0].ip, podIPs: ips } : {}),
    observedRevision: String(o.desiredRevision),
    conditions,
    containerStatuses: [
      {
        name: d.service,
        ready: o.ready && !lost,
        started: o.state === "running",
        restartCount: o.restarts,
        image: o.image ?? d.container.image,
        imageID: imageIdOf(o),
        ...(o.containerId ? { containerID: `docker://${o.containerId}` } : {}),
        ...(o.health ? { health: o.health } : {}),
        ...stateOf(o),
      },
    ],
  };
};

/**
 * The API Pod: exists as long as it is desired. An observation of an earlier pod of the same name (another uid) is not shown.
 * `resourceVersion` is the larger mod revision of the two.
 */
export const podOf = (
  node: string,
  desired: Revised<DesiredPod> | undefined,
  observed?: Revised<ObservedPod>,
  context: PodContext = {},
): Pod | undefined => {
  if (!desired) return undefined;
  const d = desired.value;
  const o = observed?.value.uid === d.uid ? observed.value : undefined;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: d.name,
      namespace: d.namespace,
      uid: d.uid,
      resourceVersion: String(Math.max(desired.mod, observed?.mod ?? 0)),
      creationTimestamp: seconds(d.createdAt),
      ...(d.deletionTimestamp
        ? { deletionTimestamp: seconds(d.deletionTimestamp), deletionGracePeriodSeconds: Math.ceil(d.container.stopGraceMs / 1000) }
        : {}),
      labels: { ...d.labels, [LABELS.stack]: d.stack, [LABELS.service]: d.service },
      annotations: {
        [ANNOTATIONS.slot]: d.slot,
        [ANNOTATIONS.revision]: String(d.revision),
        ...(o?.nextRetryAt ? { [ANNOTATIONS.nextRetry]: o.nextRetryAt } : {}),
        ...(d.deletionReason ? { [ANNOTATIONS.deletionReason]: d.deletionReason } : {}),
      },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: "Stack", name: d.stack, uid: d.stackUid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: specOf(node, d),
    status: statusOf(d, o, context),
  };
};

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
