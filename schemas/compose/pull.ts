// When an image is pulled.
import type { PullPolicy } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

const DAY_MS = 86_400_000;
const UNITS_MS: Record<string, number> = { w: 7 * DAY_MS, d: DAY_MS, h: 3_600_000, m: 60_000, s: 1000 };
const WORDS = ["missing", "if_not_present", "always", "never", "build", "daily", "weekly", "every_12h", "refresh"];

/** `every_2w3d12h` → milliseconds. Source: Compose specification, "pull_policy". */
const everyMs = (text: string): number | undefined => {
  const match = /^every_((?:\d{1,6}[wdhms])+)$/.exec(text);
  if (!match) return undefined;
  const parts = (match[1] ?? "").matchAll(/(\d+)([wdhms])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ""] ?? 0), 0);
};

/** @param field of the service */
export const normalizePullPolicy = (service: Pick<ComposeService, "pull_policy" | "pull_refresh_after">, field: Field): PullPolicy => {
  const { pull_policy: text, pull_refresh_after: after } = service;
  if (text === "refresh") {
    const ms = everyMs(`every_${after ?? "0s"}`);
    if (after !== undefined && !ms)
      field.at("pull_refresh_after").problem("Invalid", `must be a time such as 12h or 2d; got ${show(after)}`, variableHelp(after));
    return ms ? { everyMs: ms } : "always";
  }
  if (after !== undefined) field.at("pull_refresh_after").warn("has no effect without `pull_policy: refresh`");
  return normalizeWord(text, field.at("pull_policy"));
};

const normalizeWord = (text: string | undefined, field: Field): PullPolicy => {
  if (!text || text === "missing" || text === "if_not_present") return "missing";
  if (text === "always" || text === "never") return text;
  if (text === "daily") return { everyMs: DAY_MS };
  if (text === "weekly") return { everyMs: 7 * DAY_MS };
  if (text === "build") {
    field.warn("nothing is built here: the image is pulled when the node does not have it");
    return "missing";
  }
  const ms = everyMs(text);
  if (ms !== undefined && ms > 0) return { everyMs: ms };
  const message = `must be missing, if_not_present, always, never, daily, weekly or every_<duration>; got ${show(text)}${field.guess(text, WORDS)}`;
  field.problem("NotSupported", message, variableHelp(text));
  return "missing";
};
