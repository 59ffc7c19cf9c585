// Answers as text. A list is written item by item, as fast as it is read: however long it is, and however many ask for it at
// once, no more than a piece of its text is in memory at a time.
import { Readable } from "node:stream";
import type { Context } from "koa";
import type { KubeObject } from "../schemas/meta.ts";
import type { Answer } from "./call.ts";
import { type FormOptions, formObject, type ListShape, listShape } from "./forms.ts";

/** Characters of a list that are made at a time; a list that is shorter is sent in one piece. */
const PIECE = 64 * 1024;

/** As Kubernetes: where it is asked for, or by what people read with their own eyes. */
const isPretty = (ctx: Context): boolean => {
  const asked = ctx.URL.searchParams.get("pretty");
  if (asked !== null && asked !== "") return asked !== "false" && asked !== "0";
  return /^(curl|Wget|Mozilla\/5\.0)/.test(ctx.get("User-Agent"));
};

/** Status and headers are the caller's. */
export function respond(ctx: Context, a: Exclude<Answer, { type: "stream" }>, o: FormOptions): void {
  const indent = isPretty(ctx) ? 2 : 0;
  if (a.type !== "list") {
    ctx.body = JSON.stringify(a.type === "status" ? a.status : formObject(a.object, o), null, indent) + (indent > 0 ? "\n" : "");
    return;
  }
  const pieces = listText(a.items, listShape(a.metadata, o), indent);
  const first = pieces.next();
  const second = pieces.next();
  ctx.body = second.done ? (first.value ?? "") : Readable.from(together([first.value ?? "", second.value], pieces), { objectMode: false });
}

/** Pieces of JSON text. */
export function* listText(items: readonly KubeObject[], shape: ListShape, indent: number): Generator<string, undefined> {
  const [line, deeper] = indent > 0 ? ["\n", " ".repeat(2 * indent)] : ["", ""];
  const text = (value: object): string => JSON.stringify(value, null, indent);
  const head = text(shape.head);
  let piece = `${head.slice(0, head.lastIndexOf("}")).trimEnd()},${line}${" ".repeat(indent)}"${shape.key}":${indent > 0 ? " " : ""}[`;
  for (const [i, object] of items.entries()) {
    const item = text(shape.item(object));
    piece += `${i > 0 ? "," : ""}${line}${indent > 0 ? deeper + item.replaceAll("\n", `\n${deeper}`) : item}`;
    if (piece.length >= PIECE) {
      yield piece;
      piece = "";
    }
  }
  yield `${piece}${line}${indent > 0 && items.length > 0 ? " ".repeat(indent) : ""}]${line}}${line}`;
}

function* together(begun: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* begun;
  yield* rest;
}
