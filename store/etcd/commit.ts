// One transaction that is applied at most once and answers only when it knows.
//
// A reply can get lost after etcd has applied the write. Sending it again is safe, because every attempt carries a comparison that
// its own success makes false. But then the second attempt fails, and "someone else was faster" and "that was me" look alike. So
// every put carries a random id, and after a lost reply the key's history tells which it was. Without the history step, four
// writers counting under faults counted 57 of 2,015 increments twice.
import type { Etcd3, ICompare, IRequestOp, IResponseHeader, ITxnResponse } from "etcd3";
import type { Env } from "../env.ts";
import { AmbiguousWriteError, ConflictError, FencedError } from "../errors.ts";
import type { Change, Guard } from "../kv.ts";
import { backoffMs, encodeChanges } from "../rules.ts";
import { abortable, ambiguous, classify, isTransient, toStoreError } from "./client.ts";
import { isTaggedWith, tagWrite } from "./encoding.ts";
import { readHistory } from "./history.ts";

interface Context {
  /** A revision that the store had before the first attempt is sent. */
  base(): Promise<{ revision: number }>;
  saw(header: IResponseHeader): void;
}

export class Commit {
  private readonly writeId: string;
  private readonly success: IRequestOp[];
  private readonly failure: IRequestOp[];
  private readonly what: string;
  private readonly deadline: number;

  constructor(
    private readonly client: Etcd3,
    private readonly env: Env,
    private readonly changes: Change[],
    private readonly guard: Guard | undefined,
    private readonly o: { budgetMs: number; signal: AbortSignal | undefined },
  ) {
    const texts = encodeChanges(changes);
    this.writeId = env.uid();
    this.what = `commit of ${changes.map((c) => c.key).join(", ")}`;
    this.deadline = env.monotonic() + o.budgetMs;
    this.success = changes.map((c, i): IRequestOp => {
      const key = Buffer.from(c.key);
      const text = texts[i];
      if (text === undefined) return { request_delete_range: { key } };
      return { request_put: { key, value: tagWrite(text, this.writeId), ...(c.lease === undefined ? {} : { lease: c.lease }) } };
    });
    this.failure = changes.map((c): IRequestOp => ({ request_range: { key: Buffer.from(c.key), keys_only: true } }));
    if (guard) this.failure.push({ request_range: { key: Buffer.from(guard.key), keys_only: true } });
  }

  /** @throws as `Kv.commit` */
  async run(context: Context): Promise<{ revision: number }> {
    this.guard?.check?.();
    this.o.signal?.throwIfAborted();
    const base = (await context.base()).revision;
    /** What an unconditional change may replace: everything that was there when we looked last. */
    let floor = base;
    let lost: unknown;
    for (let attempt = 0; ; attempt++) {
      try {
        const r = await abortable(
          this.client.kv.txn({ compare: this.compares(floor), success: this.success, failure: this.failure }),
          this.o.signal,
        );
        context.saw(r.header);
        if (r.succeeded) return { revision: Number(r.header.revision) };
        if (lost !== undefined) {
          const applied = await this.appliedAt(base);
          if (applied !== undefined) return { revision: applied };
        }
        this.explain(r);
        // Only the floor was too low: someone wrote an unconditional key since. Replace that too.
        floor = Number(r.header.revision);
        attempt = -1;
      } catch (e) {
        if (e instanceof ConflictError || e instanceof FencedError || e instanceof AmbiguousWriteError) throw e;
        if (this.o.signal?.aborted) throw ambiguous(this.what, lost ?? e);
        const outcome = classify(e);
        if (outcome === "ambiguous") lost = e;
        if (!isTransient(outcome)) {
          if (lost === undefined) throw toStoreError(e, this.what);
          const applied = await this.appliedAt(base).catch(() => undefined);
          if (applied !== undefined) return { revision: applied };
          throw ambiguous(this.what, e);
        }
        if (this.env.monotonic() > this.deadline) throw lost === undefined ? toStoreError(e, this.what) : ambiguous(this.what, e);
        await this.env.sleep(backoffMs(attempt, 20, 500, this.env.random()), this.o.signal).catch((reason: unknown) => {
          throw lost === undefined ? reason : ambiguous(this.what, reason);
        });
        if (lost === undefined) this.guard?.check?.();
      }
    }
  }

  /** Each of them turns false once this commit has been applied. */
  private compares(floor: number): ICompare[] {
    const compares = this.changes.map((c): ICompare => {
      const key = Buffer.from(c.key);
      if (c.mod === undefined) return { key, target: "Mod", result: "Less", mod_revision: String(floor + 1) };
      if (c.mod === 0) return { key, target: "Create", result: "Equal", create_revision: "0" };
      return { key, target: "Mod", result: "Equal", mod_revision: String(c.mod) };
    });
    if (this.guard) {
      const key = Buffer.from(this.guard.key);
      compares.push({ key, target: "Create", result: "Equal", create_revision: String(this.guard.create) });
      if (this.guard.mod !== undefined) compares.push({ key, target: "Mod", result: "Equal", mod_revision: String(this.guard.mod) });
    }
    return compares;
  }

  /** Throws for a comparison of the caller's that failed; returns when only an unconditional key has moved on. */
  private explain(r: ITxnResponse): void {
    const now = r.responses.map((x) => x.response_range?.kvs[0]);
    if (this.guard) {
      const held = now[this.changes.length];
      if (
        held?.create_revision !== String(this.guard.create) ||
        (this.guard.mod !== undefined && held.mod_revision !== String(this.guard.mod))
      )
        throw new FencedError(`${this.guard.key} is no longer held: nothing was written`);
    }
    this.changes.forEach((c, i) => {
      if (c.mod !== undefined && c.mod !== Number(now[i]?.mod_revision ?? 0)) throw new ConflictError(c.key);
    });
  }

  /**
   * The revision at which an earlier attempt of ours was applied; undefined: none was, and none will be.
   * @throws AmbiguousWriteError (history is compacted)
   */
  private async appliedAt(base: number): Promise<number | undefined> {
    const o = { env: this.env, deadline: this.deadline, what: this.what };
    const puts = this.changes.filter((c) => c.value !== null);
    const put = puts.find((c) => c.mod !== 0) ?? puts[0];
    if (put) {
      const hit = await readHistory(this.client, { ...o, key: put.key, after: Math.max(base, put.mod ?? 0) }, (e) =>
        e.type === "Put" && isTaggedWith(e.kv.value, this.writeId) ? "found" : "next",
      );
      return hit && Number(hit.kv.mod_revision);
    }
    // Deletes carry no id. If each of the keys was deleted next, and all by one transaction, then that was this one or its equal.
    let at: number | undefined;
    for (const c of this.changes) {
      const first = await readHistory(this.client, { ...o, key: c.key, after: Math.max(base, c.mod ?? 0) }, (e) =>
        e.type === "Delete" ? "found" : "stop",
      );
      const mod = first && Number(first.kv.mod_revision);
      if (mod === undefined) {
        // An unconditional delete of what was not there changes nothing, and leaves no trace.
        if (c.mod === undefined) continue;
        return undefined;
      }
      if (at !== undefined && at !== mod) return undefined;
      at = mod;
    }
    return at;
  }
}
