// watch: a stream of events from the shared cache, one JSON document per line.
// Source: Kubernetes API concepts, "Efficient detection of changes", "Watch bookmarks", "Streaming lists".
import type { ServerResponse } from "node:http";
import type { KubeObject } from "../../schemas/meta.ts";
import { eventOf, type KindView, type Transition, type WatchEvent } from "../cache/kind-cache.ts";
import { snapshotOf } from "../cache/snapshot.ts";
import type { Answer, Call, Deps } from "../call.ts";
import { bookmarkOf, contentTypeOf, eventFormer, includeObject } from "../forms.ts";
import type { Problem } from "../kind.ts";
import { type ApiError, expired, failure, invalidOptions, tooNew, unavailable } from "../status.ts";
import { CATCH_UP_MS } from "./read.ts";
import { endWhenStalled, STALL_MS } from "../stall.ts";
import { revisionOf, type Selection, selectionOf } from "./select.ts";

const BOOKMARK_MS = 60_000;
/** Unsent bytes at which a watcher counts as gone: it resumes when it reads again. */
const MAX_UNSENT = 8 * 1024 * 1024;
/** Changes that may wait for a client that is still reading the beginning. */
const MAX_BACKLOG = 10_000;
/** kubectl exits when a watch ends, so without a wish of the client it lasts 30 to 60 minutes. */
const DEFAULT_SECONDS = 1_800;
/** Longer is not waited for: a timer takes no more than 24 days, and a client comes back. */
const MAX_SECONDS = 86_400;

interface Options {
  selection: Selection;
  /** Undefined: everything there is first, as of now. */
  revision: number | undefined;
  bookmarks: boolean;
  initialEvents: boolean;
  seconds: number;
}

