// Whole lives of jobs, in memory: store, agents and controller, on a clock that moves only when told.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobSpec } from "../../schemas/compose/normal.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { JobStatus, ServiceStatus } from "../../schemas/types.ts";
import type { ServiceOptions } from "../testing/builders.ts";
import type { Behaviour } from "../testing/fake-agent.ts";
import { Fleet } from "../testing/fleet.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet();
});
afterEach(() => fleet.close());

const job = (o: Partial<JobSpec> = {}, more: ServiceOptions = {}): ServiceOptions => {
  const spec = { completions: 1, parallelism: 1, backoffLimit: 2, ...o };
  const { container, ...rest } = more;
  return {
    replicas: spec.completions,
    job: spec,
    ...rest,
    container: { restart: { policy: "on-failure", maxRetries: spec.backoffLimit }, ...container },
  };
};
const schedule = (o: Partial<NonNullable<JobSpec["schedule"]>> = {}): Partial<JobSpec> => ({
  schedule: { cron: "*/10 * * * *", timeZone: "UTC", concurrencyPolicy: "Allow", history: 2, ...o },
});

const nodes = async (names: string[], behaviour: Behaviour | ((service: string) => Behaviour) = "job", slowMs = 300): Promise<void> => {
  const behave = typeof behaviour === "string" ? () => behaviour : behaviour;
  for (const n of names) await fleet.agent(n, { behave: (pod) => behave(pod.service), slowMs });
};
/** Closing takes time, which must pass. */
const closed = async (controller: { close(): Promise<void> }): Promise<void> => {
  let open = true;
  const closing = controller.close().then(() => (open = false));
  while (open) await fleet.env.advance(100);
  await closing;
};
const status = (service = "job"): ServiceStatus | undefined => fleet.stack("shop")?.status?.services?.[service];
const runs = (service = "job"): JobStatus["runs"] => status(service)?.job?.runs ?? [];
const slots = (service = "job"): string[] =>
  fleet
    .pods("shop")
    .filter((p) => p.pod.service === service)
    .map((p) => p.pod.slot)
    .toSorted();
const uids = (): string[] =>
  fleet
    .pods("shop")
    .map((p) => p.pod.uid)
    .toSorted();
const reasons = (): (string | undefined)[] => fleet.events().map((e) => e.reason);

