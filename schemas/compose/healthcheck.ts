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

const normalizeTest = (test: string | readonly string[], field: Field): string[] | undefined => {
  if (typeof test === "string") {
    if (test.trim() !== "") return ["CMD-SHELL", test];
    field.problem("Invalid", "must not be empty; write `disable: true` to turn the image's check off");
    return undefined;
  }
  const [form, ...rest] = test;
  if (form === "NONE" && rest.length === 0) return ["NONE"];
  if (form === "CMD" && rest.length > 0) return [...test];
  if (form === "CMD-SHELL" && rest.length === 1) return [...test];
  if (form === "CMD" || form === "CMD-SHELL" || form === "NONE") {
    const wants = { CMD: "a program and its arguments", "CMD-SHELL": "one line for the shell", NONE: "nothing" }[form];
    field.problem("Invalid", `after ${form} comes ${wants}; got ${rest.length} more ${rest.length === 1 ? "word" : "words"}`);
    return undefined;
  }
  const help = "Begin with CMD (a program and its arguments) or CMD-SHELL (one line for the shell).";
  field.problem("Invalid", `must begin with CMD, CMD-SHELL or NONE; got ${show(form ?? "")}`, help);
  return undefined;
};

/** undefined: the image's own check. */
export const normalizeHealthcheck = (check: ComposeHealthcheck | undefined, field: Field): ContainerSpec["healthcheck"] => {
  if (!check) return undefined;
  const test = check.test === undefined ? undefined : normalizeTest(check.test, field.at("test"));
  const times = {
    intervalMs: check.interval === undefined ? undefined : normalizeDuration(check.interval, field.at("interval"), 1),
    timeoutMs: check.timeout === undefined ? undefined : normalizeDuration(check.timeout, field.at("timeout"), 1),
    startPeriodMs: check.start_period === undefined ? undefined : normalizeDuration(check.start_period, field.at("start_period")),
    startIntervalMs:
      check.start_interval === undefined ? undefined : normalizeDuration(check.start_interval, field.at("start_interval"), 1),
  };
  if (check.disable) {
    if (check.test !== undefined && test?.[0] !== "NONE") {
      field.at("disable").problem("Invalid", "either a `test` or `disable: true`, not both");
    }
    return { disable: true };
  }
  if (check.test === undefined) {
    const help =
      "Repeat the image's test here (`docker image inspect` shows it), or remove `healthcheck` to use the image's check as it is.";
    if (Object.keys(check).some((key) => key !== "disable" && !key.startsWith("x-")))
      field.at("test").problem("Required", "is required", help);
    return undefined;
  }
  if (!test) return undefined;
  if (test[0] === "NONE") return { disable: true };
  return {
    test,
    intervalMs: times.intervalMs ?? DEFAULTS.intervalMs,
    timeoutMs: times.timeoutMs ?? DEFAULTS.timeoutMs,
    retries: check.retries || DEFAULTS.retries,
    startPeriodMs: times.startPeriodMs ?? DEFAULTS.startPeriodMs,
    ...(times.startIntervalMs === undefined ? {} : { startIntervalMs: times.startIntervalMs }),
  };
};
