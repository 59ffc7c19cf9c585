// deploy, and what `x-steadfleet` says of jobs.
import { describe, expect, it } from "vitest";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid as run } from "../testing/compose.ts";
import type { ComposeDeploy, ComposeService, ServiceExtension } from "../types.ts";
import type { NormalService } from "./normal.ts";

type Said = { problems: string; warnings: string; service: NormalService | undefined };
const said = (service: Partial<ComposeService>): Said => {
  const { normal, problems, warnings } = run({ services: { web: { image: "nginx", ...service } } });
  return {
    problems: (problems ?? []).map(formatProblem).join("\n"),
    warnings: warnings.map(formatWarning).join("\n"),
    service: normal?.services[0],
  };
};
const sound = (service: Partial<ComposeService>): NormalService => {
  const { problems, service: found } = said(service);
  expect(problems).toBe("");
  if (!found) throw new Error("no service");
  return found;
};

describe("deploy", () => {
  it.each<[string, ComposeDeploy, object]>([
    ["replicas as a text", { replicas: "3" }, { replicas: 3 }],
    ["processes", { resources: { limits: { pids: 100 } } }, { container: { limits: { pids: 100 } } }],
    ["no limit of cores", { resources: { limits: { cpus: 0 } } }, { container: { limits: {} } }],
    ["half a core", { resources: { limits: { cpus: ".5", memory: 0 } } }, { container: { limits: { cpus: 0.5 } } }],
    ["no limit of processes", { resources: { limits: { pids: -1 } } }, { container: { limits: {} } }],
    [
      "reservations",
      { resources: { reservations: { cpus: "0.25", memory: "64M" } } },
      { reservations: { cpus: 0.25, memoryBytes: 67_108_864 }, container: { limits: { memoryReservationBytes: 67_108_864 } } },
    ],
    [
      "devices",
      {
        resources: {
          reservations: {
            devices: [
              { capabilities: ["gpu"], driver: "nvidia", count: 1 },
              { capabilities: ["gpu"], device_ids: ["0"] },
            ],
          },
        },
      },
      {
        container: {
          deviceRequests: [
            { driver: "nvidia", count: 1, capabilities: [["gpu"]] },
            { deviceIds: ["0"], capabilities: [["gpu"]] },
          ],
        },
      },
    ],
    ["restart: none", { restart_policy: { condition: "none" } }, { container: { restart: { policy: "no" } } }],
    [
      "restart: so many times",
      { restart_policy: { condition: "on-failure", max_attempts: 3 } },
      { container: { restart: { policy: "on-failure", maxRetries: 3 } } },
    ],
    ["restart: any", { restart_policy: { condition: "any" } }, { container: { restart: { policy: "always" } } }],
    ["restart: when is not said", { restart_policy: { delay: "5s" } }, { container: { restart: { policy: "unless-stopped" } } }],
  ])("%s", (_name, deploy, want) => expect(sound({ deploy })).toMatchObject(want));

  it.each<[ComposeDeploy, RegExp]>([
    [{ replicas: "many" }, /replicas: must be a number from 0 to 1000; got "many"/],
    [{ resources: { limits: { memory: "64M" }, reservations: { memory: "128M" } } }, /reservations.memory: is more than the limit/],
    [{ update_config: { parallelism: "x" } }, /update_config.parallelism: must be a number/],
    [{ update_config: { delay: "soon" } }, /update_config.delay: must be a duration/],
    [{ update_config: { max_failure_ratio: 2 } }, /must be from 0 to 1; got 2/],
    [{ mode: "global-job", replicas: 1 }, /a global-job service has one pod on each node/],
  ])("%j is refused", (deploy, told) => expect(said({ deploy }).problems).toMatch(told));

  it.each<[ComposeDeploy, RegExp]>([
    [{ update_config: { parallelism: 2 } }, /update_config: is not followed yet: pods are replaced one at a time/],
    [{ rollback_config: { order: "stop-first" } }, /rollback_config: is not followed yet/],
    [{ endpoint_mode: "vip" }, /endpoint_mode: has no effect/],
    [{ labels: { a: "b" } }, /deploy.labels: has no effect/],
    [{ placement: { preferences: [{ spread: "node.labels.zone" }] } }, /preferences: is not followed yet/],
    [{ replicas: 3, placement: { max_replicas_per_node: 1 } }, /max_replicas_per_node: is not followed yet/],
    [{ resources: { reservations: { cpus: 1 } } }, /cpus: nodes are chosen without counting reservations/],
    [{ restart_policy: { condition: "any", max_attempts: 3 } }, /max_attempts: has no effect with the condition "any"/],
    [{ restart_policy: { condition: "any", delay: "5s", window: "10s" } }, /delay: is not followed: the engine waits 100ms/],
  ])("%j is accepted with a warning", (deploy, told) => {
    sound({ deploy });
    expect(said({ deploy }).warnings).toMatch(told);
  });

  it("says nothing of what happens anyway", () =>
    expect(
      said({
        deploy: { update_config: { parallelism: 1, order: "stop-first" }, endpoint_mode: "dnsrr", placement: { max_replicas_per_node: 3 } },
      }).warnings,
    ).toBe(""));

  it("counts before `restart`, as in Compose, and says so", () => {
    const both = { restart: "always", deploy: { restart_policy: { condition: "none" as const } } };
    expect(sound(both).container.restart).toEqual({ policy: "no" });
    expect(said(both).warnings).toMatch(/restart: `deploy.restart_policy` counts, which says no; always has no effect/);
  });
});

