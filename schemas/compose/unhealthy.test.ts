import { expect, it } from "vitest";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid } from "../testing/compose.ts";
import type { ComposeService } from "../types.ts";

const run = (unhealthy: unknown, more: Partial<ComposeService> = {}) =>
  normalizeValid({ services: { web: { image: "nginx", ...more, "x-steadfleet": { unhealthy } } } } as Parameters<typeof normalizeValid>[0]);
const policy = (unhealthy: unknown) => run(unhealthy).normal?.services[0]?.unhealthy;

it("says what to do, how often and in what time", () => {
  expect(policy({ action: "restart", times: 5, within: "1h" })).toEqual({ action: "restart", budget: { times: 5, withinMs: 3_600_000 } });
  expect(policy({ action: "recreate" })).toEqual({ action: "recreate", budget: { times: 3, withinMs: 600_000 } });
  expect([policy({ action: "ignore" }), policy({})]).toEqual([undefined, undefined]);
});

it("refuses what nobody acts on, and warns where there is no check", () => {
  expect((run({ action: "restart", within: "soon" }).problems ?? []).map(formatProblem)).toEqual([
    expect.stringContaining("must be a duration"),
  ]);
  const off = run({ action: "restart" }, { healthcheck: { disable: true } });
  expect(off.warnings.map(formatWarning)).toEqual([expect.stringContaining("the container is never unhealthy")]);
});
