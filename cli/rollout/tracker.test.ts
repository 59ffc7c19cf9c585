import { describe, expect, it } from "vitest";
import { condition, done, healthy, pod, progressing, ready, stack, waiting } from "../testing/objects.ts";
import { describe as describeRow } from "./replica.ts";
import { Tracker, type View } from "./tracker.ts";
import type { PodObject, StackObject } from "./types.ts";

const unplaceable = {
  ...progressing,
  conditions: [condition("Degraded", "True", "Unplaceable", "web: 0 of 2 nodes fit: 2 lack label disk=ssd")],
};

interface Case {
  name: string;
  stack: StackObject | undefined;
  pods?: PodObject[];
  /** Milliseconds for which the world stays like this. */
  after?: number;
  want: View["outcome"];
  why?: string[];
}

/** A job that has failed so often. */
const job = (failed: number, state = "Running"): StackObject =>
  stack({
    ...progressing,
    services: {
      web: {
        mode: "replicated",
        desired: 1,
        updated: 1,
        ready: 0,
        image: "web:1",
        job: {
          runs: [{ state, failed, ...(state === "Failed" ? { message: "failed 7 times, with a backoffLimit of 6" } : {}) }],
          backoffLimit: 6,
        },
      },
    },
  });

const rows: Case[] = [
  { name: "healthy and answered is a success", stack: stack(healthy), pods: [pod(ready)], want: "succeeded", why: [] },
  {
    name: "healthy, but of an older generation, is none",
    stack: stack({ ...healthy, observedGeneration: 0 }),
    want: "progressing",
    why: ["waiting for the controller"],
  },
  { name: "healthy, but still changing, is none", stack: stack({ ...healthy, progress: 99 }), want: "progressing" },
  { name: "a one-shot that ended well counts as done", stack: stack(healthy), pods: [pod(done)], want: "succeeded" },
  { name: "no status yet waits for the controller", stack: stack(undefined), want: "progressing", why: ["waiting for the controller"] },
  {
    name: "an image that does not exist fails at once",
    stack: stack(progressing),
    pods: [pod(waiting("ImageNotFound", "no such image"))],
    want: "failed",
    why: ["web-0 on laptop: ImageNotFound"],
  },
  { name: "a registry that refuses fails at once", stack: stack(progressing), pods: [pod(waiting("ImageDenied"))], want: "failed" },
  {
    name: "two restarts are no crash loop yet",
    stack: stack(progressing),
    pods: [pod(waiting("CrashLoopBackOff", "", { restarts: 2, exitCode: 1 }))],
    want: "progressing",
  },
  {
    name: "three are",
    stack: stack(progressing),
    pods: [pod(waiting("CrashLoopBackOff", "", { restarts: 3, exitCode: 1 }))],
    want: "failed",
  },
  {
    name: "of a job they are not: its backoffLimit decides",
    stack: job(5),
    pods: [pod(waiting("CrashLoopBackOff", "", { restarts: 5, exitCode: 1 }))],
    after: 60_000,
    want: "progressing",
  },
  {
    name: "a pod of a job that has ended is the controller's to judge",
    stack: job(2),
    pods: [pod(waiting("Error", "exited with code 4", { phase: "Failed", exitCode: 4 }))],
    want: "progressing",
  },
  {
    name: "a job that the controller has given up fails",
    stack: job(7, "Failed"),
    pods: [pod(waiting("Error", "exited with code 4", { phase: "Failed", restarts: 6, exitCode: 4 }))],
    want: "failed",
    why: ["the job web failed 7 times, with a backoffLimit of 6"],
  },
  {
    name: "an image that does not exist fails a job, too",
    stack: job(0),
    pods: [pod(waiting("ImageNotFound", "no such image"))],
    want: "failed",
  },
  {
    name: 'restart "no" and an exit code fails',
    stack: stack(progressing),
    pods: [pod(waiting("Error", "exited with code 4", { phase: "Failed", exitCode: 4 }))],
    want: "failed",
  },
  {
    name: "a port conflict may pass within ten seconds",
    stack: stack(progressing),
    pods: [pod(waiting("PortConflict"))],
    after: 9_000,
    want: "progressing",
    why: ["web-0: PortConflict"],
  },
  { name: "and fails after that", stack: stack(progressing), pods: [pod(waiting("PortConflict"))], after: 10_000, want: "failed" },
  {
    name: "waiting for a dependency never fails",
    stack: stack(progressing),
    pods: [pod(waiting("WaitingForDependency"))],
    after: 3_600_000,
    want: "progressing",
  },
  {
    name: "a node that does not answer never fails",
    stack: stack(progressing),
    pods: [pod(waiting("NodeStatusUnknown"))],
    after: 3_600_000,
    want: "progressing",
  },
  {
    name: "no node that fits may pass within five seconds",
    stack: stack(unplaceable),
    after: 4_000,
    want: "progressing",
    why: ["web: 0 of 2 nodes fit: 2 lack label disk=ssd"],
  },
  {
    name: "and fails after that",
    stack: stack(unplaceable),
    after: 5_000,
    want: "failed",
    why: ["web: 0 of 2 nodes fit: 2 lack label disk=ssd"],
  },
  {
    name: "a pod on its way out fails nothing",
    stack: stack(progressing),
    pods: [pod(waiting("ImageNotFound"), { deleting: true })],
    want: "progressing",
  },
  {
    name: "trouble of an older revision is not this rollout's",
    stack: stack({
      ...progressing,
      revision: 2,
      services: { web: { mode: "replicated", desired: 2, updated: 1, ready: 1, image: "web:2" } },
    }),
    pods: [pod(waiting("CrashLoopBackOff", "", { restarts: 9 }), { revision: 1 })],
    want: "progressing",
  },
  {
    name: "but that of an untouched service is",
    stack: stack({
      ...progressing,
      revision: 2,
      services: { web: { mode: "replicated", desired: 1, updated: 1, ready: 0, image: "web:1" } },
    }),
    pods: [pod(waiting("CrashLoopBackOff", "", { restarts: 9 }), { revision: 1 })],
    want: "failed",
  },
  {
    name: "a rollback is told apart",
    stack: stack({ ...healthy, conditions: [condition("Progressing", "False", "RolledBack", "web:2 exited with code 1")] }),
    want: "rolledBack",
    why: ["web:2 exited with code 1"],
  },
  {
    name: "a paused service is what was asked for, and what waits is told",
    stack: stack({
      ...healthy,
      health: "Suspended",
      conditions: [condition("Ready", "False", "Paused", "web: paused, so a change waits")],
    }),
    pods: [pod(ready)],
    want: "succeeded",
    why: ["web: paused, so a change waits"],
  },
  { name: "a stack that is being deleted ends the wait", stack: stack(healthy, { deleting: true }), want: "deleted" },
  { name: "a stack that is gone ends the wait", stack: undefined, want: "deleted" },
];

