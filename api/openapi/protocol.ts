// The shapes of the protocol itself, which no manifest holds: lists, statuses, options.
import type { ObjectShape, Primitive, Shape } from "./shape.ts";

const said = (description: string) => ({ description, about: description, nullable: false, facets: {} });
const value = (type: Primitive, description: string): Shape => ({ ...said(description), type });
const text = (description: string): Shape => value("string", description);
const list = (items: Shape, description: string): Shape => ({ ...said(description), type: "array", items });
const object = (title: string, description: string, properties: Record<string, Shape>, required: string[] = []): ObjectShape => ({
  ...said(description),
  title,
  type: "object",
  properties,
  required,
});

const VERSIONED = {
  apiVersion: text("Version of the schema of this object."),
  kind: text("What this object is."),
};

const listMeta = object("ListMeta", "What a list has beside its items.", {
  resourceVersion: text("The state that the list is of. A watch from here misses nothing."),
  continue: text("Present when there is more: send it back as the parameter `continue`."),
  remainingItemCount: value("integer", "How many objects follow after this part of the list."),
});

/** The list of a kind, e.g. `StackList`. */
export const listShape = (item: ObjectShape & { title: string }): ObjectShape =>
  object(
    `${item.title}List`,
    `A list of objects of the kind ${item.title}.`,
    { ...VERSIONED, metadata: { ...listMeta, description: "State and continuation of the list." }, items: list(item, "The objects.") },
    ["items"],
  );

const cause = object("StatusCause", "One thing that is wrong.", {
  reason: text("What is wrong with the field, as one word, for example `FieldValueInvalid`."),
  message: text("What is wrong, as a sentence."),
  field: text("Where, for example `spec.services.web.ports[0]`."),
});

/** The answer to what failed, and to a deletion that is done. */
export const statusShape = object("Status", "The outcome of a request that answers no object.", {
  ...VERSIONED,
  metadata: { ...listMeta, description: "Empty." },
  status: text("`Success` or `Failure`."),
  message: text("What happened, as a sentence."),
  reason: text("Why it failed, as one word, for example `NotFound`."),
  code: value("integer", "The HTTP status code."),
  details: object("StatusDetails", "What the outcome is about.", {
    name: text("Name of the object."),
    group: text("Its API group."),
    kind: text("Its kind, or the name of its collection."),
    uid: text("Its UID."),
    retryAfterSeconds: value("integer", "Try again after so many seconds."),
    causes: list(cause, "Everything that is wrong, field by field."),
  }),
});

/** Body of a deletion. */
export const deleteOptionsShape = object("DeleteOptions", "How to delete.", {
  ...VERSIONED,
  gracePeriodSeconds: value("integer", "Accepted; a pod ends within the stop_grace_period of its service."),
  propagationPolicy: text("What happens to the objects that this one owns: `Background`, `Foreground` or `Orphan`."),
  orphanDependents: value("boolean", "Older form of propagationPolicy: true is `Orphan`, false is `Background`."),
  dryRun: list(text("`All`."), "`All`: go through everything but delete nothing."),
  preconditions: object("Preconditions", "Delete only if all of this holds.", {
    uid: text("The object has this UID."),
    resourceVersion: text("The object has not changed since this version."),
  }),
});
