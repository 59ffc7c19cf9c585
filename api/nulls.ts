// Keys without a value, which `kubectl apply` loses on the way: a Compose file may say `volumes: {data: }`, and that declares a volume.
//
// kubectl sends null in no merge patch (there it means "remove") and, since 1.27 or so, not in what it creates either. But it writes the manifest
// as it was into an annotation, so what was lost can be put back.
import type { KubeObject } from "../schemas/meta.ts";

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

type Fields = { [key: string]: unknown };
const isFields = (v: unknown): v is Fields => typeof v === "object" && v !== null && !Array.isArray(v);

const lastApplied = (object: unknown): string | undefined => {
  const annotations = isFields(object) && isFields(object["metadata"]) ? object["metadata"]["annotations"] : undefined;
  const text = isFields(annotations) ? annotations[LAST_APPLIED] : undefined;
  return typeof text === "string" ? text : undefined;
};

/** `value` with the nulls that `written` has in maps that both have, at keys that `value` does not have. */
function filled(value: unknown, written: unknown): unknown {
  if (!isFields(value) || !isFields(written)) return value;
  const both = Object.entries(value).map(([k, v]) => [k, Object.hasOwn(written, k) ? filled(v, written[k]) : v]);
  const lost = Object.entries(written).filter(([k, v]) => v === null && !Object.hasOwn(value, k));
  return Object.fromEntries([...both, ...lost]);
}

/**
 * The object with the nulls of its manifest's `spec` put back. Only when this write brings the manifest: later the object may have been
 * changed in other ways, of which the annotation knows nothing.
 */
export function restoreNulls(object: object, old?: KubeObject): object {
  const text = lastApplied(object);
  if (text === undefined || text === lastApplied(old) || !("spec" in object)) return object;
  try {
    const written: unknown = JSON.parse(text);
    return isFields(written) ? { ...object, spec: filled(object.spec, written["spec"]) } : object;
  } catch {
    // Anyone may write anything into an annotation; only kubectl's own text helps here.
    return object;
  }
}
