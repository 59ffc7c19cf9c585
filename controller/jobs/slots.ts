// Which slots of a run have ended with success, as a short text: the status remembers them when their pods are gone.
import { byName, type CompiledService } from "../model.ts";
import { bySlot } from "../pods.ts";

/** The part of a slot that says which of a run it is: an ordinal, or a node. Slots of a schedule begin with `<run>-`. */
export const withoutRun = (service: CompiledService, slot: string): string =>
  service.job?.schedule ? slot.slice(slot.indexOf("-") + 1) : slot;

/** Ordinals as ranges (`0-2,5`), names of nodes as they are. Source: Kubernetes, Job's completedIndexes. */
export const writeSlots = (slots: Iterable<string>, global: boolean): string => {
  const sorted = [...new Set(slots)].toSorted(global ? byName : bySlot);
  if (global) return sorted.join(",");
  const ranges: [number, number][] = [];
  for (const slot of sorted.map(Number)) {
    const last = ranges.at(-1);
    if (last && slot === last[1] + 1) last[1] = slot;
    else ranges.push([slot, slot]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
};

export const readSlots = (text: string | undefined, global: boolean): Set<string> => {
  const parts = (text ?? "").split(",").filter((part) => part !== "");
  if (global) return new Set(parts);
  return new Set(
    parts.flatMap((part) => {
      const [from = 0, to = from] = part.split("-").map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
    }),
  );
};
