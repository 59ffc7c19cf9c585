// A small schema with every kind of map and list, arbitrary values of it, and a short way to apply and write, for tests of the core.
import * as fc from "fast-check";
import type { KubeObject, ManagedFieldsEntry } from "../../../schemas/meta.ts";
import { stacks } from "../../kinds/stacks.ts";
import type { Json } from "../../json.ts";
import { applyConfig } from "../apply.ts";
import { ConflictsError } from "../conflicts.ts";
import { decodeFields } from "../decode-fields.ts";
import { type FieldSet, pathsOf } from "../field-set.ts";
import { pathWords } from "../steps.ts";
import { trackUpdate } from "../track.ts";

export type Fields = { [key: string]: Json };

/** An object and its managers, through a series of writes. Times are the number of the write, in seconds. */
export class World {
  object: KubeObject | undefined;
  private clock = 0;

  /** Puts things there that nobody owns, as the server's own writers do. */
  constructor(unowned?: Fields) {
    if (unowned) this.object = whole(unowned);
  }

  private writer(manager: string, subresource?: string) {
    return { manager, now: ++this.clock * 1000, ...(subresource ? { subresource } : {}) };
  }

  /** `part`: `spec`, `metadata` and so on. Answers the conflicts: `"b" .spec.services.web.image`. */
  apply(manager: string, part: Fields, o: { force?: boolean; subresource?: string } = {}): string[] {
    try {
      const { object, managedFields, problems } = applyConfig({
        kind: stacks,
        live: this.object,
        config: { apiVersion: "steadfleet.dev/v1", kind: "Stack", ...part },
        writer: this.writer(manager, o.subresource),
        force: o.force ?? false,
      });
      if (problems.length > 0) return problems.map((p) => `${p.reason} ${pathWords(p.path)}`);
      this.store(object, managedFields);
      return [];
    } catch (e) {
      if (!(e instanceof ConflictsError)) throw e;
      return e.conflicts.map((c) => `${c.manager} ${pathWords(c.path)}`);
    }
  }

  /** A write that is no apply: the parts as they should be. */
  update(manager: string, part: Fields, requested?: Json, subresource?: string): void {
    const next = whole({ ...(this.object as unknown as Fields | undefined), ...part });
    this.store(next as unknown as Fields, trackUpdate(stacks, this.object, next, this.writer(manager, subresource), requested));
  }

  private store(object: Fields, managedFields: ManagedFieldsEntry[]): void {
    const next = whole(object);
    const { managedFields: _old, ...metadata } = next.metadata;
    this.object = { ...next, metadata: { ...metadata, ...(managedFields.length > 0 ? { managedFields } : {}) } };
  }

  get spec(): Json {
    return (this.object as unknown as Fields)["spec"] ?? null;
  }
  get entries(): ManagedFieldsEntry[] {
    return this.object?.metadata.managedFields ?? [];
  }
  /** `["a Apply", …]` */
  get managers(): string[] {
    return this.entries.map((e) => `${e.manager} ${e.operation}${e.subresource ? ` ${e.subresource}` : ""}`);
  }
  /** Paths that a manager owns. */
  owns(manager: string, operation: "Apply" | "Update" = "Apply", subresource?: string): string[] {
    const entry = this.entries.find((e) => e.manager === manager && e.operation === operation && e.subresource === subresource);
    return entry ? wordsOf(decodeFields(entry.fieldsV1)) : [];
  }
}

export const wordsOf = (set: FieldSet): string[] => [...pathsOf(set)].map(pathWords);

const whole = (o: Fields): KubeObject => {
  const { metadata, ...rest } = o as { metadata?: Fields };
  return {
    apiVersion: "steadfleet.dev/v1",
    kind: "Stack",
    ...rest,
    metadata: { name: "shop", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
  };
};

const name = fc.constantFrom("web", "db", "__proto__", "constructor");
const word = fc.constantFrom("x", "y", "z");
const optional = <T>(fields: { [key: string]: fc.Arbitrary<T> }): fc.Arbitrary<Fields> =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Fields>;
const some = (a: fc.Arbitrary<Json>, max = 3): fc.Arbitrary<Json> => fc.dictionary(name, a, { maxKeys: max }) as fc.Arbitrary<Json>;
const unique = (a: fc.Arbitrary<Json>): fc.Arbitrary<Json> => fc.uniqueArray(a, { maxLength: 3 });

const service = optional<Json>({
  image: word,
  command: fc.oneof(word, fc.array(word, { maxLength: 2 })),
  environment: fc.oneof(fc.array(word, { maxLength: 2 }), fc.dictionary(word, word, { maxKeys: 3 })),
  ports: fc.array(fc.oneof(word, fc.record({ target: fc.nat(2) })), { maxLength: 2 }),
  cap_add: unique(word),
  networks: fc.oneof(unique(word), some(fc.oneof(fc.constant(null), optional<Json>({ aliases: unique(word) })))),
  healthcheck: optional<Json>({ test: fc.oneof(word, fc.array(word, { maxLength: 2 })), interval: word }),
  deploy: optional<Json>({ replicas: fc.nat(3), placement: optional<Json>({ constraints: unique(word) }) }),
  "x-own": fc.oneof(word, some(word), fc.array(word, { maxLength: 2 })),
});

const owner = fc.record({ uid: word, name: word, kind: fc.constant("K"), apiVersion: fc.constant("v1") });

/** `metadata` and `spec` of a Stack, without nulls and empties that admission would take away: labels and lists that are there hold something. */
export const parts = (o: { names?: fc.Arbitrary<string> } = {}): fc.Arbitrary<Fields> =>
  fc
    .record({
      metadata: optional<Json>({
        labels: fc.dictionary(o.names ?? word, word, { minKeys: 1, maxKeys: 3 }),
        finalizers: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
        ownerReferences: fc.uniqueArray(owner, { selector: (r) => r.uid, minLength: 1, maxLength: 2 }) as fc.Arbitrary<Json>,
      }),
      spec: optional<Json>({
        services: fc.dictionary(o.names ?? name, service, { maxKeys: 2 }) as fc.Arbitrary<Json>,
        volumes: some(fc.oneof(fc.constant(null), optional<Json>({ name: word }))),
        "x-note": word,
      }),
    })
    // As a parser makes it: fast-check's maps have no prototype.
    .map((v) => JSON.parse(JSON.stringify(v)) as Fields);
