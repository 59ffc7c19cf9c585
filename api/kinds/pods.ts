import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Kind } from "../kind.ts";
import { podTable } from "../table/pods.ts";

type Pod = KubeObject & { spec?: { nodeName?: string; restartPolicy?: string }; status?: { phase?: string; podIP?: string } };

export const pods: Kind<Pod> = {
  resource: RESOURCES.pods,
  description: "One container of one service of a Stack on one node. Made by the controller; deleting one makes the controller replace it.",
  schema: "pod",
  verbs: ["get", "list", "watch", "delete", "deletecollection"],
  subresources: [{ name: "status", verbs: ["get"] }],
  reads: "pods",
  generation: false,
  status: true,
  finalizers: [],
  custom: false,
  mergeKeys: {},
  fields: {
    "spec.nodeName": (o) => o.spec?.nodeName ?? "",
    "spec.restartPolicy": (o) => o.spec?.restartPolicy ?? "",
    "status.phase": (o) => o.status?.phase ?? "",
    "status.podIP": (o) => o.status?.podIP ?? "",
  },
  table: podTable,
};
