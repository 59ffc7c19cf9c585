// YAML text → objects, with file:line:column for everything that is wrong. For command lines: the server takes JSON.
import { type Document, LineCounter } from "yaml";
import { parseObject, type ParseResult, type Source } from "./parse.ts";
import { Findings, type Key, type Position, type Problem } from "./problems.ts";
import { findExcess } from "./yaml/bounds.ts";
import { documentsOf } from "./yaml/documents.ts";
import { type Places, Reader } from "./yaml/read.ts";
import { yamlWords } from "./yaml/words.ts";
import { typeOf } from "./words.ts";

export { MAX_BYTES, MAX_NESTING } from "./yaml/bounds.ts";

export type ManifestDocument =
  /** An object with apiVersion and kind (or something that lacks them: then `result` says so). */
  | { form: "object"; value: unknown; source: Source; result: ParseResult }
  /** A bare Compose file, for the command line to interpolate and wrap. `source` answers for paths below `spec`. */
  | { form: "compose"; value: Record<string, unknown>; source: Source };

export interface Manifests {
  /** In the order of the text; only those that are sound YAML. */
  documents: ManifestDocument[];
  /** Of the YAML itself. Problems of objects are in their `result`. */
  problems: Problem[];
}

/** Answers for one document; `prefix` leads from the keys asked for to the document's root: `["items", 3]`. */
class DocumentSource implements Source {
  constructor(
    private readonly root: unknown,
    private readonly start: number,
    private readonly places: Places,
    private readonly positionOf: (offset: number) => Position,
    private readonly options: { prefix?: readonly Key[]; wrapped?: boolean } = {},
  ) {}

  position(keys: readonly Key[], onKey: boolean): Position {
    const inside = this.options.wrapped && keys[0] === "spec" ? keys.slice(1) : this.options.wrapped ? [] : keys;
    let at = this.root;
    let place = { key: this.start, value: this.start };
    let whole = true;
    for (const key of [...(this.options.prefix ?? []), ...inside]) {
      const next = typeof at === "object" && at !== null ? this.places.get(at)?.get(key) : undefined;
      if (!next) {
        whole = false; // missing: the key of the map it is missing in says most
        break;
      }
      place = next;
      at = (at as Record<Key, unknown>)[key];
    }
    return this.positionOf(onKey || !whole ? place.key : place.value);
  }
}

const isCompose = (value: unknown): value is Record<string, unknown> => {
  if (typeOf(value) !== "object") return false;
  const { apiVersion, kind, services } = value as Record<string, unknown>;
  return apiVersion === undefined && kind === undefined && services !== undefined;
};

const byPosition = (a: Problem, b: Problem): number =>
  (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0);

const sorted = (result: ParseResult): ParseResult =>
  "problems" in result ? { ...result, problems: result.problems.toSorted(byPosition) } : result;

class Text {
  private readonly lines = new LineCounter();
  readonly problems: Problem[] = [];
  readonly documents: ManifestDocument[] = [];

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  private readonly positionOf = (offset: number): Position => {
    const { line, col } = this.lines.linePos(Math.min(offset, this.text.length));
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  private problem(offset: number, message: string, help?: string): void {
    this.problems.push({ path: "", keys: [], reason: "Invalid", message, ...(help ? { help } : {}), position: this.positionOf(offset) });
  }

  /** The lexer has not run when a text is refused for its size: count lines by hand. */
  private refuse(offset: number, message: string): void {
    const before = this.text.slice(0, offset).split("\n");
    const position = { file: this.file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    this.problems.push({ path: "", keys: [], reason: "Invalid", message, position });
  }

  private add(value: unknown, source: Source, itemsOf: (i: number) => Source): void {
    if (isCompose(value)) {
      this.documents.push({ form: "compose", value, source });
      return;
    }
    const list = value as { kind?: unknown; items?: unknown } | null;
    if (typeof list?.kind === "string" && list.kind.endsWith("List") && Array.isArray(list.items)) {
      list.items.forEach((item: unknown, i) => {
        const at = itemsOf(i);
        this.documents.push({ form: "object", value: item, source: at, result: sorted(parseObject(item, { source: at })) });
      });
      return;
    }
    this.documents.push({ form: "object", value, source, result: sorted(parseObject(value, { source })) });
  }

  private document(doc: Document.Parsed): void {
    // What follows the first error is mostly its consequence.
    const error = doc.errors[0] ?? doc.warnings[0];
    if (error) {
      const { message, help } = yamlWords(error.code, error.message);
      this.problem(error.pos[0], message, help);
      return;
    }
    const places: Places = new WeakMap();
    const out = new Findings();
    const found: Problem[] = [];
    const locate = (offset: number): void => {
      const last = out.problems.at(-1);
      if (last) found.push({ ...last, position: this.positionOf(offset) });
    };
    const at = (offset: number): string => `${this.positionOf(offset).line}:${this.positionOf(offset).column}`;
    const value = new Reader(doc, { places, out, at, locate }).read(doc.contents);
    this.problems.push(...found);
    if (value === null && found.length === 0) return; // an empty document
    const start = doc.contents?.range[0] ?? 0;
    const sourceOf = (options: { prefix?: readonly Key[]; wrapped?: boolean }): Source =>
      new DocumentSource(value, start, places, this.positionOf, options);
    if (found.length === 0) this.add(value, sourceOf({ wrapped: isCompose(value) }), (i) => sourceOf({ prefix: ["items", i] }));
  }

  parse(): Manifests {
    const excess = findExcess(this.text);
    if (excess) {
      this.refuse(excess.offset, excess.message);
      return this;
    }
    for (const doc of documentsOf(this.text, this.lines)) this.document(doc);
    return this;
  }
}

/** All documents of a text. Never throws on any text; at most 1 MiB, 64 levels. `file` is what positions call it. */
export const parseManifests = (text: string, file: string): Manifests => {
  const { documents, problems } = new Text(text, file).parse();
  return { documents, problems };
};
