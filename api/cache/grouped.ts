// Views that are worked out from two kinds: an object and all those of another kind that belong to it, such as a Stack and
// its revisions. Nothing is kept for them, and nothing done while nobody asks for them.
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../schemas/meta.ts";
import { idOf, type KindView, type Transition, withRevision } from "./kind-cache.ts";

/** Pure: the same arguments always give the same views, and no two objects have a view of the same id. */
export type GroupViews = (source: KubeObject, others: readonly KubeObject[]) => KubeObject[];

/** The second kind. `belongsTo`: id of the source's object that one of them is of. */
export interface Beside {
  view: KindView;
  belongsTo: (other: KubeObject) => string;
}

type Others = ReadonlyMap<string, KubeObject>;
/** One source with what belongs to it, at one moment. */
interface State {
  source: KubeObject | undefined;
  others: Others;
}
type Index = Map<string, Map<string, KubeObject>>;

const NONE: Others = new Map();

export class GroupedCache implements KindView {
  private readonly subscribers = new Set<(t: Transition) => void>();
  private leave: (() => void) | undefined;
  /** Id of a source → what belongs to it. Kept only while somebody watches. */
  private index: Index | undefined;
  private made: ReadonlyMap<string, KubeObject> | undefined;

  constructor(
    private readonly source: KindView,
    private readonly views: GroupViews,
    private readonly beside: Beside,
    /** Told what `views` throws; that object has no views. */
    private readonly failed: (e: unknown, source: KubeObject) => void = () => {},
  ) {
    const forget = (): void => {
      this.made = undefined;
    };
    source.follow(forget);
    beside.view.follow(forget);
  }

  /** Worked out once for a list, which asks for one after the other; and forgotten right after it. */
  get objects(): ReadonlyMap<string, KubeObject> {
    if (this.made) return this.made;
    const index = this.indexed();
    const found = new Map<string, KubeObject>();
    for (const [id, source] of this.source.objects)
      for (const view of this.viewsOf({ source, others: index.get(id) ?? NONE })) found.set(idOf(view), view);
    this.made = found;
    queueMicrotask(() => {
      this.made = undefined;
    });
    return found;
  }
  /** Whose view it is cannot be told from its id; those of its namespace are looked through. */
  get(id: string): KubeObject | undefined {
    if (this.made) return this.made.get(id);
    const scope = id.slice(0, id.indexOf("/") + 1);
    const index = this.indexed();
    for (const [of, source] of this.source.objects) {
      if (!of.startsWith(scope)) continue;
      const found = this.viewsOf({ source, others: index.get(of) ?? NONE }).find((v) => idOf(v) === id);
      if (found) return found;
    }
    return undefined;
  }
  get ids(): readonly string[] {
    return [...this.objects.keys()].toSorted();
  }
  get floor(): number {
    return Math.max(this.source.floor, this.beside.view.floor);
  }

  /** Walks back from the present, undoing one change after the other. */
  since(revision: number): Transition[] | undefined {
    const own = this.source.since(revision);
    const theirs = this.beside.view.since(revision);
    if (!own || !theirs) return undefined;
    const changes = [...own.map((t) => ({ t, isOwn: true })), ...theirs.map((t) => ({ t, isOwn: false }))];
    const index = changes.length > 0 ? this.indexed() : new Map<string, Map<string, KubeObject>>();
    const states = new Map<string, State>();
    const found: Transition[][] = [];
    for (const { t, isOwn } of changes.toSorted((a, b) => a.t.revision - b.t.revision).toReversed()) {
      const id = this.idOfSource(t, isOwn);
      const after = states.get(id) ?? this.present(id, index);
      const before = undone(after, t, isOwn);
      states.set(id, before);
      found.push(this.differences(before, after, t.revision));
    }
    return found.toReversed().flat();
  }

  /** However many subscribers there are, each change is worked out once. */
  subscribe(fn: (t: Transition) => void): () => void {
    this.subscribers.add(fn);
    this.leave ??= this.keepUp();
    return () => {
      this.subscribers.delete(fn);
      if (this.subscribers.size > 0) return;
      this.leave?.();
      this.leave = undefined;
    };
  }
  follow(fn: (t: Transition) => void): () => void {
    return this.subscribe(fn);
  }
  get watchers(): number {
    return this.subscribers.size;
  }

  private keepUp(): () => void {
    this.index = this.indexed();
    const tell = (t: Transition, isOwn: boolean): void => {
      const after = this.present(this.idOfSource(t, isOwn), this.indexed());
      const found = this.differences(undone(after, t, isOwn), after, t.revision);
      for (const derived of found) for (const fn of [...this.subscribers]) fn(derived);
    };
    const offs = [
      this.source.follow((t) => tell(t, true)),
      this.beside.view.follow((t) => {
        this.note(t);
        tell(t, false);
      }),
    ];
    return () => {
      for (const off of offs) off();
      this.index = undefined;
    };
  }

  private indexed(): Index {
    if (this.index) return this.index;
    const index: Index = new Map();
    for (const [id, other] of this.beside.view.objects) put(index, this.beside.belongsTo(other), id, other);
    return index;
  }

  private note(t: Transition): void {
    if (!this.index) return;
    const owner = this.idOfSource(t, false);
    if (t.new) return put(this.index, owner, t.id, t.new);
    const group = this.index.get(owner);
    group?.delete(t.id);
    if (group?.size === 0) this.index.delete(owner);
  }

  private idOfSource(t: Transition, isOwn: boolean): string {
    const other = t.new ?? t.old;
    return isOwn || !other ? t.id : this.beside.belongsTo(other);
  }
  private present(id: string, index: Index): State {
    return { source: this.source.objects.get(id), others: index.get(id) ?? NONE };
  }
  private viewsOf({ source, others }: State): KubeObject[] {
    if (!source) return [];
    try {
      return this.views(source, [...others.values()]);
    } catch (e) {
      this.failed(e, source);
      return [];
    }
  }

  /** Views that look as before have not changed. */
  private differences(before: State, after: State, revision: number): Transition[] {
    const was = new Map(this.viewsOf(before).map((v) => [idOf(v), v]));
    const found: Transition[] = [];
    for (const view of this.viewsOf(after)) {
      const id = idOf(view);
      const old = was.get(id);
      was.delete(id);
      if (old === undefined) found.push({ revision, id, new: view });
      else if (!isDeepStrictEqual(withRevision(old, revision), withRevision(view, revision))) found.push({ revision, id, old, new: view });
    }
    for (const [id, view] of was) found.push({ revision, id, old: view });
    return found;
  }
}

const put = (index: Index, owner: string, id: string, other: KubeObject): void => {
  const group = index.get(owner) ?? new Map<string, KubeObject>();
  group.set(id, other);
  index.set(owner, group);
};

const undone = (after: State, t: Transition, isOwn: boolean): State => {
  if (isOwn) return { ...after, source: t.old };
  const others = new Map(after.others);
  if (t.old) others.set(t.id, t.old);
  else others.delete(t.id);
  return { ...after, others };
};
