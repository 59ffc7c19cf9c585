// Tables of the kinds that look as they do in Kubernetes.
import type { ConfigMap, Event, Lease, Namespace, Scale, Secret, ServiceAccount } from "../../schemas/types.ts";
import type { TableShape } from "../kind.ts";
import { AGE, age, column, NAME, NONE, wide } from "./cells.ts";
import { ageOf } from "./duration.ts";

/** For kinds without a table of their own. */
export const plainTable: TableShape = {
  columns: [NAME, AGE],
  cells: (o, now) => [o.metadata.name, age(o, now)],
};

export const namespaceTable: TableShape<Namespace> = {
  columns: [NAME, column("Status", "Active, or Terminating while its contents are being removed."), AGE],
  cells: (o, now) => [o.metadata.name, o.metadata.deletionTimestamp ? "Terminating" : (o.status?.phase ?? "Active"), age(o, now)],
};

const size = (...maps: (object | undefined)[]): number => maps.reduce((n, m) => n + Object.keys(m ?? {}).length, 0);

export const configMapTable: TableShape<ConfigMap> = {
  columns: [NAME, column("Data", "How many entries it has.", "integer"), AGE],
  cells: (o, now) => [o.metadata.name, size(o.data, o.binaryData), age(o, now)],
};

export const secretTable: TableShape<Secret> = {
  columns: [NAME, column("Type", "What the secret is for."), column("Data", "How many values it has.", "integer"), AGE],
  cells: (o, now) => [o.metadata.name, o.type ?? "Opaque", size(o.data), age(o, now)],
};

export const serviceAccountTable: TableShape<ServiceAccount> = {
  columns: [NAME, column("Secrets", "How many secrets belong to it.", "integer"), AGE],
  cells: (o, now) => [o.metadata.name, size(o.secrets), age(o, now)],
};

export const scaleTable: TableShape<Scale> = {
  columns: [
    NAME,
    column("Desired", "How many pods are wanted.", "integer"),
    column("Available", "How many pods there are.", "integer"),
    AGE,
  ],
  cells: (o, now) => [o.metadata.name, o.spec?.replicas ?? 0, o.status?.replicas ?? 0, age(o, now)],
};

export const leaseTable: TableShape<Lease> = {
  columns: [
    NAME,
    column("Holder", "Who holds it."),
    AGE,
    wide("Renewed", "Time since it was last renewed."),
    wide("Transitions", "How often it went from one holder to another.", "integer"),
  ],
  cells: (o, now) => [
    o.metadata.name,
    o.spec?.holderIdentity ?? "",
    age(o, now),
    o.spec?.renewTime ? ageOf(o.spec.renewTime, now) : NONE,
    o.spec?.leaseTransitions ?? 0,
  ],
};

export const eventTable: TableShape<Event> = {
  columns: [
    column("Last Seen", "Time since it last happened."),
    column("Type", "Normal, or Warning."),
    column("Reason", "What happened, as one word."),
    column("Object", "The object that it is about."),
    wide("Subobject", "The part of the object that it is about."),
    wide("Source", "Program that says so, and its node."),
    column("Message", "What happened, as a sentence."),
    wide("First Seen", "Time since it first happened."),
    wide("Count", "How often it happened.", "integer"),
    { ...wide("Name", "Name of the event."), format: "name" },
  ],
  cells(o, now) {
    const { involvedObject: about } = o;
    const first = o.firstTimestamp ?? o.eventTime;
    const last = o.series?.lastObservedTime ?? o.lastTimestamp ?? first;
    return [
      ageOf(last, now),
      o.type ?? "",
      o.reason ?? "",
      about.kind ? `${about.kind.toLowerCase()}/${about.name ?? ""}` : (about.name ?? NONE),
      about.fieldPath ?? "",
      [o.source?.component || o.reportingComponent, o.source?.host || o.reportingInstance].filter((s) => s).join(", "),
      (o.message ?? "").trim(),
      ageOf(first ?? o.lastTimestamp, now),
      o.series?.count ?? (o.count || 1),
      o.metadata.name,
    ];
  },
};
