// What a loop gets while this process leads, and how a new leader makes sure that it sees what the old one wrote.
import type { Env } from "../store/env.ts";
import type { Informer } from "../store/informer.ts";
import type { Guard, Kv } from "../store/kv.ts";

/** `guard` fences every write; `signal` is aborted as soon as leadership is in doubt. */
export interface Leadership {
  guard: Guard;
  signal: AbortSignal;
}

/** How often a lagging informer is looked at, in milliseconds. */
const LOOK_MS = 10;

/**
 * Resolves when the informer shows every key written before this term. Its watch may lag, and on a world without the last leader's
 * pods the same slots would be filled again, perhaps elsewhere and so under other names, which no compare would refuse (I5).
 * Deletions that it has not seen yet do no harm: whatever is written about such a key is compared, and refused.
 */
export const catchUp = async <T>(
  informer: Informer<T>,
  prefix: string,
  o: { kv: Kv; env: Env },
  { guard, signal }: Leadership,
): Promise<void> => {
  await informer.waitSynced(signal);
  // A term that was taken over from another begins with its mod revision.
  if (informer.revision >= (guard.mod ?? guard.create)) return;
  let newest = 0;
  let after: string | undefined;
  for (;;) {
    const page = await o.kv.range(prefix, { limit: 5_000, signal, ...(after === undefined ? {} : { after }) });
    for (const item of page.items) newest = Math.max(newest, item.mod);
    after = page.items.at(-1)?.key;
    if (!page.more || after === undefined) break;
  }
  while (informer.revision < newest) await o.env.sleep(LOOK_MS, signal);
};
