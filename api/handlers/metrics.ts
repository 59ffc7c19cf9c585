// metrics.k8s.io: what nodes and pods use, for `kubectl top` and whoever scales by it. Source: k8s.io/metrics, v1beta1.
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import type { NodeStats } from "../../schemas/tunnel.ts";
import type { Node, NodeMetrics, Pod, PodMetrics } from "../../schemas/types.ts";
import { type Answer, type Call, type Deps, Query } from "../call.ts";
import { type Kind, qualifiedResource } from "../kind.ts";
import { nodes } from "../kinds/nodes.ts";
import { pods } from "../kinds/pods.ts";
import type { NodeLinks } from "../links.ts";
import { ApiError, toApiError } from "../status.ts";
import { NodeReadings } from "./node-readings.ts";
import { list, readOne } from "./read.ts";
import { selectionOf } from "./select.ts";

const sources = new WeakMap<NodeLinks, NodeReadings>();
/** One for each server. */
const readingsOf = ({ links, env }: Deps): NodeReadings => {
  const source = sources.get(links) ?? new NodeReadings(links, env);
  sources.set(links, source);
  return source;
};

export async function getNodeMetrics(deps: Deps, call: Call): Promise<Answer> {
  const node = (await readOne(deps, nodes, undefined, call.name, call.signal)) as unknown as Node;
  const stats = await readingsOf(deps).read(call.name);
  return { type: "object", code: 200, object: nodeMetrics(call.kind, node, stats) };
}

/** Of nodes that answer; a Warning names the others. */
export async function listNodeMetrics(deps: Deps, call: Call): Promise<Answer> {
  const selected = (await objectsOf(deps, call, nodes)) as unknown as Node[];
  const stats = await ask(deps, call, new Set(selected.map((n) => n.metadata.name)));
  const items = selected.flatMap((n) => {
    const found = stats.get(n.metadata.name);
    return found ? [nodeMetrics(call.kind, n, found)] : [];
  });
  return { type: "list", items, metadata: { resourceVersion: "" } };
}

export async function getPodMetrics(deps: Deps, call: Call): Promise<Answer> {
  const pod = (await readOne(deps, pods, call.namespace, call.name, call.signal)) as unknown as Pod;
  const node = pod.spec?.nodeName;
  const object = node === undefined ? undefined : podMetrics(call.kind, pod, await readingsOf(deps).read(node));
  if (!object) {
    const { resource } = call.kind;
    const why = `pod ${call.name} has no container that runs`;
    throw new ApiError(404, "NotFound", `${qualifiedResource(resource)} "${call.name}" not found: ${why}`, {
      name: call.name,
      group: resource.group,
      kind: resource.resource,
    });
  }
  return { type: "object", code: 200, object };
}

/** Of pods that run, on nodes that answer; a Warning names the others. */
export async function listPodMetrics(deps: Deps, call: Call): Promise<Answer> {
  const selected = (await objectsOf(deps, call, pods)) as unknown as Pod[];
  // Unknown: the node is not heard of, which the warning is to say.
  const running = selected.filter((p) => p.status?.phase === "Running" || p.status?.phase === "Unknown");
  const stats = await ask(deps, call, new Set(running.flatMap((p) => p.spec?.nodeName ?? [])));
  const items = running.flatMap((p) => {
    const found = stats.get(p.spec?.nodeName ?? "");
    return (found && podMetrics(call.kind, p, found)) ?? [];
  });
  return { type: "list", items, metadata: { resourceVersion: "" } };
}

/** The objects that are measured: metrics are selected by their names and labels. @throws ApiError 400 */
async function objectsOf(deps: Deps, call: Call, kind: Kind): Promise<KubeObject[]> {
  // Fields that only the objects have are none of the metrics'.
  selectionOf(call);
  const query = new URLSearchParams();
  for (const name of ["labelSelector", "fieldSelector"]) query.set(name, call.query.text(name) ?? "");
  return (await list(deps, { ...call, kind, query: new Query(query) })).items;
}

async function ask(deps: Deps, call: Call, names: ReadonlySet<string>): Promise<Map<string, NodeStats>> {
  const readings = readingsOf(deps);
  const found = new Map<string, NodeStats>();
  const silent: string[] = [];
  let why = "";
  await Promise.all(
    [...names].map(async (node) => {
      try {
        found.set(node, await readings.read(node));
      } catch (error) {
        silent.push(node);
        why ||= toApiError(error).message;
      }
    }),
  );
  if (silent.length > 0) {
    const shown = silent.toSorted().slice(0, 10).join(", ");
    const more = silent.length > 10 ? ` and ${silent.length - 10} more` : "";
    call.warn(`no metrics of node${silent.length > 1 ? "s" : ""} ${shown}${more}: ${why}`);
  }
  return found;
}

const nodeMetrics = (kind: Kind, { metadata: { name, labels } }: Node, s: NodeStats): KubeObject =>
  ({
    ...head(kind, { name, ...(labels ? { labels } : {}) }, s.at, s.windowMs),
    usage: usage(s.node),
  }) satisfies Measured<NodeMetrics> as unknown as KubeObject;

/** undefined: it does not run, as far as its node knows. */
function podMetrics(kind: Kind, pod: Pod, s: NodeStats): KubeObject | undefined {
  const { name, namespace = "", labels, uid } = pod.metadata;
  const used = s.pods.find((p) => p.uid === uid && p.pod === name && p.namespace === namespace);
  if (!used) return undefined;
  const container = pod.spec?.containers?.[0]?.name ?? name;
  return {
    ...head(kind, { name, namespace, ...(labels ? { labels } : {}) }, s.at, used.windowMs),
    containers: [{ name: container, usage: usage(used) }],
  } satisfies Measured<PodMetrics> as unknown as KubeObject;
}

/** Nothing is stored, so there is no uid and no version of it. */
interface Head {
  apiVersion: "metrics.k8s.io/v1beta1";
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; creationTimestamp: string };
  timestamp: string;
  window: string;
}
type Measured<T extends { kind: string }> = Omit<T, keyof Head | "kind"> & Head & { kind: string };

const head = (kind: Kind, metadata: Omit<Head["metadata"], "creationTimestamp">, at: string, windowMs: number) => {
  const timestamp = `${at.slice(0, 19)}Z`;
  return {
    kind: kind.resource.kind,
    apiVersion: apiVersionOf(kind.resource) as Head["apiVersion"],
    metadata: { ...metadata, creationTimestamp: timestamp },
    timestamp,
    window: `${Math.round(windowMs) / 1000}s`,
  };
};

const usage = ({ cpuCores, memoryBytes }: { cpuCores: number; memoryBytes: number }) => ({
  cpu: `${Math.round(cpuCores * 1e9)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});
