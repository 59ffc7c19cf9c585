// When a schedule comes: cron lines in a time zone, as functions of the time given. Pure.
import { Cron } from "croner";
import { show } from "./words.ts";

export interface Timetable {
  /** Five fields, or a nickname such as `@daily`. */
  cron: string;
  /** As in the IANA database. */
  timeZone: string;
}

const MINUTE_MS = 60_000;
const parsed = new Map<string, Cron>();

/** Throws when it is no schedule. */
const cronOf = ({ cron, timeZone }: Timetable): Cron => {
  const key = `${timeZone} ${cron}`;
  const known = parsed.get(key);
  if (known) return known;
  const made = new Cron(cron, { timezone: timeZone, mode: "5-part" });
  // What people write is few; what a test writes is not.
  if (parsed.size > 1_000) parsed.clear();
  parsed.set(key, made);
  return made;
};

/** What is wrong with a cron line; undefined: nothing. */
export const cronProblem = (cron: string): { message: string; help?: string } | undefined => {
  const example =
    "five fields (minute, hour, day of the month, month, day of the week), for example `0 3 * * *`, or a nickname such as `@daily`";
  if (/^(CRON_)?TZ=/.test(cron)) return { message: `${show(cron)} has a time zone`, help: "Write it as `timeZone`." };
  if (!/^@\w+$/.test(cron.trim()) && cron.trim().split(/\s+/).length !== 5)
    return { message: `${show(cron)} is no schedule: it has ${example}` };
  try {
    if (cronOf({ cron, timeZone: "UTC" }).nextRun(new Date(0))) return undefined;
    return { message: `${show(cron)} never comes` };
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/^Cron\w*: /, "");
    return { message: `${show(cron)} is no schedule: ${why}` };
  }
};

/** What is wrong with the name of a time zone; undefined: nothing. */
export const timeZoneProblem = (timeZone: string): string | undefined => {
  try {
    return Intl.DateTimeFormat("en", { timeZone }) && undefined;
  } catch {
    return `${show(timeZone)} is no time zone, such as UTC or Europe/Berlin`;
  }
};

/** The first time after `nowMs`. Milliseconds since the epoch, whole minutes. undefined: it never comes again. */
export const nextTime = (when: Timetable, nowMs: number): number | undefined => cronOf(when).nextRun(new Date(nowMs))?.getTime();

/** The last time that has come by `nowMs`, if it is later than `sinceMs`. However long that is ago, it costs no more. */
export const latestTime = (when: Timetable, sinceMs: number, nowMs: number): number | undefined => {
  const minute = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  const [last] = cronOf(when).previousRuns(1, new Date(minute + MINUTE_MS));
  const time = last?.getTime();
  return time !== undefined && time <= nowMs && time > sinceMs ? time : undefined;
};
