// What agents say about their pods, as Events. Pure.
import type { AgentNote, ObservedPod } from "../../schemas/fleet.ts";
import type { PodView } from "../model.ts";
import type { Happening } from "./plan.ts";

const later = (a: AgentNote, b: AgentNote | undefined): boolean => !b || a.at > b.at || (a.at === b.at && a.seq > b.seq);

/** The notes that were not there before. Hearing of one twice does no harm: its Event knows what it counted. */
export const newNotes = (pod: PodView, before: ObservedPod | undefined): Happening[] => {
  const last = before?.uid === pod.desired.uid ? before.notes.at(-1) : undefined;
  const { namespace, name, uid } = pod.desired;
  return (pod.observed?.notes ?? [])
    .filter((n) => later(n, last))
    .map((n) => ({
      subject: { apiVersion: "v1", kind: "Pod", namespace, name, uid },
      type: n.type,
      reason: n.reason,
      message: n.message,
      at: n.at,
      seq: n.seq,
      host: pod.node,
    }));
};
