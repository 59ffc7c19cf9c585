// `steady get`: tables from the server, or objects as JSON, YAML or names; and the same as they change.
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf, type Resource } from "../../schemas/resources.ts";
import { pathOf, type WatchEvent } from "../kube/client.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { wantedOf, type Wanted } from "./kinds.ts";
import { printObjects } from "./print.ts";
import { type Table, TABLE_ACCEPT, tableLines } from "./table.ts";

interface Options {
  output: string;
  selector: string | undefined;
  everywhere: boolean;
  headers: boolean;
  managedFields: boolean;
}

export const get = (ctx: Context, args: readonly string[]): Promise<number> =>
  withClient(ctx, async (connection) => {
    const o: Options = {
      output: ctx.flags.str("output") ?? "",
      selector: ctx.flags.str("selector"),
      everywhere: ctx.flags.bool("all-namespaces"),
      headers: !ctx.flags.bool("no-headers"),
      managedFields: ctx.flags.bool("show-managed-fields"),
    };
    const wanted = wantedOf(args);
    if (wanted.some((w) => w.names.length > 0) && (o.selector !== undefined || o.everywhere))
      throw usage("a name goes with neither --selector nor --all-namespaces");
    if (!ctx.flags.bool("watch"))
      return o.output === "" || o.output === "wide" ? tables(ctx, connection, wanted, o) : objects(ctx, connection, wanted, o);
    const only = wanted[0];
    if (wanted.length !== 1 || !only || only.names.length > 1) throw usage("--watch takes one kind, and one name at most");
    return watch(ctx, connection, only, o);
  });

const scope = (c: Connection, r: Resource, o: Options): string | undefined => (r.namespaced && !o.everywhere ? c.namespace : undefined);
const fullName = (r: Resource): string => (r.group ? `${r.singular}.${r.group}` : r.singular);

const tables = async (ctx: Context, c: Connection, wanted: readonly Wanted[], o: Options): Promise<number> => {
  const several = wanted.length > 1;
  let shown = 0;
  let code: number = EXIT.ok;
  for (const { resource, names } of wanted) {
    const namespace = scope(c, resource, o);
    const table: Table = { kind: "Table", columnDefinitions: [], rows: [] };
    const add = (more: Table): void => {
      if (!table.columnDefinitions?.length) table.columnDefinitions = more.columnDefinitions;
      table.rows = [...(table.rows ?? []), ...(more.rows ?? [])];
    };
    if (names.length === 0) for await (const page of pages(c, resource, namespace, o)) add(page);
    for (const name of names)
      try {
        add(await c.client.http.json<Table>("GET", pathOf(resource, namespace, name), { accept: TABLE_ACCEPT, signal: ctx.io.signal }));
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 404)) throw error;
        ctx.io.stderr.write(`error: ${error.message}\n`);
        code = EXIT.failed;
      }
    if (!table.rows?.length) continue;
    const lines = tableLines(table, {
      wide: o.output === "wide",
      namespaces: o.everywhere && resource.namespaced,
      header: o.headers,
      prefix: several ? `${fullName(resource)}/` : "",
    });
    ctx.io.stdout.write(`${shown > 0 ? "\n" : ""}${lines.join("\n")}\n`);
    shown++;
  }
  if (shown === 0 && code === EXIT.ok)
    ctx.io.stderr.write(
      `No ${wanted.map((w) => w.resource.resource).join(" or ")} found${o.everywhere || wanted.every((w) => !w.resource.namespaced) ? "" : ` in namespace ${c.namespace}`}.\n`,
    );
  return code;
};

async function* pages(c: Connection, r: Resource, namespace: string | undefined, o: Options): AsyncGenerator<Table> {
  let token: string | undefined;
  do {
    const page: Table = await c.client.http.json<Table>("GET", pathOf(r, namespace), {
      accept: TABLE_ACCEPT,
      query: { limit: "500", continue: token, labelSelector: o.selector },
    });
    if (page.kind !== "Table")
      throw new CliError(EXIT.unreachable, `the API at ${c.access.server} sends no tables`, { help: "use -o name, -o yaml or -o json" });
    yield page;
    token = page.metadata?.continue || undefined;
  } while (token !== undefined);
}

