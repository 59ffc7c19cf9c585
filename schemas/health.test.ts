import { describe, expect, it } from "vitest";
import type { DependencyCondition, ObservedPod } from "./fleet.ts";
import { dependencySatisfied, dependencyUnmet, worstHealth } from "./health.ts";

const pod = (o: Partial<ObservedPod>): ObservedPod => ({
  uid: "u",
  desiredRevision: 1,
  inSync: true,
  phase: "Running",
  state: "running",
  ready: true,
  since: "2026-01-01T00:00:00.000Z",
  restarts: 0,
  startedAt: "2026-01-01T00:00:00.000Z",
  notes: [],
  ...o,
});
const ended = { phase: "Succeeded", state: "exited", exitCode: 0 } as const;

describe("a dependency", () => {
  it.each<[string, DependencyCondition, (ObservedPod | undefined)[], string | undefined]>([
    ["is met by nobody when there should be nobody", "service_healthy", [], undefined],
    ["waits for a pod that nobody has seen", "service_started", [undefined], "does not exist yet"],
    ["on start is met by a running pod", "service_started", [pod({})], undefined],
    ["on start is met by a pod that ran and ended", "service_started", [pod(ended)], undefined],
    ["on start waits for a created container", "service_started", [pod({ state: "created", phase: "Pending" })], "has not started yet"],
    ["on health waits while the check starts", "service_healthy", [pod({ health: "starting" })], "is not healthy yet"],
    ["on health is met when healthy", "service_healthy", [pod({ health: "healthy" })], undefined],
    ["on health says that it is unhealthy", "service_healthy", [pod({ health: "unhealthy" })], "is unhealthy"],
    ["on health needs a check", "service_healthy", [pod({})], "has no health check, so it never becomes healthy"],
    ["on health does not count a paused pod", "service_healthy", [pod({ state: "paused", health: "healthy" })], "is paused"],
    ["on completion waits for the end", "service_completed_successfully", [pod({})], "has not ended yet"],
    ["on completion is met by exit code 0", "service_completed_successfully", [pod(ended)], undefined],
    [
      "on completion refuses other exit codes",
      "service_completed_successfully",
      [pod({ ...ended, exitCode: 3 })],
      "ended with exit code 3",
    ],
    ["needs every pod", "service_started", [pod({}), undefined], "does not exist yet"],
    ["does not count a removed pod", "service_started", [pod({ phase: "Removed", state: "absent" })], "does not exist yet"],
  ])("%s", (_name, condition, observed, why) => {
    expect(dependencyUnmet(condition, observed)).toBe(why);
    expect(dependencySatisfied(condition, observed)).toBe(why === undefined);
  });
});

describe("the worst of several health words", () => {
  it("is what needs a person most", () => {
    expect(worstHealth([])).toBe("Healthy");
    expect(worstHealth(["Healthy", "Progressing"])).toBe("Progressing");
    expect(worstHealth(["Failed", "Degraded", "Unknown"])).toBe("Failed");
  });
});
