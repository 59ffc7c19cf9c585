// Nothing to do: an agent that has converged makes no call that changes anything, whatever time it has.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../../store/env.ts";
import { Fleet } from "../harness/fleet.ts";
import { ROWS, specOf, STACK } from "./rows.ts";

/** STEADY_SOAK_MINUTES=10 npx vitest run --project e2e test/drift/soak.test.ts */
const SOAK_MS = Number(process.env["STEADY_SOAK_MINUTES"] ?? 0.5) * 60_000;

describe("a soak", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, proxies: true });
    for (const tag of ["moved", "removed", "lost"])
      await fleet.member("node-1").host.docker(["tag", "steadfleet.local/web:1", `steadfleet.local/${tag}:1`]);
    // Every shape that the hand edits are tried on.
    await fleet.up(STACK, specOf(ROWS) as never, 180_000);
  });
  afterAll(() => fleet?.stop());

  it(
    `re-creates nothing and asks the engine for no change in ${SOAK_MS / 60_000} minutes`,
    async () => {
      const { proxy } = fleet.member("node-1");
      // Events of the beginning are written a little later.
      let last = 0;
      await fleet.until("nothing to be written for some seconds", async () => {
        await realEnv.sleep(3000);
        const before = last;
        ({ revision: last } = await fleet.kv.range("/steadfleet/"));
        return last === before;
      });
      const state = async (): Promise<string[]> =>
        (await fleet.containers("node-1", STACK)).map((c) => `${c.Name} ${c.Id} ${c.State.Status} ${c.State.StartedAt}`);
      const before = await state();
      expect(before.length).toBe(ROWS.length);
      const calls = proxy?.calls.length ?? 0;
      const { revision } = await fleet.kv.range("/steadfleet/");
      await new Promise((resolve) => setTimeout(resolve, SOAK_MS));
      expect(proxy?.calls.slice(calls)).toEqual([]);
      expect(await state()).toEqual(before);
      // And nothing is written: an idle cluster is silent. (A node tells of its disk when that fills or empties by a step: others use it, too.)
      const { items } = await fleet.kv.range("/steadfleet/");
      expect(items.filter((item) => item.mod > revision && !item.key.endsWith("/info")).map((item) => item.key)).toEqual([]);
    },
    SOAK_MS + 60_000,
  );
});
