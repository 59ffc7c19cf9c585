// Deletes what is in a Namespace that is being deleted, and then lets it go.
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { KubeObject } from "../../schemas/meta.ts";
import { type Resource, RESOURCES } from "../../schemas/resources.ts";
import type { Namespace } from "../../schemas/types.ts";
import type { Env } from "../../store/env.ts";
import { ConflictError, NotFoundError } from "../../store/errors.ts";
import type { Informer } from "../../store/informer.ts";
import { objectKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import { ObjectStore } from "../../store/objects.ts";
import { WorkQueue } from "../../store/workqueue.ts";
import type { Leadership } from "../leadership.ts";
import { secondsOf } from "../times.ts";
import type { World } from "../world.ts";
import { type Content, planNamespace } from "./plan.ts";

/** Stacks take their revisions along; Events tell of the rest. */
const LAST: readonly string[] = ["stackrevisions", "events"];
/** Pods are no objects of their own: their stacks remove them. */
const CONTENTS: readonly Resource[] = Object.values(RESOURCES)
  .filter((r) => r.namespaced && r.resource !== "pods")
  .toSorted((a, b) => LAST.indexOf(a.resource) - LAST.indexOf(b.resource));
/** How often a namespace that is on its way out is looked at, in milliseconds: nothing tells us when its last config map went. */
const LOOK_MS = 500;

export class NamespaceLoop {
  private readonly queue: WorkQueue;
  private readonly objects: ObjectStore;

  constructor(private readonly o: { kv: Kv; env: Env; log: Logger; namespaces: Informer<Namespace>; world: World }) {
    this.queue = new WorkQueue({ env: o.env, log: o.log, name: "namespaces" });
    this.objects = new ObjectStore(o.kv, o.env);
    o.namespaces.subscribe(({ new: now }) => {
      if (now) this.queue.add(now.metadata.name);
    });
  }

  async run({ guard, signal }: Leadership): Promise<void> {
    for (const [, ns] of this.o.namespaces.entries()) this.queue.add(ns.metadata.name);
    await this.queue.run({
      workers: 1,
      signal,
      reconcile: async (name) => {
        const key = objectKey(RESOURCES.namespaces, undefined, name);
        const ns = this.o.namespaces.get(key);
        if (!ns) return undefined;
        const terminating = ns.metadata.deletionTimestamp !== undefined;
        const contents = terminating ? await this.contents(name, signal) : [];
        const pods = terminating
          ? [...this.o.world.stacks()].filter((s) => s.startsWith(`${name}/`)).reduce((n, s) => n + this.o.world.pods(s).length, 0)
          : 0;
        const plan = planNamespace(ns, contents, pods, secondsOf(this.o.env.now()));
        for (const c of plan.remove) await this.remove(name, c, { guard, signal });
        if (!isDeepStrictEqual(plan.namespace, ns)) {
          const mod = Number(ns.metadata.resourceVersion);
          const value = plan.namespace && stored(plan.namespace);
          try {
            await this.o.kv.commit([{ key, mod, value: value ?? null }], { guard, signal });
          } catch (err) {
            // Somebody else wrote; their change brings the key here again.
            if (!(err instanceof ConflictError)) throw err;
          }
          if (!plan.namespace) this.o.log.info({ namespace: name }, "namespace deleted");
        }
        return terminating && plan.namespace ? { afterMs: LOOK_MS } : undefined;
      },
    });
  }

  /** Read from etcd itself: this happens once in a namespace's life, and must not miss a thing. */
  private async contents(namespace: string, signal: AbortSignal): Promise<Content[]> {
    const found: Content[] = [];
    for (const r of CONTENTS) {
      // What goes last stays until there is no rest.
      if (LAST.includes(r.resource) && found.length > 0) break;
      const { items } = await this.objects.list<KubeObject>(r, { namespace, signal });
      for (const { metadata: m } of items)
        found.push({ resource: r.resource, name: m.name, uid: m.uid, deleting: m.deletionTimestamp !== undefined });
    }
    return found;
  }

  private async remove(namespace: string, c: Content, { guard }: Leadership): Promise<void> {
    const r = CONTENTS.find((x) => x.resource === c.resource);
    if (!r) return;
    try {
      await this.objects.delete(r, namespace, c.name, { uid: c.uid, guard });
    } catch (err) {
      if (!(err instanceof NotFoundError) && !(err instanceof ConflictError)) throw err;
    }
  }
}

const stored = (ns: Namespace): object => {
  const { resourceVersion: _, ...metadata } = ns.metadata;
  return { ...ns, metadata };
};
