import { LABELS } from "../../schemas/constants.ts";
import type { Stack, StackRevision, StackStatus } from "../../schemas/types.ts";
import type { TableShape } from "../kind.ts";
import { AGE, age, column, NAME, NONE, some, wide } from "./cells.ts";

/** The health word, unless something newer is known than the status says. */
function statusWord({ metadata, status }: Stack): string {
  if (metadata.deletionTimestamp) return "Terminating";
  if (!status?.health) return "Unknown";
  // The controller has not answered the last change yet: "Healthy" would be about what was before.
  return (status.observedGeneration ?? 0) < (metadata.generation ?? 0) ? "Progressing" : status.health;
}

/** What most wants to be known: what is wrong, else what is not ready, else what is going on. */
function message({ conditions = [] }: StackStatus): string {
  const said = (type: string, status: string) => conditions.find((c) => c.type === type && c.status === status)?.message;
  return said("Degraded", "True") || said("Ready", "False") || said("Progressing", "True") || "";
}

export const stackTable: TableShape<Stack> = {
  columns: [
    NAME,
    column("Ready", "How many pods are ready, of how many that are wanted."),
    column("Updated", "How many pods are of the present revision, of how many that are wanted."),
    column("Progress", "How far the present revision is rolled out."),
    column("Status", "Healthy, Progressing, Degraded, Failed, Suspended or Unknown; Terminating while it is being deleted."),
    column("Revision", "Number of the present revision.", "integer"),
    AGE,
    wide("Nodes", "Nodes that run its pods."),
    wide("Images", "Images of its services."),
    wide("Message", "What is wrong or going on."),
  ],
  cells(stack, now) {
    const { status = {} } = stack;
    const services = Object.values(status.services ?? {});
    const sum = (field: "desired" | "updated") => services.reduce((n, s) => n + s[field], 0);
    return [
      stack.metadata.name,
      status.ready ?? NONE,
      status.services ? `${sum("updated")}/${sum("desired")}` : NONE,
      status.progress === undefined ? NONE : `${status.progress}%`,
      statusWord(stack),
      status.revision ?? null,
      age(stack, now),
      some(status.nodes ?? []),
      some([...new Set(services.map((s) => s.image))]),
      message(status),
    ];
  },
};

/** Where kubectl keeps why something was changed. */
export const CHANGE_CAUSE = "kubernetes.io/change-cause";

export const stackRevisionTable: TableShape<StackRevision> = {
  columns: [
    NAME,
    column("Stack", "The Stack that it is a revision of."),
    column("Revision", "Number of the revision.", "integer"),
    column("Change-Cause", `Why it was made, from the annotation ${CHANGE_CAUSE} of the Stack.`),
    AGE,
    wide("Images", "Images of its services."),
    wide("Hash", "Hash over everything it runs."),
  ],
  cells: (o, now) => [
    o.metadata.name,
    o.metadata.labels?.[LABELS.stack] ?? o.metadata.ownerReferences?.[0]?.name ?? NONE,
    o.revision,
    o.metadata.annotations?.[CHANGE_CAUSE] ?? NONE,
    age(o, now),
    some([...new Set(Object.values(o.spec.services ?? {}).flatMap((s) => (s?.image ? [s.image] : [])))]),
    o.hash,
  ],
};