const objects = async (ctx: Context, c: Connection, wanted: readonly Wanted[], o: Options): Promise<number> => {
  const found: { resource: Resource; object: KubeObject }[] = [];
  let code: number = EXIT.ok;
  for (const { resource, names } of wanted) {
    const namespace = scope(c, resource, o);
    if (names.length === 0)
      for (const object of (await c.client.list(resource, { namespace, labelSelector: o.selector }, ctx.io.signal)).items)
        found.push({ resource, object });
    for (const name of names) {
      const object = await c.client.find(resource, namespace, name, ctx.io.signal);
      if (object) found.push({ resource, object });
      else {
        ctx.io.stderr.write(`error: ${resource.resource}${resource.group ? `.${resource.group}` : ""} ${JSON.stringify(name)} not found\n`);
        code = EXIT.failed;
      }
    }
  }
  if (o.output === "name") for (const { resource, object } of found) ctx.io.stdout.write(`${fullName(resource)}/${object.metadata.name}\n`);
  else {
    const single = wanted.length === 1 && wanted[0]?.names.length === 1;
    if (single && !found[0]) return code;
    await printObjects(ctx, o.output, single && found[0] ? found[0].object : { several: found.map((f) => f.object) }, o);
  }
  return code;
};

/** Goes on until Ctrl-C, over broken connections. */
const watch = async (ctx: Context, c: Connection, { resource, names }: Wanted, o: Options): Promise<number> => {
  const namespace = scope(c, resource, o);
  const { signal } = ctx.io;
  const selection = {
    namespace,
    labelSelector: o.selector,
    fieldSelector: names[0] === undefined ? undefined : `metadata.name=${names[0]}`,
  };
  if (names[0] !== undefined && !(await c.client.find(resource, namespace, names[0], signal)))
    throw new CliError(
      EXIT.failed,
      `${resource.resource} ${JSON.stringify(names[0])} not found${resource.namespaced ? ` in namespace ${namespace}` : ""}`,
    );
  const table = o.output === "" || o.output === "wide";
  const layout = { wide: o.output === "wide", namespaces: o.everywhere && resource.namespaced };
  if (table) {
    await watchTable(ctx, c, resource, selection, { ...layout, header: o.headers });
    return signal.aborted ? EXIT.interrupted : EXIT.ok;
  }
  for await (const change of c.client.follow<KubeObject>(resource, selection, signal)) {
    const items = change.type === "sync" ? change.items : change.type === "set" || change.type === "gone" ? [change.object] : [];
    for (const item of items) {
      const object = { ...item, apiVersion: apiVersionOf(resource), kind: resource.kind };
      if (o.output === "name") ctx.io.stdout.write(`${fullName(resource)}/${item.metadata.name}\n`);
      else await printObjects(ctx, o.output, object, { ...o, document: true });
    }
  }
  return EXIT.interrupted;
};

const watchTable = async (
  ctx: Context,
  c: Connection,
  resource: Resource,
  selection: { namespace: string | undefined; labelSelector: string | undefined; fieldSelector: string | undefined },
  layout: { wide: boolean; namespaces: boolean; header: boolean },
): Promise<void> => {
  const { signal, clock } = ctx.io;
  const path = pathOf(resource, selection.namespace);
  const query = { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
  let header = layout.header;
  let definitions: NonNullable<Table["columnDefinitions"]> = [];
  const show = (t: Table): void => {
    if (t.columnDefinitions?.length) definitions = t.columnDefinitions;
    if (!t.rows?.length) return;
    ctx.io.stdout.write(`${tableLines(t, { ...layout, header }, definitions).join("\n")}\n`);
    header = false;
  };
  let version: string | undefined;
  let first = true;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await c.client.http.json<Table>("GET", path, { accept: TABLE_ACCEPT, query, signal });
        version = list.metadata?.resourceVersion ?? "0";
        show(list);
        first = false;
      }
      const events = c.client.http.stream<WatchEvent<Table & KubeObject>>(path, {
        accept: TABLE_ACCEPT,
        query: { ...query, watch: "true", resourceVersion: version, allowWatchBookmarks: "true" },
        signal,
      });
      for await (const { type, object } of events) {
        if (type === "ERROR") {
          version = undefined;
          break;
        }
        version = object.rows?.at(-1)?.object?.metadata?.resourceVersion ?? object.metadata?.resourceVersion ?? version;
        if (type !== "BOOKMARK") show(object);
      }
      await clock.sleep(200, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (first || (error instanceof ApiError && error.code < 500 && error.code !== 410 && error.code !== 429)) throw error;
      if (error instanceof ApiError && error.code === 410) version = undefined;
      await clock.sleep(1000, signal).catch(() => {});
    }
  }
};
