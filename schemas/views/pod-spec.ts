// A container as it should be, in the words of a Kubernetes pod.
import type { ContainerSpec, DesiredPod, MountSpec } from "../fleet.ts";
import { formatBytes, formatCpus } from "../quantity.ts";
import type { PodContainer, PodSpec, PodVolume } from "../types.ts";

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
    // A pull every so often is none of the words: it is missing again after that time.
    imagePullPolicy: PULL[typeof c.pullPolicy === "string" ? c.pullPolicy : "missing"],
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

/** What all pods of a service have in common. */
export const templateSpecOf = (service: string, container: ContainerSpec): PodSpec => {
  const volumes = container.mounts.map(volumeOf);
  const distinct = [...new Map(volumes.map((v) => [v.name, v])).values()];
  return {
    ...(container.hostname ? { hostname: container.hostname } : {}),
    restartPolicy: RESTART[container.restart.policy],
    terminationGracePeriodSeconds: Math.ceil(container.stopGraceMs / 1000),
    containers: [containerOf(service, container, volumes)],
    ...(distinct.length ? { volumes: distinct } : {}),
  };
};

export const podSpecOf = (node: string, d: DesiredPod): PodSpec => ({ nodeName: node, ...templateSpecOf(d.service, d.container) });