/** @throws ApiError 422 as Kubernetes' ListOptions validation */
function optionsOf(deps: Deps, call: Call): Options {
  const initial = call.query.text("sendInitialEvents");
  const match = call.query.text("resourceVersionMatch");
  const problems: Problem[] = [];
  const problem = (field: string, message: string): void => void problems.push({ field, message, reason: "FieldValueForbidden" });
  if (initial !== undefined && match !== "NotOlderThan")
    problem("resourceVersionMatch", 'sendInitialEvents requires setting resourceVersionMatch to "NotOlderThan"');
  if (initial === undefined && match !== undefined)
    problem("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (call.query.text("continue") !== undefined) problem("continue", "continue is forbidden for watch");
  if (problems.length > 0) throw invalidOptions("ListOptions", problems);
  const revision = revisionOf(call);
  return {
    selection: selectionOf(call),
    revision,
    bookmarks: call.query.flag("allowWatchBookmarks"),
    // Without the parameter, "" and "0" mean: what there is first.
    initialEvents: initial === undefined ? !revision : call.query.flag("sendInitialEvents"),
    seconds: Math.min(call.query.number("timeoutSeconds") || Math.round(DEFAULT_SECONDS * (1 + deps.env.random())), MAX_SECONDS),
  };
}

/** @throws ApiError 400, 422, 504 (a revision that does not exist yet), 503 */
export async function watch(deps: Deps, call: Call): Promise<Answer> {
  const o = optionsOf(deps, call);
  const { cache } = deps;
  if (!cache.ready) throw unavailable("the watch cache is not filled yet; try again");
  const wanted = o.revision ?? (await cache.current());
  if (wanted > cache.revision && o.revision !== undefined) {
    const current = await cache.current();
    if (wanted > current) throw tooNew(wanted, current);
  }
  // What is sent first must not be older than what was asked for. Resuming needs no wait: older events are left out.
  if (o.initialEvents && !(await cache.reaches(wanted, CATCH_UP_MS, call.signal)) && !cache.synced)
    throw unavailable("the watch cache is behind; try again");
  return { type: "stream", run: (res) => stream(deps, call, { ...o, from: o.initialEvents ? undefined : wanted || undefined }, res) };
}

/** `from`: only what is newer is told; undefined: what there is first. */
async function stream(deps: Deps, call: Call, o: Options & { from: number | undefined }, res: ServerResponse): Promise<void> {
  const { env, cache } = deps;
  const own = cache.of(call.kind);
  const former = eventFormer({ kind: call.kind, form: call.form, includeObject: includeObject(call.query.text("includeObject")) }, () =>
    env.now(),
  );
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, call.signal, deps.closing]);
  const end = (): void => over.abort();

  res.writeHead(200, { "Content-Type": `${contentTypeOf(call.form)};stream=watch`, "Cache-Control": "no-cache, private" });
  res.flushHeaders();
  if (call.req.method === "HEAD") return void res.end();
  const tooSlow = (): void => {
    deps.log.warn({ kind: call.kind.resource.resource, user: call.user.name, unsent: res.writableLength }, "watcher too slow, ended");
    end();
    // What it did not read is not kept for it.
    res.destroy();
  };
  let cancelStall: (() => void) | undefined;
  res.on("drain", () => {
    cancelStall?.();
    cancelStall = undefined;
  });
  const write = (type: string, text: string): void => {
    if (signal.aborted) return;
    res.write(`{"type":"${type}","object":${text}}\n`);
    if (res.writableLength > MAX_UNSENT) tooSlow();
    else if (res.writableNeedDrain) cancelStall ??= env.timer(STALL_MS, tooSlow);
  };
  const line = (type: string, object: object): void => write(type, JSON.stringify(object));
  const send = (e: WatchEvent): void => {
    const object = former(e.object);
    write(e.type, object === e.object ? cache.textOf(e.object) : JSON.stringify(object));
  };
  let failed = false;
  const fail = (e: ApiError): void => {
    line("ERROR", failure(e));
    failed = true;
    end();
  };
  // From here to the subscription nothing waits, so nothing can happen in between.
  const from = o.from ?? cache.revision;
  const tell = (t: Transition): void => {
    if (t.revision <= from) return;
    const event = eventOf(t, o.selection.matches);
    if (event) send(event);
  };
  const missed = o.initialEvents ? [] : own.since(from);
  const present = o.initialEvents ? initial(own, call.kind.resource.namespaced, o.selection) : [];
  // What happens while the beginning is still being read by the client waits here.
  const backlog: Transition[] = [];
  let live = false;
  const unsubscribe = own.subscribe((t) => {
    if (live) return tell(t);
    if (backlog.push(t) > MAX_BACKLOG) end();
  });
  const unreset = cache.onReset(() => fail(expired("the store was restored from a backup: list again")));
  /** The beginning may be of any size, so it is sent no faster than it is read. */
  const beginning = async (): Promise<void> => {
    if (!missed) return fail(expired(`too old resource version: ${from} (${own.floor})`));
    for (const object of present) {
      send({ type: "ADDED", object });
      await room(res, signal);
    }
    if (o.initialEvents && o.bookmarks && call.query.flag("sendInitialEvents")) bookmark(from, true);
    backlog.unshift(...missed);
    for (let t = backlog.shift(); t; t = backlog.shift()) {
      tell(t);
      await room(res, signal);
    }
    live = true;
  };
  const bookmark = (revision: number, initialEventsEnd: boolean): void =>
    line("BOOKMARK", bookmarkOf(call.kind, call.form, Math.max(revision, from), initialEventsEnd));
  const cancelEnd = env.timer(o.seconds * 1000, end);
  let cancelBookmark = (): void => {};
  const beat = (): void => {
    cancelBookmark = env.timer(BOOKMARK_MS * (0.8 + 0.4 * env.random()), () => {
      if (live) bookmark(cache.revision, false);
      beat();
    });
  };
  if (o.bookmarks) beat();
  try {
    await beginning();
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  } finally {
    unsubscribe();
    unreset();
    cancelEnd();
    cancelBookmark();
    cancelStall?.();
    // The client may start again where the last bookmark is, however long nothing matched.
    if (o.bookmarks && live && !failed && !call.signal.aborted && !res.destroyed && !res.writableEnded)
      res.write(
        `${JSON.stringify({ type: "BOOKMARK", object: bookmarkOf(call.kind, call.form, Math.max(cache.revision, from), false) })}\n`,
      );
    endWhenStalled(deps, res);
    res.end();
  }
}

/** Waits until the client has read most of what it was sent, or is gone. */
async function room(res: ServerResponse, signal: AbortSignal): Promise<void> {
  if (!res.writableNeedDrain || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      res.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    res.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** What there is: what changes while it is being sent is told later. */
const initial = (view: KindView, namespaced: boolean, selection: Selection): KubeObject[] => {
  const snapshot = snapshotOf(view, namespaced, selection.scope);
  return (snapshot?.ids ?? []).flatMap((id) => {
    const o = snapshot?.object(id);
    return o && selection.matches(o) ? [o] : [];
  });
};
