// What the agent remembers about images across its lives: what it pulled itself, and when. One file in its data directory.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";

export interface PulledImage {
  /** The references that it was pulled by; whatever else names the image is somebody else's doing. */
  references: string[];
  /** RFC 3339: when a pod last needed it. */
  usedAt: string;
}

export interface LedgerState {
  version: 1;
  /** Reference → RFC 3339: when it was last asked of its registry with success. */
  asked: Record<string, string>;
  /** By image id. */
  pulled: Record<string, PulledImage>;
  /** `<namespace>/<stack>/<service>` → ids of the images of its last templates, the newest first. */
  history: Record<string, string[]>;
}

const FILE = "images.json";
const empty = (): LedgerState => ({ version: 1, asked: {}, pulled: {}, history: {} });

export class Ledger {
  /** @param changed something is to be kept */
  constructor(
    readonly state: LedgerState = empty(),
    private readonly changed: () => void = () => {},
  ) {}

  /** Milliseconds since the epoch. */
  askedAt(reference: string): number | undefined {
    const at = this.state.asked[reference];
    return at === undefined ? undefined : Date.parse(at);
  }

  /** @param isNew the engine did not have the image before: it is ours to remove one day */
  pulled(reference: string, id: string, isNew: boolean, nowMs: number): void {
    const at = new Date(nowMs).toISOString();
    this.state.asked[reference] = at;
    const known = this.state.pulled[id];
    if (known) {
      known.usedAt = at;
      if (!known.references.includes(reference)) known.references.push(reference);
    } else if (isNew) this.state.pulled[id] = { references: [reference], usedAt: at };
    this.changed();
  }

  /** A pod needs it now. To the hour: a time that moves is a write. */
  used(id: string, service: string, keep: number, nowMs: number): void {
    const known = this.state.pulled[id];
    const before = this.state.history[service] ?? [];
    const stale = known && nowMs - Date.parse(known.usedAt) > 3_600_000;
    if (before[0] === id && !stale) return;
    if (known) known.usedAt = new Date(nowMs).toISOString();
    this.state.history[service] = [id, ...before.filter((other) => other !== id)].slice(0, Math.max(1, keep));
    this.changed();
  }

  /** The image is gone. */
  removed(id: string): void {
    for (const reference of this.state.pulled[id]?.references ?? []) delete this.state.asked[reference];
    delete this.state.pulled[id];
    this.changed();
  }

  /** Services whose stacks this node has no pod of any more. */
  forgetServices(keep: (service: string) => boolean): void {
    for (const service of Object.keys(this.state.history)) {
      if (keep(service)) continue;
      delete this.state.history[service];
      this.changed();
    }
  }
}

/** Nothing where there is no file, or none that can be read: then the agent has pulled nothing, and removes nothing. */
export const readLedger = async (dataDir: string, log: Logger): Promise<LedgerState> => {
  const path = join(dataDir, FILE);
  try {
    const state = JSON.parse(await readFile(path, "utf8")) as Partial<LedgerState>;
    return state.version === 1 ? { ...empty(), ...state } : empty();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ path, err: error }, "what was pulled is not known, going on without");
    return empty();
  }
};

/** Old or new, never torn. */
export const writeLedger = async (dataDir: string, state: LedgerState): Promise<void> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, FILE);
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
};
