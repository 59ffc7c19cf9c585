import type { Peer } from "./peer.ts";
import { Watch } from "./watch.ts";

export const CASES = ["submit-to-running", "no-op", "heal-rm", "heal-kill", "delete"] as const;
export type CaseName = (typeof CASES)[number];
/** Milliseconds per case. */
export type Sample = Record<CaseName, number>;

/** Waits for a quiet engine; the ids of the project's running containers, which must be `size`. (Swarm keeps the dead ones beside them.) */
const settled = async (peer: Peer, watch: Watch, size: number): Promise<Set<string>> => {
  // Health and bookkeeping may trail the last start: measure the next case from a quiet engine.
  for (let mark = watch.mark(), quiet = 0; quiet < 5; quiet++) {
    await new Promise((r) => setTimeout(r, 100));
    if (watch.count(mark) > 0) {
      mark = watch.mark();
      quiet = 0;
    }
  }
  const running = (await peer.engine.list([])).filter((c) => peer.owns(c.labels) && c.state === "running");
  if (running.length !== size) throw new Error(`${peer.name}: ${running.length} of ${size} containers run`);
  return new Set(running.map((c) => c.id));
};

/** One container is lost by `how`; from that moment (or, for peers that need a person, from the person's command) to its successor's start. */
const heal = async (peer: Peer, watch: Watch, how: "rm" | "kill"): Promise<number> => {
  const victim = (await peer.engine.list([])).find((c) => peer.owns(c.labels) && c.state === "running");
  if (!victim) throw new Error(`${peer.name}: nothing to break`);
  const mark = watch.mark();
  if (how === "rm") await peer.engine.call("DELETE", `/containers/${victim.id}?force=true`);
  else await peer.engine.call("POST", `/containers/${victim.id}/kill`);
  const lost = await watch.nth(how === "rm" ? "destroy" : "die", 1, mark);
  const asked = performance.now();
  const bySelf = peer.name === "ours" || peer.name === "cli" || peer.name === "swarm";
  await peer.heal(how, victim.id);
  return (await watch.nth("start", 1, mark)) - (bySelf ? lost : asked);
};

/** Runs all cases once, from nothing to nothing. */
export const measure = async (peer: Peer, project: string, size: number): Promise<Sample> => {
  const watch = await Watch.open(peer.engine, (labels) => peer.owns(labels));
  try {
    let mark = watch.mark();
    let from = performance.now();
    const submitted = peer.submit(project, size);
    const [running] = await Promise.all([watch.nth("start", size, mark), submitted]);
    const submit = running - from;
    await settled(peer, watch, size);

    mark = watch.mark();
    from = performance.now();
    await peer.noop();
    const noop = performance.now() - from;
    await settled(peer, watch, size);
    if (watch.count(mark) > 0) throw new Error(`${peer.name}: a no-op apply touched ${watch.count(mark)} containers`);

    const rm = await heal(peer, watch, "rm");
    await settled(peer, watch, size);
    const kill = await heal(peer, watch, "kill");
    const last = await settled(peer, watch, size);

    mark = watch.mark();
    from = performance.now();
    const removed = peer.remove();
    const [gone] = await Promise.all([watch.nth("destroy", size, mark, last), removed]);
    return { "submit-to-running": submit, "no-op": noop, "heal-rm": rm, "heal-kill": kill, delete: gone - from };
  } finally {
    watch.close();
  }
};
