// Objects as they may be shown: secrets are told to differ, not what they are. Pure.
import type { KubeObject } from "../../schemas/meta.ts";

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** As kubectl says it. */
const SAME = "***";
const BEFORE = "*** (before)";
const AFTER = "*** (after)";

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Without what the server and tools write for themselves: it always differs, and says nothing. */
const spoken = (object: KubeObject & { status?: unknown }): Obj => {
  const { status: _status, metadata, ...rest } = object;
  const { managedFields: _m, resourceVersion: _r, uid: _u, generation: _g, creationTimestamp: _c, ...meta } = metadata as unknown as Obj;
  const { annotations, ...others } = meta;
  const said = Object.entries(isObj(annotations) ? annotations : {}).filter(([key]) => key !== LAST_APPLIED);
  return { ...rest, metadata: { ...others, ...(said.length > 0 ? { annotations: Object.fromEntries(said) } : {}) } };
};

/** Places of values that are hidden: of a Secret all data, of a Stack the environment and the contents of configs. */
const hidden = (kind: string | undefined, path: readonly string[]): boolean =>
  kind === "Secret"
    ? (path[0] === "data" || path[0] === "stringData") && path.length === 2
    : kind === "Stack" &&
      ((path[1] === "services" && path[3] === "environment" && path.length === 5) ||
        (path[1] === "configs" && path[3] === "content" && path.length === 4));

/** Both sides, with hidden values as `***`, or `*** (before)` and `*** (after)` where they differ. */
export const shownPair = (
  a: KubeObject | undefined,
  b: KubeObject | undefined,
  showSecrets: boolean,
): { a: Obj | undefined; b: Obj | undefined } => {
  const [x, y] = [a && listsAsMaps(spoken(a)), b && listsAsMaps(spoken(b))];
  if (showSecrets) return { a: a && spoken(a), b: b && spoken(b) };
  const kind = (b ?? a)?.kind;
  return { a: x && (masked(x, y, BEFORE, kind, []) as Obj), b: y && (masked(y, x, AFTER, kind, []) as Obj) };
};

/** `environment: [A=1]` says what `environment: {A: 1}` says, and shows names. */
const listsAsMaps = (object: Obj): Obj => {
  const spec = object["spec"];
  const services = isObj(spec) ? spec["services"] : undefined;
  if (object["kind"] !== "Stack" || !isObj(spec) || !isObj(services)) return object;
  const settled = Object.entries(services).map(([name, s]) => {
    if (!isObj(s) || !Array.isArray(s["environment"])) return [name, s];
    const entries = s["environment"].map((line: unknown) => {
      const text = String(line);
      const at = text.indexOf("=");
      return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    });
    return [name, { ...s, environment: Object.fromEntries(entries) as Obj }];
  });
  return { ...object, spec: { ...spec, services: Object.fromEntries(settled) as Obj } };
};

const masked = (value: unknown, other: unknown, word: string, kind: string | undefined, path: readonly string[]): unknown => {
  if (hidden(kind, path)) return other === undefined || other === value ? SAME : word;
  if (Array.isArray(value)) return value;
  if (!isObj(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, masked(v, isObj(other) ? other[key] : undefined, word, kind, [...path, key])]),
  );
};
