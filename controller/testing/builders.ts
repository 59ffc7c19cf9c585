// Short ways to say a service, a pod, a node: with defaults, so that a test names only what it is about.
import { aContainer } from "../../schemas/testing/container.ts";
import type { NormalService, NormalStack } from "../../schemas/compose/normal.ts";
import type { ContainerSpec, DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import type { Stack, Taint } from "../../schemas/types.ts";
import { compile } from "../compile.ts";
import type { CompiledStack, NodeView, PodView, StackRef } from "../model.ts";
import type { Compiled } from "../stacks/plan.ts";

export interface ServiceOptions extends Partial<Omit<NormalService, "container">> {
  container?: Partial<ContainerSpec>;
  /** Keys of networks; services that name a common one form a group. */
  networks?: string[];
  /** Keys of named volumes. */
  volumes?: string[];
  /** Host ports. */
  ports?: number[];
  image?: string;
}

export const service = (name: string, o: ServiceOptions = {}): NormalService => {
  const { container: c = {}, networks = [], volumes = [], ports = [], image = "app:1", ...rest } = o;
  return {
    name,
    mode: "replicated",
    replicas: 1,
    constraints: [],
    dependsOn: [],
    ...rest,
    container: aContainer({
      image,
      networks: networks.map((key) => ({ key, name: key, external: false, aliases: [] })),
      mounts: volumes.map((key) => ({ type: "volume", volume: { key, name: key, external: false }, target: `/${key}`, readOnly: false })),
      ports: ports.map((p) => ({ target: p, published: p, protocol: "tcp" })),
      ...c,
    }),
  };
};

export const compiled = (...services: NormalService[]): CompiledStack => compile({ services });

export const label = (name: string, value: string) => ({
  text: `node.labels.${name}==${value}`,
  key: { type: "label" as const, name },
  operator: "==" as const,
  value,
});
export const hostname = (value: string) => ({
  text: `node.hostname==${value}`,
  key: { type: "hostname" as const },
  operator: "==" as const,
  value,
});

export const node = (name: string, o: Partial<NodeView> = {}): NodeView => ({
  name,
  hostname: name,
  labels: {},
  ready: true,
  unschedulable: false,
  taints: [],
  pods: 0,
  ports: [],
  ...o,
});
export const taint = (effect: Taint["effect"], key = "maintenance"): Taint => ({ key, effect });
export const nodeMap = (...nodes: (NodeView | string)[]): Map<string, NodeView> =>
  new Map(nodes.map((n) => (typeof n === "string" ? [n, node(n)] : [n.name, n])));

export const stackRef: StackRef = { namespace: "default", name: "shop", uid: "stack-1", generation: 1, labels: {} };

export const observed = (uid: string, o: Partial<ObservedPod> = {}): ObservedPod => ({
  uid,
  desiredRevision: 1_000,
  inSync: true,
  phase: "Running",
  state: "running",
  ready: true,
  since: "2026-01-01T00:00:00.000Z",
  restarts: 0,
  notes: [],
  ...o,
});

let serial = 0;
/** A pod of `shop` with the template of `s`, ready unless said otherwise. `answer: null`: not observed. */
export const pod = (
  s: NormalService,
  slot: string,
  on: string,
  o: { desired?: Partial<DesiredPod>; answer?: Partial<ObservedPod> | null; going?: boolean } = {},
): PodView => {
  const uid = `uid-${++serial}`;
  const desired: DesiredPod = {
    name: `shop-${s.name}-${slot}-${uid}`,
    namespace: "default",
    uid,
    stack: "shop",
    stackUid: stackRef.uid,
    stackGeneration: 1,
    service: s.name,
    slot,
    revision: 1,
    templateHash: compile({ services: [s] }).services[0]?.templateHash ?? "",
    labels: { "steadfleet.dev/stack": "shop", "steadfleet.dev/service": s.name },
    createdAt: "2026-01-01T00:00:00.000Z",
    dependsOn: s.dependsOn,
    container: s.container,
    ...(o.going ? { deletionTimestamp: "2026-01-01T00:00:01.000Z", deletionReason: "replaced" } : {}),
    ...o.desired,
  };
  return { node: on, desired, mod: 10, ...(o.answer === null ? {} : { observed: observed(uid, o.answer) }) };
};

/** For tests of the loops: `spec.services` holds options of `service()` instead of a Compose body. */
export const testCompile = (stack: Stack): Compiled => {
  const services = stack.spec.services as unknown as Record<string, ServiceOptions & { invalid?: string }>;
  const problems = Object.values(services).flatMap((s) => (s.invalid ? [s.invalid] : []));
  if (problems.length > 0) return { problems };
  const normal: NormalStack = { services: Object.entries(services).map(([name, o]) => service(name, o)) };
  return { normal, compiled: compile(normal) };
};
