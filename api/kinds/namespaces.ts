import { NAMESPACE_FINALIZER } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { namespaceTable } from "../table/core.ts";

type Namespace = KubeObject & { status?: { phase?: string } };

export const namespaces: Kind<Namespace> = {
  ...PLAIN,
  resource: RESOURCES.namespaces,
  description: "A space for names: objects of the same kind in different namespaces may have the same name.",
  schema: "namespace",
  verbs: ALL_VERBS.filter((v) => v !== "deletecollection"),
  refused: {
    "status/update": "the status of a Namespace is the controller's to write",
    "status/patch": "the status of a Namespace is the controller's to write",
    "finalize/update":
      "a Namespace has its finalizers in metadata.finalizers: change the Namespace itself, or wait until its contents are gone",
  },
  subresources: [{ name: "status", verbs: ["get"] }],
  status: true,
  finalizers: [NAMESPACE_FINALIZER],
  present: (o) => ({ ...o, status: { ...o.status, phase: o.metadata.deletionTimestamp ? "Terminating" : "Active" } }),
  fields: { "status.phase": (o) => o.status?.phase ?? "" },
  table: namespaceTable,
};
