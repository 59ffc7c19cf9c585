// How a service says that it is healthy.
import { parseDuration } from "../duration.ts";
import type { ContainerSpec } from "../fleet.ts";
import type { ComposeHealthcheck } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

/** Defaults of the engine. Source: Docker, Dockerfile reference, HEALTHCHECK. */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 };

/** Milliseconds, rounded; undefined after a problem. The engine takes no check times between 0 and 1 ms. */
export const normalizeDuration = (text: string, field: Field, least = 0): number | undefined => {
  const ms = parseDuration(text);
  if (ms === undefined) {
    field.problem("Invalid", `must be a duration such as 90s or 1m30s; got ${show(text)}`, variableHelp(text));
    return undefined;
  }
  if (ms < least) {
    field.problem("Invalid", `must be at least ${least}ms; got ${show(text)}`);
    return undefined;
  }
  return Math.round(ms);
};

const normalizeTest = (test: string | readonly string[], check: Field): string[] | undefined => {
  const field = check.at("test");
  if (typeof test === "string") {
    if (test.trim() !== "") return ["CMD-SHELL", test];
    field.problem("Invalid", "must not be empty; write `disable: true` to turn the image's check off");
    return undefined;
  }
  const [form, ...rest] = test;
  if (form === "NONE" && rest.length === 0) return ["NONE"];
  if (form === "CMD" && rest.length > 0) return [...test];
  if (form === "CMD-SHELL" && rest.length > 0) {
    if (rest.length > 1)
      field.warn(`the shell runs ${show(rest[0] ?? "")} alone: after CMD-SHELL comes one line; for a program and its arguments write CMD`);
    return [...test];
  }
  if (form === "CMD" || form === "CMD-SHELL" || form === "NONE") {
    const wants = { CMD: "a program and its arguments", "CMD-SHELL": "one line for the shell", NONE: "nothing" }[form];
    field.problem("Invalid", `after ${form} comes ${wants}; got ${rest.length} more ${rest.length === 1 ? "word" : "words"}`);
    return undefined;
  }
  // Taken, as the engine does: it knows no such check, and runs none.
  check.warn(
    `has no effect: the engine runs no check that begins with ${show(form ?? "")}: put CMD before it, or CMD-SHELL before a line for the shell`,
  );
  return ["NONE"];
};

/** undefined: the image's own check, as it is. */
export const normalizeHealthcheck = (check: ComposeHealthcheck | undefined, field: Field): ContainerSpec["healthcheck"] => {
  if (!check) return undefined;
  // 0 is the engine's word for "not said".
  const time = (key: "interval" | "timeout" | "start_period" | "start_interval"): number | undefined => {
    const text = check[key];
    const ms = text === undefined ? undefined : normalizeDuration(text, field.at(key));
    if (ms === undefined || ms >= 1) return ms;
    if (parseDuration(text ?? "") !== 0) field.at(key).problem("Invalid", `must be at least 1ms; got ${show(text ?? "")}`);
    return undefined;
  };
  const times = { intervalMs: time("interval"), timeoutMs: time("timeout"), startPeriodMs: time("start_period") };
  const startIntervalMs = time("start_interval");
  if (check.disable) {
    if (check.test !== undefined && check.test[0] !== "NONE") field.at("test").warn("has no effect beside `disable: true`");
    return { disable: true };
  }
  const own = check.test !== undefined && check.test.length > 0;
  const test = own ? normalizeTest(check.test ?? "", field) : [];
  if (!test || test[0] === "NONE") return test && { disable: true };
  const more = startIntervalMs === undefined ? {} : { startIntervalMs };
  if (own) {
    return {
      test,
      intervalMs: times.intervalMs ?? DEFAULTS.intervalMs,
      timeoutMs: times.timeoutMs ?? DEFAULTS.timeoutMs,
      retries: check.retries || DEFAULTS.retries,
      startPeriodMs: times.startPeriodMs ?? DEFAULTS.startPeriodMs,
      ...more,
    };
  }
  // Without a test the image's is meant, with other times.
  const { intervalMs = 0, timeoutMs = 0, startPeriodMs = 0 } = times;
  const retries = check.retries ?? 0;
  const said = intervalMs + timeoutMs + startPeriodMs + retries + (startIntervalMs ?? 0) > 0;
  return said ? { test, intervalMs, timeoutMs, retries, startPeriodMs, ...more } : undefined;
};