describe("when a wait is over", () => {
  it.each(rows)("$name", ({ stack: s, pods = [], after = 0, want, why }) => {
    const tracker = new Tracker("shop", "default", 1);
    tracker.setStack(s);
    tracker.setPods(pods);
    tracker.view(1000);
    const view = tracker.view(1000 + after);
    expect(view.outcome).toBe(want);
    if (why) expect(view.why).toEqual(why);
  });

  it("a bad word that goes away starts its time anew", () => {
    const tracker = new Tracker("shop", "default", 1);
    tracker.setStack(stack(progressing));
    tracker.setPods([pod(waiting("PortConflict"))]);
    tracker.view(0);
    tracker.setPod(pod(waiting("Pulling")));
    tracker.view(8_000);
    tracker.setPod(pod(waiting("PortConflict")));
    expect(tracker.view(9_000).outcome).toBe("progressing");
    expect(tracker.view(18_000).outcome).toBe("progressing");
    expect(tracker.view(19_000).outcome).toBe("failed");
  });

  it("a container that was started meanwhile is believed after two seconds, unless it has a health check", () => {
    const play = (up: PodObject): View["outcome"][] => {
      const tracker = new Tracker("shop", "default", 1);
      tracker.setStack(stack(healthy));
      tracker.setPods([]);
      tracker.view(0);
      tracker.setPod(up);
      return [1_000, 2_999, 3_000].map((now) => tracker.view(now).outcome);
    };
    expect(play(pod(ready))).toEqual(["progressing", "progressing", "succeeded"]);
    expect(play(pod({ ...ready, containerStatuses: [{ ready: true, restartCount: 0, health: "healthy" }] }))).toEqual([
      "succeeded",
      "succeeded",
      "succeeded",
    ]);
  });

  it("a container that crashed meanwhile is believed only when it stays up", () => {
    const tracker = new Tracker("shop", "default", 1);
    tracker.setStack(stack(healthy));
    const up = (restarts: number): PodObject => pod({ ...ready, containerStatuses: [{ ready: true, restartCount: restarts }] });
    tracker.setPods([up(7)]);
    expect(tracker.view(0).outcome).toBe("succeeded");
    tracker.setPod(up(8));
    expect(tracker.view(1_000)).toMatchObject({
      outcome: "progressing",
      why: ["waiting to see whether it stays up: a container was restarted"],
    });
    tracker.setPod(up(9));
    expect(tracker.view(9_000).outcome).toBe("progressing");
    expect(tracker.view(18_999).outcome).toBe("progressing");
    expect(tracker.view(19_000).outcome).toBe("succeeded");
  });

  it("rows of a job tell its failures against its backoffLimit, before the status does", () => {
    const tracker = new Tracker("shop", "default", 1);
    const told = (s: StackObject, restarts: number): string[] => {
      tracker.setStack(s);
      tracker.setPods([pod(waiting("CrashLoopBackOff", "", { restarts, exitCode: 1 }))]);
      return tracker.view(0).rows.map(describeRow);
    };
    expect(told(job(1), 2)).toEqual(["CrashLoopBackOff: exit 1, 2 of 6 failures"]);
    expect(told(job(7, "Failed"), 6)).toEqual(["CrashLoopBackOff: exit 1, 7 failures with a backoffLimit of 6"]);
  });

  it("a job that ended well after failures is not waited for any longer", () => {
    const tracker = new Tracker("shop", "default", 1);
    tracker.setStack(job(1));
    tracker.setPods([pod(waiting("CrashLoopBackOff", "", { restarts: 1, exitCode: 1 }))]);
    tracker.view(0);
    tracker.setStack(stack(healthy));
    tracker.setPod(pod({ ...done, containerStatuses: [{ restartCount: 2, state: { terminated: { exitCode: 0 } } }] }));
    expect(tracker.view(1_000).outcome).toBe("succeeded");
  });

  it("rows say since when they say the same", () => {
    const tracker = new Tracker("shop", "default", 1);
    tracker.setStack(stack(progressing));
    tracker.setPods([pod(waiting("Pulling", "12%"))]);
    tracker.view(0);
    tracker.setPod(pod(waiting("Pulling", "70%")));
    expect(tracker.view(5_000).rows[0]?.since).toBe(0);
    tracker.setPod(pod(ready));
    expect(tracker.view(6_000).rows[0]?.since).toBe(6_000);
  });
});
