import type { KubeObject } from "../../schemas/meta.ts";
import { CLI } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { type Kind, PLAIN } from "../kind.ts";
import { podTable } from "../table/pods.ts";

type Pod = KubeObject & { spec?: { nodeName?: string; restartPolicy?: string }; status?: { phase?: string; podIP?: string } };

export const pods: Kind<Pod> = {
  ...PLAIN,
  resource: RESOURCES.pods,
  description: "One container of one service of a Stack on one node. Made by the controller; deleting one makes the controller replace it.",
  schema: "pod",
  verbs: ["get", "list", "watch", "delete", "deletecollection"],
  refused: {
    create: `a Pod is made by the controller, never by hand: put the container into a Stack, for example as a Compose file with \`${CLI} up\`, or \`kubectl apply\` a Stack`,
    update: `a Pod is what became of its Stack, and cannot be changed: change the Stack, or delete the Pod to have it replaced`,
    patch: `a Pod is what became of its Stack, and cannot be changed: change the Stack, or delete the Pod to have it replaced`,
    "status/update": "the status of a Pod is what its node's agent reports; nobody else writes it",
    "status/patch": "the status of a Pod is what its node's agent reports; nobody else writes it",
    "ephemeralcontainers/update": "a Docker container takes no other into itself: run a tool in it with `kubectl exec`",
    "ephemeralcontainers/patch": "a Docker container takes no other into itself: run a tool in it with `kubectl exec`",
  },
  subresources: [
    { name: "status", verbs: ["get"] },
    { name: "log", verbs: ["get"], text: true },
    // kubectl asks for these with POST (SPDY) or GET (WebSocket); the right to both is "create".
    { name: "exec", verbs: ["create", "get"], responseKind: { group: "", version: "v1", kind: "PodExecOptions" } },
    { name: "attach", verbs: ["create", "get"], responseKind: { group: "", version: "v1", kind: "PodAttachOptions" } },
    { name: "portforward", verbs: ["create", "get"], responseKind: { group: "", version: "v1", kind: "PodPortForwardOptions" } },
    { name: "eviction", verbs: ["create"], responseKind: { group: "policy", version: "v1", kind: "Eviction" }, schema: "eviction" },
  ],
  reads: "pods",
  status: true,
  fields: {
    "spec.nodeName": (o) => o.spec?.nodeName ?? "",
    "spec.restartPolicy": (o) => o.spec?.restartPolicy ?? "",
    "status.phase": (o) => o.status?.phase ?? "",
    "status.podIP": (o) => o.status?.podIP ?? "",
  },
  table: podTable,
};
