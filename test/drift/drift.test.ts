// Hand edits on a real engine: each is found, healed in place where Docker can, replaced or reported otherwise, and nothing foreign is touched.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Event, Pod } from "../../schemas/types.ts";
import { audit, differences } from "../harness/audit.ts";
import { Fleet } from "../harness/fleet.ts";
import type { Host } from "../harness/hosts.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { type Inspected, type Row, ROWS, serviceOf, specOf, STACK, type Target } from "./rows.ts";

const SERVICE = "com.docker.compose.service";
const POD = "steadfleet.dev/pod";

interface World {
  /** By service; those whose names or ids nobody expects included. */
  containers: Map<string, Inspected[]>;
  events: Event[];
  pods: Pod[];
}

/** What must be as before: everything that a container was made with, and where it is connected. */
const picture = (c: Inspected): object => {
  const { Hostname, ...config } = c.Config;
  const own = c.Id.slice(0, 12);
  // The engine's ways to say "no limit" after an update that took one away.
  const neutral: Record<string, unknown[]> = { CpuShares: [0, 1024], CpuPeriod: [0, 100_000], CpuQuota: [0, -1], PidsLimit: [null, 0, -1] };
  const host = Object.entries(c.HostConfig).filter(([key, value]) => !neutral[key]?.includes(value));
  return {
    config: { ...config, Hostname: Hostname === own ? "" : Hostname },
    host: Object.fromEntries(host),
    name: c.Name,
    networks: Object.fromEntries(
      Object.entries(c.NetworkSettings.Networks).map(([name, n]) => [
        name,
        {
          aliases: [...new Set(n.Aliases ?? [])].filter((a) => a !== own).toSorted(),
          ipam: Object.values(n.IPAMConfig ?? {}).filter(Boolean),
        },
      ]),
    ),
    running: c.State.Running && !c.State.Paused,
  };
};

describe("hand edits", () => {
  let fleet: Fleet;
  let host: Host;
  const before = new Map<string, Target>();
  /** By row: why it is not right; undefined: it is. */
  const verdicts = new Map<string, string | undefined>();
  const failures = new Map<string, string>();
  let foreign: Awaited<ReturnType<typeof audit>>;

  const look = async (): Promise<World> => {
    const ids = (await host.docker(["ps", "-aq", "--no-trunc", "--filter", `label=com.docker.compose.project=${STACK}`])).split("\n");
    const { stdout } = await host.dockerAny(["inspect", "--type", "container", ...ids]);
    const containers = new Map<string, Inspected[]>();
    for (const c of JSON.parse(stdout) as Inspected[]) {
      const service = c.Config.Labels[SERVICE] ?? "";
      containers.set(service, [...(containers.get(service) ?? []), c]);
    }
    return { containers, events: await fleet.events(), pods: await fleet.pods(STACK) };
  };

  const rows = (away: boolean): [Row, Target][] =>
    ROWS.flatMap((row, i) => {
      const target = before.get(serviceOf(i));
      return target && (row.away ?? false) === away ? [[row, target] as [Row, Target]] : [];
    });

  /** Why it is not right yet; undefined: it is. */
  const rightAgain = (row: Row, t: Target, w: World): string | undefined => {
    const [c, ...more] = w.containers.get(t.service) ?? [];
    if (!c) return "there is no container";
    if (more.length > 0) return `there are ${more.length + 1} containers`;
    const same = c.Id === t.id;
    if (row.outcome === "replaced" && same) return "it was not replaced";
    if ((row.outcome === "in place" || row.outcome === "untouched") && !same) return "it was replaced";
    try {
      expect(picture(c)).toEqual(picture(t.c));
    } catch (error) {
      return (error as Error).message;
    }
    const { outcome, says } = row;
    if (
      says &&
      outcome !== "reported" &&
      !w.events.some((e) => e.involvedObject.name === t.c.Config.Labels[POD] && says.test(e.message ?? ""))
    )
      return `no Event says ${says}: ${w.events
        .filter((e) => e.involvedObject.name === t.c.Config.Labels[POD])
        .map((e) => e.message)
        .join(" | ")}`;
    return undefined;
  };
  const reported = (row: Row, t: Target, w: World): string | undefined => {
    const pod = w.pods.find((p) => p.metadata.name === t.c.Config.Labels[POD]);
    return row.says?.test(JSON.stringify(pod?.status)) ? undefined : `its status does not say ${row.says}: ${JSON.stringify(pod?.status)}`;
  };

  /** Looks until all are right, or the time is over: what is left keeps its reason. What is reported is repaired when it has been. */
  const settle = async (todo: readonly [Row, Target][], deadlineMs: number): Promise<void> => {
    const end = performance.now() + deadlineMs;
    let open = todo.map(([row, t]) => ({ row, t, ready: row.outcome !== "reported" }));
    while (open.length > 0 && performance.now() < end) {
      const world = await look();
      const left: typeof open = [];
      for (const one of open) {
        const { row, t } = one;
        const why = one.ready ? rightAgain(row, t, world) : reported(row, t, world);
        verdicts.set(row.name, why);
        if (why !== undefined) left.push(one);
        else if (!one.ready) {
          verdicts.set(row.name, "it was repaired, and nobody looked");
          await row.repair?.(t);
          left.push({ ...one, ready: true });
        }
      }
      open = left;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };

  const harm = async (todo: readonly [Row, Target][]): Promise<void> => {
    for (const [row, t] of todo) {
      verdicts.set(row.name, "nobody looked");
      await row.harm(t).catch((error: Error) => failures.set(row.name, `the harm failed: ${error.message}`));
    }
  };

  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1 });
    const member = fleet.member("node-1");
    host = member.host;
    for (const tag of ["moved", "removed", "lost"]) await host.docker(["tag", TEST_IMAGES.web, `steadfleet.local/${tag}:1`]);
    await host.docker(["network", "create", "bystanders"]);
    await host.docker(["volume", "create", "bystanders"]);
    await host.docker(["run", "-d", "--name", "bystander", "--network", "bystanders", "-v", "bystanders:/v", TEST_IMAGES.web, "/bin/hold"]);
    foreign = (await audit(host)).filter((thing) => !thing.ours);
    await fleet.up(STACK, specOf(ROWS) as never, 180_000);
    for (const [service, [c]] of (await look()).containers)
      if (c) before.set(service, { host, c, id: c.Id, name: c.Name.slice(1), service });
    await member.agent.stop();
    await harm(rows(true));
    member.agent.start();
    await fleet.allNodesReady();
    await harm(rows(false));
    await settle([...rows(true), ...rows(false)], 120_000);
    for (const [name, why] of failures) verdicts.set(name, why);
  }, 420_000);
  afterAll(() => fleet?.stop());

  it("is tried with at least 40 of them", () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(40);
    expect(before.size).toBe(ROWS.length);
  });

  it.each(ROWS.map((row, i) => ({ ...row, service: serviceOf(i) })))("$name: $outcome", async ({ service, ...row }) => {
    expect(verdicts.get(row.name)).toBeUndefined();
    expect(verdicts.has(row.name)).toBe(true);
    const target = before.get(service);
    if (target) await row.after?.(target);
  });

  it("leaves alone what is foreign (I1)", async () => {
    const names = new Set(foreign.map((thing) => thing.id));
    const now = (await audit(host)).filter((thing) => names.has(thing.id));
    expect(differences(foreign, now, false)).toEqual([]);
  });

  it("is healthy in the end", async () => {
    await fleet.healthy(STACK);
  });
});
