// What `x-steadfleet` says about a container whose health check fails.
import type { ServiceExtension } from "../types.ts";
import type { Field } from "./context.ts";
import { normalizeDuration } from "./healthcheck.ts";
import type { UnhealthyPolicy } from "./normal.ts";

const TIMES = 3;
const WITHIN_MS = 600_000;

/** Undefined: it is reported, and left to run. `checked`: whether there is a check of the manifest; an image may have one, too. */
export const normalizeUnhealthy = (
  policy: ServiceExtension["unhealthy"],
  disabled: boolean,
  field: Field,
): { unhealthy?: UnhealthyPolicy } => {
  const { action = "ignore", times = TIMES, within } = policy ?? {};
  const withinMs = (within === undefined ? undefined : normalizeDuration(within, field.at("within"), 1_000)) ?? WITHIN_MS;
  if (action === "ignore") return {};
  if (disabled) field.warn("the health check is turned off, so the container is never unhealthy");
  return { unhealthy: { action, budget: { times, withinMs } } };
};
