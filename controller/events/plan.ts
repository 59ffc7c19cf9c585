// What an Event of ours is called, and what counting one more does to it. Pure.
import type { Event } from "../../schemas/types.ts";
import { hashOf } from "../canonical.ts";
import { CLI, GROUP } from "../../schemas/constants.ts";
import { secondsOf } from "../times.ts";

/** The object that an Event is about. */
export interface Subject {
  apiVersion: string;
  kind: string;
  /** Absent for objects without one (nodes); their Events lie in "default", as in Kubernetes. */
  namespace?: string;
  name: string;
  uid: string;
}

export interface Happening {
  subject: Subject;
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** RFC 3339 with milliseconds. */
  at: string;
  /** Where it came from, if not from the controller itself. */
  host?: string;
  /** Orders what one agent said about one pod; with `at` it tells what was counted already. */
  seq?: number;
}

/** Carries `at` and `seq` of the last happening counted, so that hearing of it again (restart, new leader) changes nothing. */
export const LAST_ANNOTATION = `${GROUP}/last`;

/** Equal in object, reason and message: one Event, counted. */
export const eventName = (h: Happening): string => `${h.subject.name}.${hashOf([h.subject.uid, h.reason, h.message]).slice(0, 16)}`;
export const eventNamespace = (s: Subject): string => s.namespace ?? "default";

const markOf = (h: Happening): string => `${h.at}#${String(h.seq ?? 0).padStart(9, "0")}`;

/** The Event with one more happening counted; undefined when that one is in it already. `uid` is for a new Event. */
export const countEvent = (old: Event | undefined, h: Happening, uid: () => string): Event | undefined => {
  const mark = markOf(h);
  if (old && (old.metadata.annotations?.[LAST_ANNOTATION] ?? "") >= mark) return undefined;
  const at = secondsOf(h.at);
  const component = h.host === undefined ? "controller" : "agent";
  const namespace = eventNamespace(h.subject);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: old
      ? { ...old.metadata, annotations: { ...old.metadata.annotations, [LAST_ANNOTATION]: mark } }
      : { name: eventName(h), namespace, uid: uid(), resourceVersion: "", creationTimestamp: at, annotations: { [LAST_ANNOTATION]: mark } },
    involvedObject: { ...h.subject, namespace },
    reason: h.reason,
    message: h.message,
    type: h.type,
    count: (old?.count ?? 0) + 1,
    firstTimestamp: old?.firstTimestamp ?? at,
    lastTimestamp: at,
    source: { component: `${CLI}-${component}`, ...(h.host === undefined ? {} : { host: h.host }) },
    reportingComponent: `${GROUP}/${component}`,
  };
};
