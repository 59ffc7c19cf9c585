// Contents of configs and secrets in a plan. Where a hash is known it tells; where the server has no key to reckon one, what is named as
// before has the hash that runs, and what is said otherwise has another. Pure.
import type { NormalStack } from "../../schemas/compose/normal.ts";
import type { FileSpec } from "../../schemas/fleet.ts";
import { canonicalJson } from "../canonical.ts";
import { compile } from "../compile.ts";
import type { PodView } from "../model.ts";
import type { Compiled } from "../stacks/plan.ts";

/** Hash of a content that is another one than what is stored, whatever it is. */
export const OTHER = "changed";
/** Hash of a content that nobody here can tell. */
export const UNKNOWN = "unknown";

/** @param stored the Stack as it is, normalised; @param pods its live ones */
export const withRunningHashes = (wanted: Compiled, stored: NormalStack | undefined, pods: readonly PodView[]): Compiled => {
  if ("problems" in wanted || !wanted.normal.services.some((s) => (s.container.files?.length ?? 0) > 0)) return wanted;
  const services = wanted.normal.services.map((s) => {
    const { files } = s.container;
    if (!files || files.length === 0) return s;
    const was = stored?.services.find((o) => o.name === s.name)?.container.files ?? [];
    const runs = pods.find((p) => p.desired.service === s.name && p.desired.deletionTimestamp === undefined)?.desired.container.files ?? [];
    const settled = files.map((f): FileSpec => {
      if (f.hash !== undefined && f.hash !== UNKNOWN) return f;
      const same = (o: FileSpec): boolean => o.kind === f.kind && o.key === f.key && o.target === f.target;
      const before = was.find(same);
      const unchanged = before !== undefined && canonicalJson(before.source) === canonicalJson(f.source);
      const source = f.source.kind === "Inline" ? { kind: "Inline" as const, content: "" } : f.source;
      return { ...f, source, hash: (unchanged ? runs.find(same)?.hash : undefined) ?? OTHER };
    });
    return { ...s, container: { ...s.container, files: settled } };
  });
  const normal = { ...wanted.normal, services };
  return { ...wanted, normal, compiled: compile(normal) };
};
