// Lists and gets without the watch cache: when it is late, and of revisions that its history no longer tells.
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { nodesPrefix, objectKey, objectPrefix } from "../../store/keys.ts";
import type { Item, Kv } from "../../store/kv.ts";
import type { Kind } from "../kind.ts";
import { Joins } from "./joins.ts";
import { idOf } from "./kind-cache.ts";
import type { Scope } from "./snapshot.ts";

/** Some objects in the order of their ids, and how many of the scope follow them. */
export interface Page {
  revision: number;
  objects: readonly KubeObject[];
  rest: number;
}

export interface ReadOptions {
  scope: Scope;
  /** Only what lies behind this id. */
  after?: string | undefined;
  /** Undefined: now. */
  revision?: number | undefined;
  /** A wish. */
  pageSize?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Decoded {
  mod: number;
  value: unknown;
}

const PAGE = 5_000;

export class StoreReader {
  /**
   * `decode`: a stored object as readers see it, or a part of a join.
   * `version`: of a joined object that was put together from parts as of a revision.
   */
  constructor(
    private readonly kv: Kv,
    private readonly decode: (item: Item) => Decoded,
    private readonly version: (kind: "pods" | "nodes", id: string, view: KubeObject, revision: number) => KubeObject,
  ) {}

  /** One revision over all pages, at least one page. @throws ExpiredError (compacted), UnavailableError */
  async *pages(kind: Kind, o: ReadOptions): AsyncGenerator<Page> {
    if (kind.reads === "stored") return yield* this.stored(kind, o);
    yield kind.reads === "nodes" || kind.reads === "pods" ? await this.joined(kind.reads, o) : await this.derived(kind, o);
  }

  /** One object, by what it is called within its kind. */
  async one(kind: Kind, scope: Scope, signal?: AbortSignal): Promise<KubeObject | undefined> {
    const { namespace, name = "" } = scope;
    if (kind.reads === "stored") {
      const { item } = await this.kv.get(objectKey(kind.resource, namespace, name), signal ? { signal } : {});
      return item && (this.decode(item).value as KubeObject);
    }
    for await (const page of this.pages(kind, { scope, signal })) {
      const [object] = page.objects;
      if (object) return object;
    }
    return undefined;
  }

  private async *stored(kind: Kind, o: ReadOptions): AsyncGenerator<Page> {
    const { namespace, name } = o.scope;
    const whole = objectPrefix(kind.resource);
    const prefix = objectPrefix(kind.resource, namespace);
    let after = o.after === undefined ? undefined : whole + o.after;
    let revision = o.revision;
    for (;;) {
      const page = await this.kv.range(prefix, {
        limit: Math.min(o.pageSize ?? PAGE, PAGE),
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
        ...(o.signal ? { signal: o.signal } : {}),
      });
      revision ??= page.revision;
      const objects = page.items.map((item) => this.decode(item).value as KubeObject);
      yield {
        revision,
        objects: name === undefined ? objects : objects.filter((object) => object.metadata.name === name),
        rest: page.count - page.items.length,
      };
      after = page.items.at(-1)?.key;
      if (!page.more || after === undefined) return;
    }
  }

  /** The parts are read at one revision and joined here. */
  private async joined(kind: "nodes" | "pods", o: ReadOptions): Promise<Page> {
    const joins = new Joins();
    const prefixes = [nodesPrefix, objectPrefix(RESOURCES.nodes)];
    let revision = o.revision;
    for (const prefix of prefixes) {
      for (let after: string | undefined; ; ) {
        const page = await this.kv.range(prefix, {
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
          ...(revision === undefined ? {} : { revision }),
          ...(o.signal ? { signal: o.signal } : {}),
        });
        revision ??= page.revision;
        for (const item of page.items) joins.set(item.key, this.decode(item));
        after = page.items.at(-1)?.key;
        if (!page.more || after === undefined) break;
      }
    }
    const at = revision ?? 0;
    const objects = [...joins.views(kind)].map(([id, view]) => this.version(kind, id, view, at));
    return scoped(objects, o, at);
  }

  private async derived(kind: Kind, o: ReadOptions): Promise<Page> {
    const { from, beside, views } = kind.derived ?? {};
    if (!from || !views) throw new TypeError(`${kind.resource.resource} cannot be read from the store`);
    const scope = { namespace: o.scope.namespace };
    const objects: KubeObject[] = [];
    let revision = o.revision;
    const groups = new Map<string, KubeObject[]>();
    if (beside)
      for await (const page of this.stored(beside.kind, { scope, revision, signal: o.signal })) {
        revision = page.revision;
        for (const other of page.objects) {
          const id = beside.belongsTo(other);
          groups.set(id, [...(groups.get(id) ?? []), other]);
        }
      }
    for await (const page of this.stored(from, { scope, revision, signal: o.signal })) {
      revision = page.revision;
      for (const source of page.objects) {
        try {
          objects.push(...views(source, groups.get(idOf(source)) ?? []));
        } catch {
          // Told by the cache, which has it too: what cannot be shown has no views.
        }
      }
    }
    return scoped(objects, o, revision ?? 0);
  }
}

const scoped = (objects: readonly KubeObject[], { scope, after }: ReadOptions, revision: number): Page => {
  const found = objects
    .map((object) => ({ id: idOf(object), object }))
    .filter(
      ({ id, object: { metadata } }) =>
        (scope.namespace === undefined || metadata.namespace === scope.namespace) &&
        (scope.name === undefined || metadata.name === scope.name) &&
        (after === undefined || id > after),
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { revision, objects: found.map((f) => f.object), rest: 0 };
};
