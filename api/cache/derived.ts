// Kinds that are another way to look at a stored one (an Event of events.k8s.io, a Deployment for each service of a Stack):
// nothing is kept twice, everything is worked out from the source's cache when it is asked for.
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../schemas/meta.ts";
import { idOf, type KindView, type Transition, withRevision } from "./kind-cache.ts";

export type Views = (source: KubeObject) => KubeObject[];

export class DerivedCache implements KindView {
  private subscribed = 0;

  /** `views`: pure; the same object always has the same views, and no two objects have a view of the same id. */
  constructor(
    private readonly source: KindView,
    private readonly views: Views,
  ) {}

  get objects(): ReadonlyMap<string, KubeObject> {
    const found = new Map<string, KubeObject>();
    for (const object of this.source.objects.values()) for (const view of this.views(object)) found.set(idOf(view), view);
    return found;
  }
  get floor(): number {
    return this.source.floor;
  }
  since(revision: number): Transition[] | undefined {
    return this.source.since(revision)?.flatMap((t) => this.derive(t));
  }
  subscribe(fn: (t: Transition) => void): () => void {
    this.subscribed++;
    const off = this.source.subscribe((t) => {
      for (const derived of this.derive(t)) fn(derived);
    });
    return () => {
      this.subscribed--;
      off();
    };
  }
  get watchers(): number {
    return this.subscribed;
  }

  /** What one change of the source is for its views: those that look as before do not change. */
  private derive({ revision, old, new: now }: Transition): Transition[] {
    const was = new Map((old ? this.views(old) : []).map((v) => [idOf(v), v]));
    const found: Transition[] = [];
    for (const view of now ? this.views(now) : []) {
      const id = idOf(view);
      const before = was.get(id);
      was.delete(id);
      if (before === undefined) found.push({ revision, id, new: view });
      else if (!isDeepStrictEqual(withRevision(before, revision), withRevision(view, revision)))
        found.push({ revision, id, old: before, new: view });
    }
    for (const [id, view] of was) found.push({ revision, id, old: view });
    return found;
  }
}
