import { describe, expect, it } from "vitest";
import { replicaOf } from "../rollout/replica.ts";
import { condition, done, healthy, pod, ready, stack, waiting } from "../testing/objects.ts";
import { style } from "../text/style.ts";
import { stackTree } from "./tree.ts";

const now = Date.parse("2026-11-21T12:04:00Z");
const options = { style: style(false), now, all: false };

describe("the tree of a Stack", () => {
  it("shows services, and the replicas of those that are not fine", () => {
    const broken = pod(
      waiting("CrashLoopBackOff", "exited 6 times, last with code 137", { restarts: 6, exitCode: 137, oom: true, log: "FATAL heap limit" }),
      { service: "api", slot: "2", node: "nas" },
    );
    const s = stack({
      ...healthy,
      health: "Degraded",
      revision: 42,
      conditions: [
        condition("Ready", "False", "CrashLoopBackOff"),
        condition("Degraded", "True", "CrashLoopBackOff", `${broken.metadata.name} on nas: CrashLoopBackOff`),
      ],
      services: {
        web: { mode: "replicated", desired: 1, updated: 1, ready: 1, image: "nginx:1.28" },
        api: {
          mode: "replicated",
          desired: 2,
          updated: 2,
          ready: 1,
          image: "acme/api:5.2",
          message: `${broken.metadata.name} on nas: CrashLoopBackOff`,
        },
        probe: { mode: "global", desired: 2, updated: 2, ready: 2, image: "probe:1" },
        migrate: { mode: "replicated", desired: 1, updated: 1, ready: 1, image: "acme/api:5.2" },
      },
      volumes: { data: { node: "laptop" } },
    });
    const pods = [pod(ready), pod(ready, { service: "api", node: "laptop" }), broken, pod(done, { service: "migrate" })];
    expect(stackTree(s, pods.map(replicaOf), options)).toMatchInlineSnapshot(`
      "shop  ✖ Degraded  revision 42  since 4m00s
      ├─ api      1/2  ✖ Degraded   acme/api:5.2
      │  ├─ api-0  laptop  ✔ Healthy           4m00s  ↻0
      │  └─ api-2  nas     ✖ CrashLoopBackOff  4m00s  ↻6  exited 6 times, last with code 137, exit 137 (out of memory), 6 restarts
      │       | FATAL heap limit
      ├─ migrate  1/1  ✔ Completed  acme/api:5.2
      │  └─ migrate-0  laptop  ✔ Completed  4m00s  ↻0
      ├─ probe    2/2  ✔ Healthy    probe:1  (global)
      └─ web      1/1  ✔ Healthy    nginx:1.28
      volumes  data@laptop
      Next: steady logs shop/api-2
      "
    `);
  });

  it("says why nothing is placed, once", () => {
    const message = "web: 0 of 2 nodes fit: 2 lack label disk=ssd";
    const s = stack({
      ...healthy,
      health: "Failed",
      progress: 0,
      conditions: [condition("Degraded", "True", "Unplaceable", message)],
      services: { web: { mode: "replicated", desired: 1, updated: 0, ready: 0, image: "web:1", message } },
    });
    expect(stackTree(s, [], options)).toMatchInlineSnapshot(`
      "shop  ✖ Failed  revision 1  0%
      └─ web  0/1  … Progressing  web:1
         web: 0 of 2 nodes fit: 2 lack label disk=ssd
      "
    `);
  });

  it("says what a service waits for, although its pod is well", () => {
    const serving = pod(ready, { service: "cache" });
    const message = `nas cannot start what comes next: ImageNotFound: there is no redis:9. ${serving.metadata.name} goes on serving`;
    const s = stack({
      ...healthy,
      health: "Degraded",
      progress: 0,
      conditions: [condition("Degraded", "True", "NotPrepared", `waiting for cache: ${message}`)],
      services: { cache: { mode: "replicated", desired: 1, updated: 0, ready: 1, image: "redis:9", message } },
    });
    expect(stackTree(s, [serving].map(replicaOf), options)).toContain(`\n   ${message}\n`);
  });

  it("a Stack that nobody has looked at says so", () => {
    expect(stackTree(stack(undefined), [], options)).toBe("shop  ? Unknown  waiting for the controller\n");
    expect(stackTree(stack(healthy, { generation: 2, deleting: true }), [], options)).toContain(
      "shop  ? Deleting  revision 1  waiting for the controller",
    );
  });

  it("a paused service says so, and what waits", () => {
    const message = "paused, so a change waits (image web:2): resume it";
    const s = stack({
      ...healthy,
      health: "Suspended",
      services: { web: { mode: "replicated", desired: 1, updated: 0, ready: 1, replicas: 1, image: "web:1", paused: true, message } },
    });
    expect(stackTree(s, [pod(ready)].map(replicaOf), options)).toMatchInlineSnapshot(`
      "shop  = Suspended  revision 1  since 4m00s
      └─ web  1/1  = Suspended  web:1
         paused, so a change waits (image web:2): resume it
      "
    `);
  });
});
