// The container that a stream is for, and whether it can be had: refusals in Kubernetes' words.
import type { ContainerStatus, Pod } from "../../schemas/types.ts";
import type { Deps } from "../call.ts";
import { readOne } from "../handlers/read.ts";
import { pods } from "../kinds/pods.ts";
import { badRequest, unavailable } from "../status.ts";
import { ageOf } from "../table/duration.ts";

export interface Target {
  namespace: string;
  pod: string;
  uid: string;
  node: string;
  container: string;
  /** As last reported by the node. */
  status?: ContainerStatus;
}

/**
 * `container`: as the client asks; absent is the pod's one.
 * @throws ApiError 404 without such a pod, 400 when it has no such container, 503
 */
export async function targetOf(
  deps: Deps,
  namespace: string,
  name: string,
  container: string | undefined,
  signal?: AbortSignal,
): Promise<Target> {
  const pod = (await readOne(deps, pods, namespace, name, signal)) as unknown as Pod;
  const has = pod.spec?.containers[0]?.name ?? "";
  if (container !== undefined && container !== has) throw badRequest(`container ${container} is not valid for pod ${name}; it has: ${has}`);
  const node = pod.spec?.nodeName;
  if (!node) throw unavailable(`pod ${name} has no node yet`);
  const status = pod.status?.containerStatuses?.[0];
  return { namespace, pod: name, uid: pod.metadata.uid, node, container: has, ...(status ? { status } : {}) };
}

const called = (t: Target): string => `container "${t.container}" in pod "${t.pod}"`;
const inWords = (reason: string | undefined, message: string | undefined): string =>
  [reason, message].filter((p) => p !== undefined && p !== "").join(": ");

/** What is running now, or may be: the node has the last word. @throws ApiError 400 when it is known not to run */
export function mustRun(t: Target, now: number): void {
  const { waiting, terminated } = t.status?.state ?? {};
  if (terminated) {
    const reason = terminated.reason === "OOMKilled" ? ", out of memory" : "";
    const ago = terminated.finishedAt ? ` ${ageOf(terminated.finishedAt, now)} ago` : "";
    throw badRequest(`${called(t)} is not running: Exited (${terminated.exitCode}${reason})${ago}`);
  }
  if (waiting || !t.status)
    throw badRequest(`${called(t)} is not running: ${inWords(waiting?.reason, waiting?.message) || "not created yet"}`);
}

/** A container that was never made has no log. @throws ApiError 400 */
export function mustExist(t: Target): void {
  const { waiting } = t.status?.state ?? {};
  if (t.status?.containerID !== undefined || (t.status && !waiting)) return;
  throw badRequest(`${called(t)} is waiting to start: ${inWords(waiting?.reason, waiting?.message) || "ContainerCreating"}`);
}