describe("a job", () => {
  it("runs to its end, so many at once, counts as healthy, and is left as it is (I6)", async () => {
    await nodes(["n1", "n2"]);
    fleet.control();
    await fleet.apply("shop", { job: job({ completions: 5, parallelism: 2 }) });
    let most = 0;
    await fleet.until(() => {
      const running = fleet.pods("shop").filter((p) => p.ready).length;
      most = Math.max(most, running);
      return fleet.healthy("shop");
    });
    expect(most).toBe(2);
    expect(fleet.stack("shop")?.status).toMatchObject({ ready: "5/5", progress: 100 });
    expect(runs()).toMatchObject([{ state: "Complete", completions: 5, succeeded: 5, slots: "0-4", failed: 0 }]);
    expect(slots()).toEqual(["0", "1", "2", "3", "4"]);
    await fleet.env.advance(5_000);
    expect(reasons()).toContain("JobCompleted");
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(600_000);
    expect(fleet.kv.server.revision).toBe(quiet);
  });

  it("is not run again by another controller, by a deletion of its pod, or when its node goes (I5)", async () => {
    await nodes(["n1", "n2"]);
    const first = fleet.control("c1");
    await fleet.apply("shop", { job: job({ completions: 2, parallelism: 2 }) });
    await fleet.until(() => fleet.healthy("shop"));
    const before = uids();
    await closed(first);
    fleet.control("c2");
    await fleet.env.advance(20_000);
    expect(uids()).toEqual(before);
    const [one, two] = fleet.pods("shop");
    if (!one || !two) throw new Error("two pods");
    await fleet.deletePod(one.pod);
    await fleet.until(() => slots().length === 1);
    await fleet.agents.get(two.node)?.stop();
    fleet.agents.delete(two.node);
    await fleet.objects.delete(RESOURCES.nodes, undefined, two.node);
    await fleet.until(() => slots().length === 0);
    await fleet.env.advance(20_000);
    expect(slots()).toEqual([]);
    expect(fleet.healthy("shop")).toBe(true);
    expect(runs()).toMatchObject([{ state: "Complete", succeeded: 2 }]);
  });

  it("runs again when its template changes, and only after the old run is gone", async () => {
    await nodes(["n1"]);
    fleet.control();
    await fleet.apply("shop", { job: job({ completions: 2, parallelism: 2 }) });
    await fleet.until(() => fleet.healthy("shop"));
    const before = uids();
    const [{ name } = { name: "" }] = runs();
    await fleet.apply("shop", { job: job({ completions: 2, parallelism: 2 }, { image: "app:2" }) });
    await fleet.until(() => fleet.healthy("shop") && runs()[0]?.name !== name);
    expect(uids().some((uid) => before.includes(uid))).toBe(false);
    expect(runs()).toMatchObject([{ state: "Complete", succeeded: 2 }]);
    // Limits are changed without a run.
    const settled = uids();
    await fleet.apply("shop", { job: job({ completions: 2, parallelism: 2 }, { image: "app:2", container: { limits: { cpus: 1 } } }) });
    await fleet.until(() => fleet.healthy("shop"));
    expect(uids()).toEqual(settled);
  });

  it("has failed when its pods have, all together, more often than it may: the status says why", async () => {
    await nodes(["n1"], "fails");
    fleet.control();
    await fleet.apply("shop", { job: job({ completions: 3, parallelism: 3, backoffLimit: 4 }) });
    await fleet.until(() => runs()[0]?.state === "Failed");
    await fleet.env.advance(10_000);
    expect(fleet.stack("shop")?.status?.health).toBe("Failed");
    expect(runs()[0]?.failed).toBeGreaterThan(4);
    const { conditions = [] } = fleet.stack("shop")?.status ?? {};
    expect(conditions.find((c) => c.type === "Degraded")).toMatchObject({ status: "True", reason: "JobFailed" });
    expect(status()?.message).toMatch(/the job job failed \d times, with a backoffLimit of 4; last shop-job-\d-\w+ on n1/);
    // Nobody tries again: each has ended.
    expect(fleet.pods("shop").map((p) => p.pod.container.restart.policy)).toContain("no");
    const count = runs()[0]?.failed;
    await fleet.env.advance(60_000);
    expect(runs()[0]?.failed).toBe(count);
    // Another template tries anew.
    await fleet.apply("shop", { job: job({ completions: 0, parallelism: 1 }, { image: "app:2" }) });
    await fleet.until(() => fleet.healthy("shop"));
  });

  it("runs once on each node, also on one that comes later", async () => {
    await nodes(["n1", "n2"]);
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { job: job({ parallelism: 0 }, { mode: "global" }) });
    await fleet.until(() => fleet.healthy("shop"));
    expect(slots()).toEqual(["n1", "n2"]);
    await nodes(["n3"]);
    await fleet.until(() => fleet.healthy("shop") && slots().length === 3);
    expect(runs()).toMatchObject([{ slots: "n1,n2,n3", succeeded: 3 }]);
  });

  it("holds up who waits for it, on every node, at start and when it runs again", async () => {
    await nodes(["n1", "n2"], (service) => (service === "job" ? "job" : "ready"), 3_000);
    fleet.control();
    const web = (image: string): ServiceOptions => ({
      image,
      replicas: 2,
      dependsOn: [{ service: "job", condition: "service_completed_successfully" }],
    });
    await fleet.apply("shop", {
      job: job({ completions: 2, parallelism: 1 }, { networks: ["a"] }),
      web: { ...web("app:1"), networks: ["a"] },
    });
    await fleet.until(() => runs()[0]?.succeeded === 1);
    expect(slots("web")).toEqual([]);
    await fleet.until(() => fleet.healthy("shop"));
    expect(slots("web")).toEqual(["0", "1"]);
    const before = fleet.pods("shop").filter((p) => p.pod.service === "web");
    await fleet.apply("shop", {
      job: job({ completions: 2, parallelism: 1 }, { networks: ["a"], image: "app:2" }),
      web: { ...web("app:2"), networks: ["a"] },
    });
    await fleet.until(() => runs()[0]?.succeeded === 1);
    // What runs goes on running while the new job does.
    for (const p of before) expect(fleet.pods("shop").find((q) => q.pod.uid === p.pod.uid)?.pod.deletionTimestamp).toBeUndefined();
    await fleet.until(() => fleet.healthy("shop"));
  });
});

