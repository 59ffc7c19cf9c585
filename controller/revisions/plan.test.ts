// planRevisions by example, and its promises. A revision reads as "3 web=B@3 db=D@1": its number, and each service's template at its home.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stack, StackSpec, StackStatus } from "../../schemas/types.ts";
import type { RevisionView, ServiceTemplates } from "./history.ts";
import { KEPT_REVISIONS, numberOf, planRevisions, type RevisionStep } from "./plan.ts";

const stack = {
  metadata: { name: "shop", namespace: "default", uid: "u1", annotations: { "kubernetes.io/change-cause": "because" } },
} as unknown as Stack;
const spec = { services: {} } as StackSpec;

const parse = (text: string): { revision: number; services: ServiceTemplates } => {
  const [n, ...services] = text.split(" ");
  const entries = services.map((s) => /^(\w+)=(\w+)@(\d+)$/.exec(s) ?? []);
  return {
    revision: Number(n),
    services: Object.fromEntries(entries.map(([, name, templateHash, at]) => [name, { templateHash, revision: Number(at) }])),
  };
};
const templates = (s: ServiceTemplates): string =>
  Object.values(s)
    .map((x) => x.templateHash)
    .join("");
const view = (text: string, o: Partial<RevisionView> = {}): RevisionView => {
  const { revision, services } = parse(text);
  return {
    namespace: "default",
    name: `shop-${revision}`,
    stack: "shop",
    stackUid: "u1",
    revision,
    hash: templates(services),
    cause: "because",
    services,
    mod: 10 + revision,
    ...o,
  };
};
const statusOf = (text: string, hash?: string): StackStatus => {
  const { revision, services } = parse(text);
  return { revision, revisionHash: hash ?? templates(services), services } as unknown as StackStatus;
};
const short = (n: number, services: ServiceTemplates): string =>
  [n, ...Object.entries(services).map(([name, s]) => `${name}=${s.templateHash}@${s.revision}`)].join(" ");
const say = (s: RevisionStep): string =>
  s.type === "write"
    ? `+${short(s.draft.revision, s.draft.services)}${s.mod === 0 ? "" : ` over ${s.mod}`}`
    : s.type === "delete"
      ? `-${s.revision.name}${s.revision.stackUid === "u1" ? "" : " of another"}`
      : `~${short(s.revision.revision, s.services)}`;
const plan = (status: StackStatus, history: RevisionView[]): string[] => planRevisions({ stack, status, spec, history }).map(say);

describe("planRevisions", () => {
  const rows: { name: string; now: string; hash?: string; have: RevisionView[]; want: string[] }[] = [
    { name: "writes the first", now: "1 web=A@1", have: [], want: ["+1 web=A@1"] },
    { name: "has nothing to do when it is there", now: "1 web=A@1", have: [view("1 web=A@1")], want: [] },
    {
      name: "writes the one of a Stack from before there were any",
      now: "4 web=A@4 db=D@4",
      have: [],
      want: ["+4 web=A@4 db=D@4"],
    },
    { name: "writes the next beside the last", now: "2 web=B@2 db=D@1", have: [view("1 web=A@1 db=D@1")], want: ["+2 web=B@2 db=D@1"] },
    {
      name: "returning to the template before last: the newest number wins, and the same revision stands there once",
      now: "3 web=A@3",
      have: [view("1 web=A@1"), view("2 web=B@2")],
      want: ["+3 web=A@3", "-shop-1"],
    },
    {
      name: "keeps the former one while another service is at home there",
      now: "3 web=A@3 db=D@1",
      have: [view("1 web=A@1 db=D@1"), view("2 web=B@2 db=D@1")],
      want: ["+3 web=A@3 db=D@1", "~1 web=A@3 db=D@1"],
    },
    {
      name: "writes over one that was never reached",
      now: "2 web=C@2",
      have: [view("1 web=A@1"), view("2 web=B@2")],
      want: ["+2 web=C@2 over 12"],
    },
    {
      name: "takes away what a Stack of the same name left",
      now: "1 web=A@1",
      have: [view("1 web=X@1", { stackUid: "u0" }), view("2 web=Y@2", { stackUid: "u0" })],
      want: ["+1 web=A@1 over 11", "-shop-2 of another"],
    },
  ];
  for (const row of rows) it(row.name, () => expect(plan(statusOf(row.now, row.hash), row.have)).toEqual(row.want));

  it("names the Stack as its owner, and says why there was a change", () => {
    const [step] = planRevisions({ stack, status: statusOf("1 web=A@1"), spec, history: [] });
    expect(step).toMatchObject({
      draft: {
        metadata: {
          name: "shop-1",
          labels: { "steadfleet.dev/stack": "shop" },
          annotations: { "kubernetes.io/change-cause": "because" },
          ownerReferences: [{ kind: "Stack", name: "shop", uid: "u1", controller: true }],
        },
      },
    });
  });

  it("says of the present one what the Stack says by now, and leaves the others as they are", () => {
    const have = [view("1 web=A@1", { cause: "first" }), view("2 web=B@2", { cause: "typo" })];
    expect(plan(statusOf("2 web=B@2"), have)).toEqual(["~2 web=B@2"]);
  });

  it("lets those that only changed a count go before those that brought a template", () => {
    const have = [
      view("1 web=A@1"),
      view("2 web=B@2"),
      ...[3, 4, 5, 6, 7, 8, 9, 10].map((n) => view(`${n} web=B@2`, { hash: `scale${n}` })),
    ];
    expect(plan(statusOf("11 web=B@2", "scale11"), have)).toEqual(["+11 web=B@2", "-shop-3"]);
  });

  it("keeps the revision that brought what runs, however old", () => {
    const have = Array.from({ length: 10 }, (_, i) => view(`${i + 1} web=T${i}@${i + 1} db=D@1`));
    expect(plan(statusOf("11 web=T10@11 db=D@1"), have)).toEqual(["+11 web=T10@11 db=D@1", "-shop-2"]);
  });
});

