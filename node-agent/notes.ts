// What was done, in words for people. Pure.
import { asPatch } from "./drift.ts";
import type { Done } from "./execute.ts";
import type { Note } from "./memory.ts";
import type { Plan } from "./plan/plan.ts";

/** `live`: the pod's desired state was changed on purpose, so an update is no heal. */
export const noteOf = (plan: Plan, done: Done, tookMs: number, live: boolean): Note[] => {
  const has = (type: string): boolean => plan.actions.some((a) => a.type === type);
  const drift = plan.drift.length > 0 ? { drift: asPatch(plan.drift) } : {};
  const notes: Note[] = [];
  if (done.pulled) {
    const image = plan.actions.find((a) => a.type === "ensureImage")?.wish.image ?? "";
    notes.push({ type: "Normal", reason: "Pulled", message: `pulled image ${image}` });
  }
  for (const message of done.warnings) notes.push({ type: "Warning", reason: "EngineWarning", message });
  switch (plan.kind) {
    case "create":
      notes.push({
        type: "Normal",
        reason: has("start") ? "Started" : "Created",
        message: `container ${has("create") ? "created" : ""}${has("create") && has("start") ? " and " : ""}${has("start") ? "started" : ""} in ${tookMs} ms`,
      });
      break;
    case "heal": {
      const did = has("create") ? "created again" : has("start") ? "started again" : "put right";
      const onlyUpdate = plan.actions.every((a) => a.type === "update");
      notes.push(
        live && onlyUpdate
          ? {
              type: "Normal",
              reason: "Updated",
              message: `${plan.drift.map((d) => d.path).join(", ")} changed in place in ${tookMs} ms`,
              ...drift,
            }
          : { type: "Normal", reason: "Healed", message: `${plan.cause}; ${did} in ${tookMs} ms`, ...drift },
      );
      break;
    }
    case "restart":
      notes.push({ type: "Normal", reason: "Restarted", message: `${plan.cause}; restarted in ${tookMs} ms` });
      break;
    case "replace":
      notes.push({ type: "Normal", reason: "Replaced", message: `${plan.cause}; replaced in ${tookMs} ms`, ...drift });
      break;
    case "delete":
      if (has("remove")) notes.push({ type: "Normal", reason: "Killing", message: `${plan.cause}; stopped and removed in ${tookMs} ms` });
      break;
    case "orphan":
      notes.push({ type: "Normal", reason: "OrphanRemoved", message: `${plan.cause}; removed in ${tookMs} ms` });
      break;
    case "none":
      break;
  }
  return notes;
};