describe("a schedule", () => {
  const minute = 60_000;
  /** The clock of the fleet at a whole ten minutes, and a second. */
  const toTen = async (): Promise<void> => {
    const rest = 10 * minute - (fleet.env.now() % (10 * minute));
    await fleet.env.advance(rest + 1_000);
  };

  it("runs when it is time, keeps the last runs, and writes nothing in between", async () => {
    await nodes(["n1"]);
    fleet.control();
    await toTen();
    await fleet.apply("shop", { job: job(schedule()) });
    await fleet.until(() => fleet.healthy("shop"));
    // What came before the schedule was there is not made up for.
    expect(runs()).toEqual([]);
    expect(fleet.stack("shop")?.status?.ready).toBe("0/0");
    const due = status()?.job?.nextScheduleTime ?? "";
    expect(Date.parse(due) % (10 * minute)).toBe(0);
    await fleet.env.advance(5_000);
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(9 * minute);
    expect(fleet.kv.server.revision).toBe(quiet);
    await fleet.until(() => runs().some((r) => r.state === "Complete"), 2 * minute);
    const [run] = runs();
    expect(run).toMatchObject({ name: String(Date.parse(due) / minute), scheduledTime: due, state: "Complete", succeeded: 1 });
    expect(status()?.job).toMatchObject({ lastScheduleTime: due });
    expect(slots()).toEqual([`${run?.name}-0`]);
    expect(fleet.healthy("shop")).toBe(true);
    await fleet.env.advance(40 * minute);
    await fleet.until(() => runs().length === 2 && slots().length === 2);
    expect(reasons()).toContain("JobStarted");
  });

  it("makes up for the latest run that a controller missed, and for no more", async () => {
    await nodes(["n1"]);
    const first = fleet.control("c1");
    await fleet.apply("shop", { job: job(schedule({ history: 10 })) });
    await fleet.until(() => fleet.healthy("shop"));
    await closed(first);
    await toTen();
    await fleet.env.advance(60 * minute);
    fleet.control("c2");
    await fleet.until(() => runs().some((r) => r.state === "Complete"), 2 * minute);
    expect(runs()).toHaveLength(1);
    expect(Date.parse(runs()[0]?.scheduledTime ?? "")).toBe(Math.floor(fleet.env.now() / (10 * minute)) * 10 * minute);
  });

  it.each<[NonNullable<JobSpec["schedule"]>["concurrencyPolicy"], string[], string]>([
    ["Allow", ["Running", "Running"], "JobStarted"],
    ["Forbid", ["Running"], "JobSkipped"],
    ["Replace", ["Replaced", "Running"], "JobReplaced"],
  ])("with %s, while a run is under way, comes to %j", async (concurrencyPolicy, states, event) => {
    await nodes(["n1"], "job", 15 * minute);
    fleet.control();
    await toTen();
    await fleet.apply("shop", { job: job(schedule({ concurrencyPolicy })) });
    await fleet.until(() => runs().length === 1, 12 * minute);
    await fleet.env.advance(10 * minute + 2_000);
    await fleet.env.advance(2_000);
    expect(runs().map((r) => r.state)).toEqual(states);
    expect(slots()).toHaveLength(states.filter((s) => s === "Running").length);
    expect(reasons()).toContain(event);
    expect(fleet.stack("shop")?.status?.health).toBe("Healthy");
  });

  it("is suspended and goes on with what comes then", async () => {
    await nodes(["n1"]);
    fleet.control();
    await toTen();
    await fleet.apply("shop", { job: job(schedule({ suspend: true })) });
    await fleet.env.advance(25 * minute);
    expect(runs()).toEqual([]);
    expect(status()?.job?.nextScheduleTime).toBeUndefined();
    await fleet.apply("shop", { job: job(schedule()) });
    await fleet.env.advance(2_000);
    expect(runs()).toEqual([]);
    await fleet.until(() => runs().length === 1, 12 * minute);
  });

  it("tells of a run that failed until one succeeds", async () => {
    let behaviour: Behaviour = "fails";
    await nodes(["n1"], () => behaviour);
    fleet.control();
    await fleet.apply("shop", { job: job({ ...schedule(), backoffLimit: 0 }, { container: { restart: { policy: "no" } } }) });
    await fleet.until(() => runs().at(-1)?.state === "Failed", 12 * minute);
    await fleet.env.advance(1_000);
    expect(fleet.stack("shop")?.status?.health).toBe("Degraded");
    expect(status()?.message).toMatch(/the run of job for .* failed once, with a backoffLimit of 0; .*exit code 3\): no such table/);
    // What is changed may have mended it, which the next run tells.
    const mended = { ...schedule(), backoffLimit: 0 };
    await fleet.apply("shop", { job: job(mended, { image: "app:2", container: { restart: { policy: "no" } } }) });
    await fleet.until(() => fleet.healthy("shop"));
    behaviour = "job";
    await fleet.until(() => runs().at(-1)?.state === "Complete", 12 * minute);
    await fleet.until(() => fleet.healthy("shop"));
    expect(runs().map((r) => r.state)).toEqual(["Failed", "Complete"]);
  });
});

describe("depends_on with restart", () => {
  it("tells the dependents once, after the other service was updated", async () => {
    await nodes(["n1"], "ready");
    fleet.control();
    const web: ServiceOptions = { dependsOn: [{ service: "db", condition: "service_started", restart: true }] };
    await fleet.apply("shop", { db: {}, web });
    await fleet.until(() => fleet.healthy("shop"));
    const of = (service: string) =>
      fleet
        .pods("shop")
        .filter((p) => p.pod.service === service)
        .map((p) => p.pod);
    expect(of("web")[0]?.restartAfter).toBeUndefined();
    const [before] = of("web");
    await fleet.env.advance(5_000);
    await fleet.apply("shop", { db: { image: "app:2" }, web });
    await fleet.until(() => fleet.healthy("shop") && of("web")[0]?.restartAfter !== before?.restartAfter);
    expect(of("web")).toMatchObject([{ uid: before?.uid, restartAfter: of("db")[0]?.createdAt }]);
    await fleet.env.advance(5_000);
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(600_000);
    expect(fleet.kv.server.revision).toBe(quiet);
  });
});
