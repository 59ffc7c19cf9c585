import { describe, expect, it } from "vitest";
import type { KubeObject } from "../schemas/meta.ts";
import { LAST_APPLIED, restoreNulls } from "./nulls.ts";

const object = (spec: unknown, annotation?: string): KubeObject & { spec: unknown } => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: {
    name: "shop",
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(annotation !== undefined && { annotations: { [LAST_APPLIED]: annotation } }),
  },
  spec,
});
const applied = (spec: unknown): string => JSON.stringify({ spec });

describe("restoreNulls", () => {
  it.each([
    {
      name: "puts back a key without a value",
      sent: { volumes: {}, services: { web: { image: "a", networks: { back: { aliases: ["x"] } } } } },
      written: { volumes: { data: null }, services: { web: { image: "a", networks: { back: { aliases: ["x"] }, front: null } } } },
      want: { volumes: { data: null }, services: { web: { image: "a", networks: { back: { aliases: ["x"] }, front: null } } } },
    },
    { name: "keeps what is there", sent: { volumes: { data: {} } }, written: { volumes: { data: null } }, want: { volumes: { data: {} } } },
    { name: "makes no maps that are not there", sent: {}, written: { volumes: { data: null } }, want: {} },
    { name: "adds nothing but nulls", sent: { a: {} }, written: { a: { b: 1, c: null } }, want: { a: { c: null } } },
    { name: "leaves lists alone", sent: { a: [{}] }, written: { a: [{ b: null }] }, want: { a: [{}] } },
    { name: "minds a changed type", sent: { a: "x" }, written: { a: { b: null } }, want: { a: "x" } },
  ])("$name", ({ sent, written, want }) => {
    expect(restoreNulls(object(sent, applied(written)))).toMatchObject({ spec: want });
    expect((restoreNulls(object(sent, applied(written))) as { spec: unknown }).spec).toEqual(want);
  });

  it("does so only when the write brings the manifest", () => {
    const text = applied({ volumes: { data: null } });
    const sent = object({ volumes: {} }, text);
    expect(restoreNulls(sent, object({ volumes: { data: null } }, text))).toBe(sent);
    expect(restoreNulls(sent, object({ volumes: {} }, applied({})))).toMatchObject({ spec: { volumes: { data: null } } });
  });

  it.each(["", "no json", "null", "[]", '{"spec":3}', '{"spec":{"__proto__":null}}'])("is not led astray by the annotation %j", (text) => {
    expect(restoreNulls(object({ volumes: {} }, text))).toMatchObject({ spec: { volumes: {} } });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("does nothing without one", () => {
    const plain = object({ volumes: {} });
    expect(restoreNulls(plain)).toBe(plain);
  });
});