describe("numberOf", () => {
  const own = [view("1 web=A@1"), view("2 web=B@2")];
  it("is the present one while nothing changes, and the next after that", () => {
    expect(numberOf("B", statusOf("2 web=B@2"), own)).toBe(2);
    expect(numberOf("C", statusOf("2 web=B@2"), own)).toBe(3);
    expect(numberOf("A", undefined, [])).toBe(1);
  });
  it("is taken from what is kept when the status was lost", () => {
    expect(numberOf("B", undefined, own)).toBe(2);
    expect(numberOf("C", undefined, own)).toBe(3);
  });
});

describe("a history of many changes", () => {
  interface World {
    status: StackStatus | undefined;
    history: RevisionView[];
  }
  const change = fc.record({
    web: fc.constantFrom("A", "B", "C", "D"),
    db: fc.constantFrom("X", "Y"),
    replicas: fc.integer({ min: 1, max: 3 }),
  });

  /** As the controller does it: the home of a template stays while the template stays. */
  const apply = (w: World, c: { web: string; db: string; replicas: number }, cut: number): World => {
    const hash = `${c.web}${c.db}${c.replicas}`;
    const own = w.history.toSorted((a, b) => a.revision - b.revision);
    const revision = numberOf(hash, w.status, own);
    const services = Object.fromEntries(
      (["web", "db"] as const).map((name) => {
        const had = w.status?.services?.[name];
        return [name, { templateHash: c[name], revision: had?.templateHash === c[name] ? had.revision : revision }];
      }),
    );
    const status = { revision, revisionHash: hash, services } as unknown as StackStatus;
    const steps = planRevisions({ stack, status, spec, history: own });
    const kept = new Map(w.history.map((r) => [r.name, r]));
    for (const step of steps.slice(0, cut)) {
      if (step.type === "delete") kept.delete(step.revision.name);
      else if (step.type === "amend") kept.set(step.revision.name, { ...step.revision, services: step.services });
      else {
        expect(step.mod).toBe(kept.get(step.draft.metadata.name)?.mod ?? 0);
        const { draft } = step;
        kept.set(draft.metadata.name, { ...view(`${draft.revision}`), hash: draft.hash, services: draft.services });
      }
    }
    // A commit is whole or not at all; where there are several, the status is in the last.
    return { status: cut >= steps.length ? status : w.status, history: [...kept.values()] };
  };

  it("shows each template of a service once, at the newest number; keeps ten, and the one that runs (through crashes, too)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.integer({ min: 0, max: 3 })), { maxLength: 40 }), (changes) => {
        let w: World = { status: undefined, history: [] };
        const brought = new Map<string, number>();
        for (const [c, cut] of changes) {
          if (cut < 3) w = apply(w, c, cut);
          w = apply(w, c, 1_000);
          const again = planRevisions({ stack, status: w.status as StackStatus, spec, history: w.history });
          expect(again).toEqual([]);
          const { revision = 0, services = {} } = w.status ?? {};
          expect(w.history.length).toBeLessThanOrEqual(KEPT_REVISIONS + 2);
          expect(w.history.filter((r) => r.revision === revision)).toHaveLength(1);
          for (const name of ["web", "db"]) {
            const shown = w.history.filter((r) => r.services[name]?.revision === r.revision);
            const hashes = shown.map((r) => r.services[name]?.templateHash);
            expect(new Set(hashes).size, `${name}: ${hashes.join(" ")}`).toBe(hashes.length);
            const home = services[name]?.revision ?? 0;
            brought.set(`${name} ${services[name]?.templateHash}`, home);
            expect(shown.some((r) => r.revision === home && r.services[name]?.templateHash === services[name]?.templateHash)).toBe(true);
            for (const r of shown) expect(brought.get(`${name} ${r.services[name]?.templateHash}`)).toBe(r.revision);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
