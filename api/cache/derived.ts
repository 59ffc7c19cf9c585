// Kinds that are another way to look at a stored one (an Event of events.k8s.io, a Deployment for each service of a Stack):
// no object is kept twice. Which view comes from which source is kept as names; the view itself is worked out when it is read.
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../schemas/meta.ts";
import { idOf, type KindView, type Transition, withRevision } from "./kind-cache.ts";

export type Views = (source: KubeObject) => KubeObject[];

export class DerivedCache implements KindView {
  /** Id of a view → id of its source. */
  private readonly sources = new Map<string, string>();
  private readonly subscribers = new Set<(t: Transition) => void>();
  private sorted: readonly string[] | undefined;
  /** Views of one source are mostly read one after the other. */
  private last: { source: KubeObject; views: KubeObject[] } | undefined;

  /**
   * `views`: pure; the same object always has the same views, and no two objects have a view of the same id.
   * What it throws is told to `failed`, and that object has no views: one object that cannot be shown must not stop the others.
   */
  constructor(
    private readonly source: KindView,
    private readonly views: Views,
    private readonly failed: (e: unknown, source: KubeObject) => void = () => {},
  ) {
    for (const [id, object] of source.objects) for (const view of this.viewsOf(object)) this.sources.set(idOf(view), id);
    source.follow((t) => this.see(t));
  }

  get objects(): ReadonlyMap<string, KubeObject> {
    const found = new Map<string, KubeObject>();
    for (const object of this.source.objects.values()) for (const view of this.viewsOf(object)) found.set(idOf(view), view);
    return found;
  }
  get(id: string): KubeObject | undefined {
    const of = this.sources.get(id);
    const source = of === undefined ? undefined : this.source.get(of);
    return source && this.viewsOf(source).find((v) => idOf(v) === id);
  }
  get ids(): readonly string[] {
    return (this.sorted ??= [...this.sources.keys()].toSorted());
  }
  get floor(): number {
    return this.source.floor;
  }
  since(revision: number): Transition[] | undefined {
    return this.source.since(revision)?.flatMap((t) => this.derive(t));
  }
  subscribe(fn: (t: Transition) => void): () => void {
    this.subscribers.add(fn);
    return () => void this.subscribers.delete(fn);
  }
  follow(fn: (t: Transition) => void): () => void {
    return this.subscribe(fn);
  }
  get watchers(): number {
    return this.subscribers.size;
  }

  /** All views of one object, in no order. */
  viewsOf(source: KubeObject): KubeObject[] {
    if (this.last?.source === source) return this.last.views;
    let views: KubeObject[] = [];
    try {
      views = this.views(source);
    } catch (e) {
      this.failed(e, source);
    }
    this.last = { source, views };
    return views;
  }

  private see(t: Transition): void {
    // Most of the time nobody watches: then only the names matter, and the views are not compared.
    for (const d of this.subscribers.size > 0 ? this.derive(t) : this.named(t)) {
      if (d.new) {
        if (!this.sources.has(d.id)) this.sorted = undefined;
        this.sources.set(d.id, t.id);
      } else if (this.sources.get(d.id) === t.id) {
        this.sources.delete(d.id);
        this.sorted = undefined;
      }
      for (const fn of [...this.subscribers]) fn(d);
    }
  }

  /** Those that come and go. */
  private named({ revision, old, new: now }: Transition): Transition[] {
    const was = new Map((old ? this.viewsOf(old) : []).map((v) => [idOf(v), v]));
    const found: Transition[] = [];
    for (const view of now ? this.viewsOf(now) : []) if (!was.delete(idOf(view))) found.push({ revision, id: idOf(view), new: view });
    for (const [id, view] of was) found.push({ revision, id, old: view });
    return found;
  }

  /** What one change of the source is for its views: those that look as before do not change. */
  private derive({ revision, old, new: now }: Transition): Transition[] {
    const was = new Map((old ? this.viewsOf(old) : []).map((v) => [idOf(v), v]));
    const found: Transition[] = [];
    for (const view of now ? this.viewsOf(now) : []) {
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
