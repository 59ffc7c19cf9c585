// The API Pod: the join of what the controller wants and what the agent saw.
import { API_VERSION, KUBERNETES, LABELS } from "../constants.ts";
import type { DesiredPod, ObservedPod } from "../fleet.ts";
import type { Pod } from "../types.ts";
import { ANNOTATIONS, type PodContext, type Revised, seconds } from "./common.ts";
import { podSpecOf } from "./pod-spec.ts";
import { podStatusOf } from "./pod-status.ts";

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
      labels: { ...d.labels, [LABELS.stack]: d.stack, [LABELS.service]: d.service, [KUBERNETES.templateHash]: d.templateHash },
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
    spec: podSpecOf(node, d),
    status: podStatusOf(d, o, context),
  };
};
