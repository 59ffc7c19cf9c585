// Takes images away that nobody needs any more: only those that this agent pulled itself, and only when there are many or the disk fills.
import type { Logger } from "pino";
import type { DesiredPod } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import { type Engine, type ImageSummary, isEngineError } from "../engine.ts";
import type { Ledger, LedgerState } from "./ledger.ts";
import { parseReference, pinned } from "./reference.ts";

export interface ImageGcOptions {
  /** Images of so many templates of each service stay, the present one included. Default 3. */
  keepRevisions: number;
  /** So many images that are not needed may stay. Default 20. */
  unused: number;
  /** From this share of the engine's disk on no unneeded image stays, in percent. Default 85. Source: kubelet, imageGCHighThresholdPercent. */
  diskPercent: number;
  /** Since a pod last needed it, in milliseconds. Default 24 h. */
  minAgeMs: number;
}

export const IMAGE_GC: ImageGcOptions = { keepRevisions: 3, unused: 20, diskPercent: 85, minAgeMs: 24 * 3_600_000 };

export interface GcInput {
  images: readonly ImageSummary[];
  /** Ids of the images of all containers, ours and foreign. */
  inUse: ReadonlySet<string>;
  ledger: LedgerState;
  /** What the desired pods and their successors are made from. */
  references: readonly string[];
  usedPercent: number;
  now: number;
}

/** What may go, the longest unused first. Pure. `all`: until the disk has room again; else as many as there are too many. */
export const planGc = (input: GcInput, o: ImageGcOptions): { candidates: ImageSummary[]; all: boolean } => {
  const { images, inUse, ledger, references, usedPercent, now } = input;
  const remembered = new Set(Object.values(ledger.history).flat());
  const usedAt = (id: string): number => Date.parse(ledger.pulled[id]?.usedAt ?? "");
  const needless = images
    .filter(
      (i) =>
        ledger.pulled[i.id] !== undefined &&
        !inUse.has(i.id) &&
        !remembered.has(i.id) &&
        now - usedAt(i.id) >= o.minAgeMs &&
        // A name that we did not pull is a person's: the image is theirs, too.
        i.tags.every((tag) => ledger.pulled[i.id]?.references.some((r) => sameName(r, tag))) &&
        !references.some((r) => [...i.tags, ...i.digests].some((name) => names(r, name))),
    )
    .toSorted((a, b) => usedAt(a.id) - usedAt(b.id) || (a.id < b.id ? -1 : 1));
  const all = usedPercent >= o.diskPercent;
  return { candidates: all ? needless : needless.slice(0, Math.max(0, needless.length - o.unused)), all };
};

const sameName = (a: string, b: string): boolean => {
  const [x, y] = [parseReference(a), parseReference(b)];
  return x.registry === y.registry && x.path === y.path && (x.tag ?? "latest") === (y.tag ?? "latest");
};
/** Does the reference mean an image of this name (a tag or a digest)? */
const names = (reference: string, name: string): boolean => {
  const [r, n] = [parseReference(reference), parseReference(name)];
  if (r.registry !== n.registry || r.path !== n.path) return false;
  return n.digest === undefined ? (r.tag ?? "latest") === (n.tag ?? "latest") : n.digest === r.digest;
};

/** Of a desired pod, and of what comes next: by tag and, where it is known, by digest. */
export const referencesOf = ({ container, imageDigest, next }: DesiredPod): string[] => [
  container.image,
  pinned(container.image, imageDigest),
  ...(next ? [next.container.image, pinned(next.container.image, next.imageDigest)] : []),
];

export interface ImageGcParts {
  engine: Pick<Engine, "list" | "listImages" | "removeImage">;
  env: Env;
  log: Logger;
  ledger: Ledger;
  desired(): Iterable<DesiredPod>;
  /** In percent, of the engine's disk. */
  usedPercent(): Promise<number>;
}

export class ImageGc {
  private running = false;
  constructor(
    private readonly o: ImageGcParts,
    private readonly options: ImageGcOptions,
  ) {}

  /** One round. Call it only when desired state and containers are known for sure. Answers with the ids that went. */
  async run(): Promise<string[]> {
    if (this.running) return [];
    this.running = true;
    try {
      return await this.round();
    } finally {
      this.running = false;
    }
  }

  private async round(): Promise<string[]> {
    const { engine, env, log, ledger } = this.o;
    const pods = [...this.o.desired()];
    const here = new Set(pods.map((p) => `${p.namespace}/${p.stack}/`));
    ledger.forgetServices((service) => [...here].some((stack) => service.startsWith(stack)));
    const [images, containers] = await Promise.all([engine.listImages(), engine.list()]);
    for (const id of Object.keys(ledger.state.pulled)) if (!images.some((i) => i.id === id)) ledger.removed(id);
    const plan = planGc(
      {
        images,
        inUse: new Set(containers.map((c) => c.imageId)),
        ledger: ledger.state,
        references: pods.flatMap(referencesOf),
        usedPercent: await this.o.usedPercent(),
        now: env.now(),
      },
      this.options,
    );
    const gone: string[] = [];
    for (const image of plan.candidates) {
      if (plan.all && gone.length > 0 && (await this.o.usedPercent()) < this.options.diskPercent) break;
      try {
        await this.remove(image);
        ledger.removed(image.id);
        gone.push(image.id);
        log.info({ image: image.id, names: image.tags, bytes: image.sizeBytes }, "image removed: nobody needs it");
      } catch (error) {
        // A container was just made from it, or another image is built on it.
        if (!isEngineError(error, "conflict", "inUse")) throw error;
        log.debug({ image: image.id, err: error }, "image stays: it is in use");
      }
    }
    return gone;
  }

  /** Each name, never by force: what somebody has begun to use meanwhile stays. */
  private async remove({ id, tags, digests }: ImageSummary): Promise<void> {
    const { engine } = this.o;
    for (const name of [...tags, ...digests, id]) {
      try {
        await engine.removeImage(name);
      } catch (error) {
        // With its last tag its digests go, too.
        if (!isEngineError(error, "imageNotFound", "notFound")) throw error;
      }
    }
  }
}
