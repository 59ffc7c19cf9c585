import { VIEW_RESOURCES } from "../../schemas/resources.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import type { Event, EventsEvent } from "../../schemas/types.ts";
import { coreEventOf, eventsEventOf } from "../../schemas/views.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { eventTable } from "../table/core.ts";
import { events } from "./events.ts";

/** A field selector of v1 Events, asked of the newer form. */
const asked = (field: string) => (o: KubeObject) => events.fields[field]?.(coreEventOf(o as EventsEvent)) ?? "";
const REGARDING = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

export const eventsevents: Kind = {
  ...PLAIN,
  resource: VIEW_RESOURCES.eventsevents,
  description: "The Events of v1 in their newer form.",
  schema: "eventsevent",
  verbs: ALL_VERBS,
  reads: "derived",
  derived: { from: events, views: (event) => [eventsEventOf(event as Event)] },
  fields: {
    ...Object.fromEntries(REGARDING.map((f) => [`regarding.${f}`, asked(`involvedObject.${f}`)])),
    reason: asked("reason"),
    type: asked("type"),
    reportingController: asked("reportingComponent"),
  },
  table: { columns: eventTable.columns, cells: (o, now) => eventTable.cells(coreEventOf(o as EventsEvent), now) },
};
