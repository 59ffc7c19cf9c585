// The fake and the real thing: the same random commands, the same answers.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConflictError } from "../errors.ts";
import type { Guard, Kv, KvEvent, Lease } from "../kv.ts";
import { MemoryKv } from "../memory.ts";
import { realEnv } from "../env.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { wait } from "../testing/etcd-world.ts";
import { record } from "../testing/world.ts";
import { EtcdKv } from "./kv.ts";

/** One store under test, with revisions told relative to where the run began. */
class Subject {
  readonly leases: Lease[] = [];
  constructor(
    readonly kv: Kv,
    readonly prefix: string,
    /** The store's revision when the run began. */
    readonly base: number,
    readonly compact: (revision: number) => Promise<void>,
  ) {}
  key = (name: string): string => this.prefix + name;
  abs = (revision: number): number => this.base + revision;
  rel = (revision: number): number => revision - this.base;
  event = (e: KvEvent): unknown =>
    e.type === "put" ? { ...this.item(e.item) } : { deleted: e.key.slice(this.prefix.length), mod: this.rel(e.mod) };
  item = (i: { key: string; value: string; mod: number; create: number; version: number; lease: string }): object => ({
    ...i,
    key: i.key.slice(this.prefix.length),
    mod: this.rel(i.mod),
    create: this.rel(i.create),
    lease: i.lease === "0" ? null : this.leases.findIndex((l) => l.id === i.lease),
  });
}

/** What is random in a command; which revision it comes to is decided by the state it meets. */
type Pick = "current" | "wrong" | "none" | "any";
interface ChangePlan {
  name: string;
  mod: Pick;
  value: number | null;
  lease: number | undefined;
}
type Command =
  | { do: "commit"; changes: ChangePlan[]; guard: { name: string; mod: Pick; wrong: boolean } | undefined }
  | { do: "get"; name: string; back: number | undefined }
  | { do: "range"; dir: string; limit: number | undefined; after: string | undefined; back: number | undefined }
  | { do: "watch"; dir: string; back: number }
  | { do: "grant" }
  | { do: "revoke"; lease: number }
  | { do: "compact"; back: number };

const names = ["a", "a/x", "a/y", "a1", "b/x", "c", "d/long-name"];
const name = fc.constantFrom(...names);
const dir = fc.constantFrom("", "a/", "b/", "none/");
const pick = fc.constantFrom<Pick>("current", "current", "wrong", "none", "any");
const back = fc.option(fc.integer({ min: -2, max: 12 }), { nil: undefined });
const change = fc.record({
  name,
  mod: pick,
  value: fc.oneof({ weight: 3, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.constant(null) }),
  lease: fc.option(fc.nat(2), { nil: undefined, freq: 5 }),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      changes: fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: (c) => c.name }),
      guard: fc.option(fc.record({ name, mod: pick, wrong: fc.boolean() }), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("get" as const), name, back }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("range" as const),
      dir,
      limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      after: fc.option(name, { nil: undefined }),
      back,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("watch" as const), dir, back: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: "grant" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke" as const), lease: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const), back: fc.nat(6) }) },
);

const modFor = async (s: Subject, key: string, how: Pick): Promise<number | undefined> => {
  if (how === "any") return undefined;
  if (how === "none") return 0;
  const mod = (await s.kv.get(key)).item?.mod ?? 0;
  return how === "current" ? mod : mod + 1;
};

/** Carries the command out and gives its answer in terms that both stores share. */
const answer = async (s: Subject, c: Command): Promise<unknown> => {
  const now = (await s.kv.get(s.key("a"))).revision;
  // Never before the run began: what lies there is not the same for both.
  const at = (n: number | undefined) => (n === undefined ? {} : { revision: Math.max(s.base, now - n) });
  switch (c.do) {
    case "commit": {
      const changes = [];
      for (const p of c.changes) {
        const mod = await modFor(s, s.key(p.name), p.mod);
        const lease = p.value === null || p.lease === undefined ? undefined : s.leases[p.lease];
        changes.push({
          key: s.key(p.name),
          value: p.value === null ? null : { n: p.value },
          ...(mod === undefined ? {} : { mod }),
          ...(lease ? { lease: lease.id } : {}),
        });
      }
      let guard: Guard | undefined;
      if (c.guard) {
        const item = (await s.kv.get(s.key(c.guard.name))).item;
        const mod = await modFor(s, s.key(c.guard.name), c.guard.mod);
        guard = { key: s.key(c.guard.name), create: (item?.create ?? s.base) + (c.guard.wrong ? 1 : 0), ...(mod ? { mod } : {}) };
      }
      return { revision: s.rel((await s.kv.commit(changes, { guard })).revision) };
    }
    case "get": {
      const { item, revision } = await s.kv.get(s.key(c.name), at(c.back));
      return { item: item && s.item(item), revision: s.rel(revision) };
    }
    case "range": {
      const after = c.after !== undefined && c.after.startsWith(c.dir) ? { after: s.key(c.after) } : {};
      const r = await s.kv.range(s.prefix + c.dir, { ...at(c.back), ...after, ...(c.limit ? { limit: c.limit } : {}) });
      return { items: r.items.map(s.item), more: r.more, count: r.count, revision: s.rel(r.revision) };
    }
    case "watch": {
      const from = Math.max(s.base, now - c.back);
      const r = record(s.kv, s.prefix + c.dir, from);
      // A last commit that the watch must see tells that it has seen everything.
      const { revision } = await s.kv.commit([{ key: `${s.prefix}${c.dir}last`, value: {} }]);
      await wait(() => r.end !== undefined || r.events.some((e) => e.type === "put" && e.item.mod === revision));
      r.stop();
      await r.done;
      return r.end?.reason === "compacted" ? "compacted" : r.events.map(s.event);
    }
    case "grant":
      if (s.leases.length < 3) s.leases.push(await s.kv.grant(600));
      return s.leases.length;
    case "revoke":
      await s.leases[c.lease]?.revoke();
      return null;
    case "compact":
      await s.compact(Math.max(s.base, now - c.back));
      return null;
  }
};

const outcome = async (s: Subject, c: Command): Promise<unknown> => {
  try {
    return await answer(s, c);
  } catch (e) {
    if (!(e instanceof Error)) throw e;
    return { error: e.name, ...(e instanceof ConflictError ? { key: e.key.slice(s.prefix.length) } : {}) };
  }
};

describe("MemoryKv and etcd", () => {
  let etcd: TestEtcd;
  let kv: EtcdKv;
  beforeAll(async () => {
    etcd = await startTestEtcd();
    kv = new EtcdKv({ hosts: [etcd.endpoint] });
  });
  afterAll(async () => {
    await kv?.close();
    await etcd?.stop();
  });

  it("answer alike, whatever is asked", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25 }), async (commands) => {
        const prefix = `/run-${++runs}/`;
        const memory = new MemoryKv(realEnv);
        const fake = new Subject(memory, prefix, 1, async (revision) => memory.compact(revision));
        const real = new Subject(kv, prefix, (await kv.status()).revision, (revision) =>
          // Compacting again what is compacted already is an error of etcd's, and nothing to us.
          etcd.compact(revision).catch((e: unknown) => {
            if (!String(e).includes("compacted")) throw e;
          }),
        );
        try {
          for (const c of commands)
            expect({ command: c, answer: await outcome(real, c) }).toEqual({ command: c, answer: await outcome(fake, c) });
        } finally {
          for (const l of [...real.leases, ...fake.leases]) await l.revoke();
          await memory.close();
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 80_000, markInterruptAsFailure: false },
    );
    expect(runs).toBeGreaterThan(10);
  });
});
