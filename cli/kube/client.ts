// A small Kubernetes client: typed paths, list and watch with reconnect. Server-side tables are in table.ts, apply in apply.ts.
import { CLI } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf, type Resource } from "../../schemas/resources.ts";
import type { Env } from "../../store/env.ts";
import { ApiError, CliError, type Status } from "../errors.ts";
import type { Http, RequestOptions } from "./http.ts";

/** A kind on the server; RESOURCES are the ones known beforehand. */
export type ResourceOf = Pick<Resource, "group" | "version" | "resource" | "kind" | "namespaced">;

export interface List<T> {
  items: T[];
  metadata: { resourceVersion: string; continue?: string };
}

export type WatchEvent<T> = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: T } | { type: "ERROR"; object: Status };

/** What a list-and-watch tells: the whole at first and after a gap, then single changes. */
export type Change<T> =
  | { type: "sync"; items: T[] }
  | { type: "set" | "gone"; object: T }
  | { type: "broken"; message: string; retryMs: number };

export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export const MANAGER = CLI;

/** `/apis/steadfleet.dev/v1/namespaces/default/stacks/shop`; without a namespace the collection of all namespaces. */
export const pathOf = (r: ResourceOf, namespace: string | undefined, name?: string, subresource?: string): string => {
  const root = r.group ? `/apis/${r.group}/${r.version}` : `/api/${r.version}`;
  const scope = r.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${r.resource}${name === undefined ? "" : `/${encodeURIComponent(name)}`}${subresource ? `/${subresource}` : ""}`;
};

export class Client {
  readonly http: Http;
  readonly #clock: Env;
  constructor(http: Http, clock: Env) {
    this.http = http;
    this.#clock = clock;
  }

  /** Undefined when there is none. */
  async find<T extends KubeObject>(
    r: ResourceOf,
    namespace: string | undefined,
    name: string,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    try {
      return await this.http.json<T>("GET", pathOf(r, namespace, name), signal ? { signal } : {});
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** All pages, as of the first one's resourceVersion. Starts over when a page has expired. */
  async list<T extends KubeObject>(r: ResourceOf, o: Selection = {}, signal?: AbortSignal): Promise<List<T>> {
    const all: T[] = [];
    let token: string | undefined;
    for (let tries = 0; ; ) {
      try {
        const query = { limit: "500", continue: token, labelSelector: o.labelSelector, fieldSelector: o.fieldSelector };
        const page = await this.http.json<List<T>>("GET", pathOf(r, o.namespace), { query, ...(signal ? { signal } : {}) });
        // Items of a list carry no kind of their own.
        for (const item of page.items) all.push({ ...item, apiVersion: apiVersionOf(r), kind: r.kind });
        token = page.metadata.continue || undefined;
        if (token === undefined) return { items: all, metadata: { resourceVersion: page.metadata.resourceVersion } };
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 410 && ++tries < 5)) throw error;
        all.length = 0;
        token = undefined;
      }
    }
  }

  /**
   * The state and then every change, over broken connections, server restarts and compacted history (list again). Ends with the signal only.
   * @throws whatever the first list throws; later ones are told as `broken` and tried again after 0.2 s to 5 s
   */
  async *follow<T extends KubeObject>(r: ResourceOf, o: Selection, signal: AbortSignal): AsyncGenerator<Change<T>, void> {
    let version: string | undefined;
    let failures = 0;
    let first = true;
    while (!signal.aborted) {
      try {
        if (version === undefined) {
          const list = await this.list<T>(r, o, signal);
          version = list.metadata.resourceVersion;
          first = false;
          yield { type: "sync", items: list.items };
        }
        const started = this.#clock.monotonic();
        for await (const event of this.watch<T>(r, o, version, signal)) {
          failures = 0;
          if (event.type === "ERROR") {
            if (event.object.code === 410) version = undefined;
            else throw new ApiError(event.object.code ?? 500, event.object);
            break;
          }
          version = event.object.metadata.resourceVersion;
          if (event.type !== "BOOKMARK") yield { type: event.type === "DELETED" ? "gone" : "set", object: event.object };
        }
        // A server that closes at once must not make us spin.
        if (this.#clock.monotonic() - started < 1000) await this.#clock.sleep(200, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (first || !retryable(error)) throw error;
        if (error instanceof ApiError && error.code === 410) version = undefined;
        const retryMs = Math.min(5000, 200 * 2 ** Math.min(failures++, 10)) * (0.75 + this.#clock.random() / 2);
        yield { type: "broken", message: error instanceof Error ? error.message : String(error), retryMs };
        try {
          await this.#clock.sleep(retryMs, signal);
        } catch {
          return;
        }
      }
    }
  }

  watch<T extends KubeObject>(
    r: ResourceOf,
    o: Selection,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void> {
    const query = {
      watch: "true",
      resourceVersion,
      allowWatchBookmarks: "true",
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
    };
    return this.http.stream<WatchEvent<T>>(pathOf(r, o.namespace), { query, signal });
  }

  create<T extends KubeObject>(r: ResourceOf, namespace: string | undefined, object: unknown, o: WriteOptions = {}): Promise<T> {
    return this.http.json<T>("POST", pathOf(r, namespace), { ...writing(o), body: object });
  }

  /** JSON merge patch. Source: RFC 7396. */
  patch<T extends KubeObject>(
    r: ResourceOf,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    o: WriteOptions = {},
  ): Promise<T> {
    return this.http.json<T>("PATCH", pathOf(r, namespace, name), { ...writing(o), body: patch, type: "application/merge-patch+json" });
  }

  /** Answers the object while finalizers hold it, else a Status. */
  async delete(
    r: ResourceOf,
    namespace: string | undefined,
    name: string,
    o: { uid?: string } & WriteOptions = {},
  ): Promise<{ uid: string | undefined }> {
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: "Background",
      ...(o.uid ? { preconditions: { uid: o.uid } } : {}),
    };
    const answer = await this.http.json<KubeObject | Status>("DELETE", pathOf(r, namespace, name), { ...writing(o), body });
    return {
      uid:
        answer.kind === "Status" && !("apiVersion" in answer && "uid" in (answer.metadata ?? {}))
          ? (answer as Status).details?.uid
          : (answer as KubeObject).metadata?.uid,
    };
  }
}

export interface WriteOptions {
  dryRun?: boolean;
  signal?: AbortSignal;
}

const writing = (o: WriteOptions): RequestOptions => ({
  query: { fieldManager: MANAGER, fieldValidation: "Strict", dryRun: o.dryRun ? "All" : undefined },
  ...(o.signal ? { signal: o.signal } : {}),
});

/** Worth trying again: no answer, or one that says later. */
const retryable = (error: unknown): boolean =>
  error instanceof CliError || !(error instanceof ApiError) || error.code === 410 || error.code === 429 || error.code >= 500;