describe("jobs", () => {
  const job = (extension: ServiceExtension, deploy: ComposeDeploy = { mode: "replicated-job" }, more: Partial<ComposeService> = {}) => ({
    deploy,
    "x-steadfleet": extension,
    ...more,
  });
  it.each<[string, Partial<ComposeService>, object]>([
    [
      "with nothing said",
      job({}),
      {
        mode: "replicated",
        replicas: 1,
        job: { completions: 1, parallelism: 1, backoffLimit: 6 },
        container: { restart: { policy: "on-failure", maxRetries: 6 } },
      },
    ],
    [
      "so often, so many at once",
      job({ parallelism: 2, backoffLimit: 3 }, { mode: "replicated-job", replicas: 5 }),
      {
        replicas: 5,
        job: { completions: 5, parallelism: 2, backoffLimit: 3 },
        container: { restart: { policy: "on-failure", maxRetries: 3 } },
      },
    ],
    ["on every node", job({}, { mode: "global-job" }), { mode: "global", job: { completions: 1, parallelism: 0, backoffLimit: 6 } }],
    [
      "without a second try",
      job({}, { mode: "replicated-job" }, { restart: "no" }),
      { job: { backoffLimit: 0 }, container: { restart: { policy: "no" } } },
    ],
    [
      "with tries of its own",
      job({}, { mode: "replicated-job" }, { restart: "on-failure:2" }),
      { job: { backoffLimit: 2 }, container: { restart: { maxRetries: 2 } } },
    ],
    [
      "on a schedule, which makes it a job",
      { "x-steadfleet": { schedule: "0 3 * * *", timeZone: "Europe/Berlin" } },
      { job: { completions: 1, schedule: { cron: "0 3 * * *", timeZone: "Europe/Berlin", concurrencyPolicy: "Allow", history: 3 } } },
    ],
  ])("%s", (_name, service, want) => expect(sound(service)).toMatchObject(want));

  it.each<[string, Partial<ComposeService>, RegExp]>([
    ["settings of a job in a service", { "x-steadfleet": { completions: 2 } }, /completions: belongs to a job, and this service runs on/],
    ["settings of a schedule without one", job({ suspend: true }), /suspend: belongs to a `schedule`/],
    ["a schedule of a service", job({ schedule: "@daily" }, { mode: "global" }), /schedule: is for jobs, and `deploy.mode` is global/],
    ["a line that is none", job({ schedule: "0 3 * *" }), /x-steadfleet\.?.*schedule: "0 3 \* \*" is no schedule: it has five fields/],
    [
      "a time zone that is none",
      job({ schedule: "@daily", timeZone: "Mars" }),
      /timeZone: "Mars" is no time zone, such as UTC or Europe\/Berlin/,
    ],
    ["completions on every node", job({ completions: 2 }, { mode: "global-job" }), /completions: a global job runs once on each node/],
    [
      "a restart without end",
      job({}, { mode: "replicated-job" }, { restart: "always" }),
      /restart: a job ends, and always would start it again/,
    ],
    [
      "tries that are not made",
      job({ backoffLimit: 3 }, { mode: "replicated-job" }, { restart: "no" }),
      /with `restart: "no"` nothing is tried again/,
    ],
    [
      "a secret that cannot be",
      { "x-steadfleet": { imagePullSecrets: ["A_b"] } },
      /imagePullSecrets\[0\]: the name of the Secret, "A_b", must be/,
    ],
  ])("are refused with %s", (_name, service, told) => expect(said(service).problems).toMatch(told));

  it("take pull secrets of the service, else of the Stack", () => {
    const { normal } = run({
      services: { a: { image: "a" }, b: { image: "b", "x-steadfleet": { imagePullSecrets: ["mine"] } } },
      "x-steadfleet": { imagePullSecrets: ["ours"] },
    });
    expect(normal?.services.map((s) => s.imagePullSecrets)).toEqual([["ours"], ["mine"]]);
  });
});
