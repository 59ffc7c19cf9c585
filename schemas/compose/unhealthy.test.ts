import { expect, it } from "vitest";
import { parseObject } from "../parse.ts";
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

it("refuses policies that are not acted upon, each with the reason and what to do", () => {
  const refusals = (service: object, stack: object = {}): [string, string | undefined][] => {
    const result = parseObject({
      ...{ apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name: "shop" } },
      spec: { services: { web: { image: "nginx", "x-steadfleet": service } }, "x-steadfleet": stack },
    });
    return "problems" in result ? result.problems.map((p) => [`${p.path} ${p.message}`, p.help]) : [];
  };
  const of = (key: string): string => `spec.services.web.x-steadfleet.${key}`;
  expect(refusals({ unhealthy: { action: "reschedule" } })).toEqual([
    [`${of("unhealthy.action")} "reschedule" is not supported`, expect.stringMatching(/stays on its node.*`recreate`.*kubectl drain/)],
  ]);
  expect(refusals({ unhealthy: { action: "recreat" } })).toEqual([
    [`${of("unhealthy.action")} must be ignore, restart or recreate; got "recreat"; did you mean "recreate"?`, undefined],
  ]);
  expect(refusals({ unhealthy: { action: "restart", budget: 3 } })).toEqual([
    [`${of("unhealthy.budget")} is not supported`, "Write `times` and `within` beside `action`."],
  ]);
  expect(refusals({ hold: { until: "x" }, partition: "keep" })).toEqual([
    [`${of("hold")} is not supported`, expect.stringMatching(/`paused: true`.*`deploy: \{replicas: 0\}`/)],
    [`${of("partition")} is not supported`, expect.stringMatching(/does not answer.*kubectl delete node/)],
  ]);
  expect(refusals({}, { hold: {}, partition: {} })).toEqual([
    ["spec.x-steadfleet.hold is not supported", expect.stringMatching(/`x-steadfleet: \{paused: true\}`/)],
    ["spec.x-steadfleet.partition is not supported", expect.stringMatching(/does not answer/)],
  ]);
});

it("refuses what nobody acts on, and warns where there is no check", () => {
  expect((run({ action: "restart", within: "soon" }).problems ?? []).map(formatProblem)).toEqual([
    expect.stringContaining("must be a duration"),
  ]);
  const off = run({ action: "restart" }, { healthcheck: { disable: true } });
  expect(off.warnings.map(formatWarning)).toEqual([expect.stringContaining("the container is never unhealthy")]);
});
