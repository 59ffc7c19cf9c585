// The agent is killed -9 before and after each call by which it changes Docker, while it creates, replaces and removes.
// Starting again converges: no container too many, none under a wrong name, nothing left behind.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackSpec } from "../../schemas/types.ts";
import type { Call } from "../harness/docker-proxy.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const spec = (greeting: string): StackSpec => ({
  services: {
    web: {
      image: TEST_IMAGES.web,
      command: ["/bin/hold"],
      environment: { GREETING: greeting },
      networks: ["net"],
      volumes: ["data:/data"],
    },
  },
  networks: { net: {} },
  volumes: { data: {} },
});

const NODE = "node-1";

describe("an agent that dies between two calls to Docker", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["web"], proxies: true });
  });
  afterAll(() => fleet?.stop());

  const proxy = () => {
    const { proxy: found } = fleet.member(NODE);
    if (!found) throw new Error("the fleet has no proxies");
    return found;
  };
  const converged = async (stack: string, greeting: string): Promise<void> => {
    await fleet.healthy(stack);
    const containers = await fleet.containers(NODE, stack);
    expect(containers.map(({ State }) => State.Status)).toEqual(["running"]);
    expect(containers[0]?.Config.Env).toContain(`GREETING=${greeting}`);
    const [pod, ...more] = await fleet.pods(stack);
    expect(more).toEqual([]);
    expect(containers[0]?.Name).toBe(`/${pod?.metadata.name}`);
  };
  /** Does `act`, and answers with the changing calls that the agent made until `done`. */
  const trace = async (act: () => Promise<unknown>, done: () => Promise<unknown>): Promise<Call[]> => {
    const from = proxy().calls.length;
    await act();
    await done();
    return proxy().calls.slice(from);
  };
  /** Runs the same again for each of the calls, cut short before or after it. */
  const cutEach = async (
    calls: Call[],
    act: () => Promise<unknown>,
    done: () => Promise<unknown>,
    undo: () => Promise<unknown>,
  ): Promise<number> => {
    const { agent } = fleet.member(NODE);
    let cuts = 0;
    for (const [i, call] of calls.entries()) {
      const nth = calls.slice(0, i).filter((other) => other.path === call.path && other.method === call.method).length;
      for (const when of ["before", "after"] as const) {
        let seen = 0;
        proxy().cutOnce({
          when,
          matches: (next) => next.method === call.method && next.path === call.path && seen++ === nth,
          hit: () => agent.kill9(),
        });
        await act();
        await fleet.until(`the agent to be killed ${when} ${call.method} ${call.path}`, () => !proxy().armed && !agent.running);
        agent.start();
        await done();
        await undo();
        cuts++;
      }
    }
    return cuts;
  };

  it("converges from each step of a create", async () => {
    const act = () => fleet.apply("born", spec("first"));
    const done = () => converged("born", "first");
    const undo = async () => {
      await fleet.down("born");
      expect(await fleet.containers(NODE, "born")).toEqual([]);
      await fleet.member(NODE).host.docker(["volume", "rm", "born_data"]);
    };
    const calls = await trace(act, done);
    expect(calls.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/containers/create", "/containers/:id/start", "/networks/create"]),
    );
    await undo();
    expect(await cutEach(calls, act, done, undo)).toBeGreaterThanOrEqual(6);
  });

  it("converges from each step of a replace", async () => {
    await fleet.up("swap", spec("old"));
    const act = () => fleet.apply("swap", spec("new"));
    const done = () => converged("swap", "new");
    const undo = async () => {
      await fleet.apply("swap", spec("old"));
      await converged("swap", "old");
    };
    const calls = await trace(act, done);
    expect(calls.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/containers/:id/stop", "/containers/create", "/containers/:id/start"]),
    );
    await undo();
    expect(await cutEach(calls, act, done, undo)).toBeGreaterThanOrEqual(8);
    await fleet.down("swap");
  });

  it("converges from each step of a removal", async () => {
    const gone = async () => {
      await fleet.until("the Stack to be gone", async () => (await fleet.client.find("stacks", "dying")) === undefined);
      expect(await fleet.containers(NODE, "dying")).toEqual([]);
    };
    const again = () => fleet.up("dying", spec("x"));
    await again();
    const act = () => fleet.client.delete("stacks", "dying");
    const calls = await trace(act, gone);
    await again();
    expect(await cutEach(calls, act, gone, again)).toBeGreaterThanOrEqual(4);
    await fleet.down("dying");
  });
});
