// Sets of paths, as tries: what a manager owns. All operations answer new sets; parts of the old ones may be shared.
// Source: sigs.k8s.io/structured-merge-diff, fieldpath/set.go.
import { compareSteps, type Path, type Step } from "./steps.ts";

/** `members`: paths of this set that end here. `children`: the paths that go on; none of them is empty. */
export interface FieldSet {
  readonly members: ReadonlySet<Step>;
  readonly children: ReadonlyMap<Step, FieldSet>;
}

export const EMPTY: FieldSet = { members: new Set(), children: new Map() };
export const isEmpty = (s: FieldSet): boolean => s.members.size === 0 && s.children.size === 0;

/** Grows a set. */
export class SetBuilder {
  private readonly root = { members: new Set<Step>(), children: new Map<Step, FieldSet>() };

  /** The empty path is the object itself, which nobody owns. */
  insert(path: Path): void {
    const last = path.at(-1);
    if (last === undefined) return;
    let at = this.root;
    for (const step of path.slice(0, -1)) {
      const next = (at.children.get(step) as typeof at | undefined) ?? { members: new Set<Step>(), children: new Map<Step, FieldSet>() };
      at.children.set(step, next);
      at = next;
    }
    at.members.add(last);
  }

  build(): FieldSet {
    return this.root;
  }
}

export const setOf = (...paths: Path[]): FieldSet => {
  const b = new SetBuilder();
  for (const p of paths) b.insert(p);
  return b.build();
};

export const has = (s: FieldSet, path: Path): boolean => {
  const [step, ...rest] = path;
  if (step === undefined) return false;
  if (rest.length === 0) return s.members.has(step);
  const child = s.children.get(step);
  return child !== undefined && has(child, rest);
};

/** Children from `steps` by `make`, without the empty ones. */
const childrenOf = (steps: Iterable<Step>, make: (step: Step) => FieldSet): Map<Step, FieldSet> => {
  const children = new Map<Step, FieldSet>();
  for (const step of steps) {
    const child = make(step);
    if (!isEmpty(child)) children.set(step, child);
  }
  return children;
};

export const union = (a: FieldSet, b: FieldSet): FieldSet => ({
  members: new Set([...a.members, ...b.members]),
  children: childrenOf(new Set([...a.children.keys(), ...b.children.keys()]), (step) => {
    const [x, y] = [a.children.get(step), b.children.get(step)];
    return x && y ? union(x, y) : (x ?? y ?? EMPTY);
  }),
});

export const intersection = (a: FieldSet, b: FieldSet): FieldSet => ({
  members: new Set([...a.members].filter((m) => b.members.has(m))),
  children: childrenOf(a.children.keys(), (step) => intersection(a.children.get(step) ?? EMPTY, b.children.get(step) ?? EMPTY)),
});

/** Paths of `a` that are not in `b`. What lies below a path of `b` stays. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => ({
  members: new Set([...a.members].filter((m) => !b.members.has(m))),
  children: childrenOf(a.children.keys(), (step) => {
    const [x, y] = [a.children.get(step) ?? EMPTY, b.children.get(step)];
    return y ? difference(x, y) : x;
  }),
});

export const equal = (a: FieldSet, b: FieldSet): boolean => isEmpty(difference(a, b)) && isEmpty(difference(b, a));

const sorted = (s: FieldSet): Step[] => [...new Set([...s.members, ...s.children.keys()])].toSorted(compareSteps);

/** Every path, in a stable order, what contains before what is inside. */
export function* pathsOf(s: FieldSet, prefix: Path = []): Generator<Path> {
  for (const step of sorted(s)) {
    const path = [...prefix, step];
    if (s.members.has(step)) yield path;
    const child = s.children.get(step);
    if (child) yield* pathsOf(child, path);
  }
}

/** FieldsV1: the trie as JSON, `"."` standing for a node itself. */
export type FieldsV1 = { [step: string]: FieldsV1 };

export const encodeFields = (s: FieldSet, self = false): FieldsV1 =>
  Object.fromEntries([
    ...(self ? [[".", {}]] : []),
    ...sorted(s).map((step) => {
      const child = s.children.get(step);
      return [step, child ? encodeFields(child, s.members.has(step)) : {}];
    }),
  ]) as FieldsV1;
