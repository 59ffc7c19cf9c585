// A process that campaigns, and while it leads writes under its guard as fast as it can: one JSON line per thing that happens.
// Arguments: endpoint, prefix, id, ttlSeconds. For tests that stop it with SIGSTOP.
import { pino } from "pino";
import { Elector } from "../election.ts";
import { realEnv } from "../env.ts";
import { EtcdKv } from "../etcd/kv.ts";
import { AmbiguousWriteError, FencedError, UnavailableError } from "../errors.ts";

const [endpoint = "", prefix = "", id = "", ttl = ""] = process.argv.slice(2);
const kv = new EtcdKv({ hosts: [endpoint], callTimeoutMs: 1_000, budgetMs: 3_000 });
const tell = (event: object): void => void process.stdout.write(`${JSON.stringify({ id, ...event })}\n`);

const elector = new Elector({
  kv,
  env: realEnv,
  log: pino({ level: "silent" }),
  key: `${prefix}leader`,
  id,
  ttlSeconds: Number(ttl),
  lead: async ({ guard, signal }) => {
    tell({ event: "elected", term: guard.create });
    // Without the local check: it must be etcd that refuses.
    const blind = { key: guard.key, create: guard.create, mod: guard.create };
    for (let n = 0; ; n++) {
      try {
        const { revision } = await kv.commit([{ key: `${prefix}work/${guard.create}/${n}`, value: { term: guard.create } }], {
          guard: blind,
        });
        if (n === 0) tell({ event: "wrote", term: guard.create, revision });
        if (signal.aborted) tell({ event: "wrote-after-loss", term: guard.create, revision });
        await realEnv.sleep(5);
      } catch (e) {
        if (e instanceof FencedError) return tell({ event: "fenced", term: guard.create });
        // Of a write that was on its way when the process froze, nobody can tell: what counts is that none is in the other's term.
        if (!(e instanceof UnavailableError || e instanceof AmbiguousWriteError)) tell({ event: "error", message: String(e) });
      }
    }
  },
});
await elector.run(new AbortController().signal);
