// Events under their two names: as v1 has them, which is how they are kept, and as events.k8s.io/v1 has them.
// Source: Kubernetes, pkg/apis/events/v1/conversion.go.
import type { Event, EventsEvent } from "../types.ts";

/** What has another name there → its name in v1. All else is called the same. */
const NAMES = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
} as const satisfies Partial<Record<keyof EventsEvent, keyof Event>>;

const TO_CORE = new Map<string, string>(Object.entries(NAMES));
const FROM_CORE = new Map([...TO_CORE].map(([theirs, ours]) => [ours, theirs]));

const renamed = (object: object, names: ReadonlyMap<string, string>, apiVersion: string): object => ({
  ...Object.fromEntries(Object.entries(object).map(([key, value]): [string, unknown] => [names.get(key) ?? key, value])),
  apiVersion,
});

/** The event as events.k8s.io/v1 shows it. */
export const eventsEventOf = (event: Event): EventsEvent => renamed(event, FROM_CORE, "events.k8s.io/v1") as EventsEvent;

/** The event as it is kept. Loses nothing: `eventsEventOf` leads back. */
export const coreEventOf = (event: EventsEvent): Event => renamed(event, TO_CORE, "v1") as Event;
