import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { eventTable } from "../table/core.ts";

interface Reference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
}
type Event = KubeObject & {
  involvedObject?: Reference;
  reason?: string;
  type?: string;
  reportingComponent?: string;
  source?: { component?: string };
};

const ofObject = (field: keyof Reference) => (o: Event) => o.involvedObject?.[field] ?? "";

export const events: Kind<Event> = {
  ...PLAIN,
  resource: RESOURCES.events,
  description: "Something that happened to an object. Kept for an hour.",
  schema: "event",
  verbs: ALL_VERBS,
  fields: {
    "involvedObject.kind": ofObject("kind"),
    "involvedObject.namespace": ofObject("namespace"),
    "involvedObject.name": ofObject("name"),
    "involvedObject.uid": ofObject("uid"),
    "involvedObject.apiVersion": ofObject("apiVersion"),
    "involvedObject.resourceVersion": ofObject("resourceVersion"),
    "involvedObject.fieldPath": ofObject("fieldPath"),
    reason: (o) => o.reason ?? "",
    type: (o) => o.type ?? "",
    reportingComponent: (o) => o.reportingComponent || (o.source?.component ?? ""),
    source: (o) => o.source?.component || (o.reportingComponent ?? ""),
  },
  table: eventTable,
};
