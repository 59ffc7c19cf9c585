// Checks what the schema of metadata cannot say: syntax of names, labels, annotations and finalizers.
import {
  annotationsSize,
  labelNameProblem,
  labelValueProblem,
  MAX_ANNOTATIONS_BYTES,
  MAX_SUBDOMAIN,
  qualifiedNameProblem,
  subdomainProblem,
  suggestName,
} from "./labels.ts";
import { MAX_POD_NAME, MAX_STACK_NAME } from "./names.ts";
import type { Findings } from "./problems.ts";
import { RESOURCES, type Resource } from "./resources.ts";
import { show } from "./words.ts";

/** A stack's and a namespace's name become parts of host names and of names on the engine: no dots. */
const nameProblem = (resource: Resource, name: string): { problem: string | undefined; max: number } => {
  if (resource === RESOURCES.stacks) return { problem: labelNameProblem(name, MAX_STACK_NAME), max: MAX_STACK_NAME };
  if (resource === RESOURCES.namespaces || resource === RESOURCES.pods) {
    return { problem: labelNameProblem(name, MAX_POD_NAME), max: MAX_POD_NAME };
  }
  return { problem: subdomainProblem(name), max: MAX_SUBDOMAIN };
};

const textsOf = (value: unknown): [string, string][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string")
    : [];

const checkName = (resource: Resource, metadata: Record<string, unknown>, out: Findings): void => {
  const { name, generateName } = metadata;
  if (name === undefined && generateName === undefined) {
    out.problem(["metadata", "name"], "Required", "is required");
  } else if (typeof name === "string") {
    const { problem, max } = nameProblem(resource, name);
    const guess = problem ? suggestName(name, max) : undefined;
    if (problem) out.problem(["metadata", "name"], "Invalid", `${show(name)} ${problem}${guess ? `; for example "${guess}"` : ""}`);
  } else if (typeof generateName === "string") {
    // Five characters are appended, so the prefix may end in "-".
    const { problem } = nameProblem(resource, `${generateName}xxxxx`);
    if (problem) out.problem(["metadata", "generateName"], "Invalid", `${show(generateName)} and five more characters ${problem}`);
  }
};

const checkNamespace = (resource: Resource, metadata: Record<string, unknown>, out: Findings): void => {
  const { namespace } = metadata;
  if (typeof namespace !== "string" || namespace === "") return;
  if (!resource.namespaced) {
    out.problem(["metadata", "namespace"], "Forbidden", `a ${resource.kind} lives in no namespace`, { help: "Remove it.", onKey: true });
    return;
  }
  const problem = labelNameProblem(namespace);
  if (problem) out.problem(["metadata", "namespace"], "Invalid", `${show(namespace)} ${problem}`);
};

/** `metadata` is a map; parts of the wrong type are passed over, since the schema has told of them. */
export const checkMetadata = (resource: Resource, metadata: Record<string, unknown>, out: Findings): void => {
  checkName(resource, metadata, out);
  checkNamespace(resource, metadata, out);
  for (const [key, value] of textsOf(metadata.labels)) {
    const keyProblem = qualifiedNameProblem(key);
    if (keyProblem)
      out.problem(["metadata", "labels", key], "Invalid", `the key ${show(key)} is not valid: ${keyProblem}`, { onKey: true });
    const valueProblem = labelValueProblem(value);
    if (valueProblem) out.problem(["metadata", "labels", key], "Invalid", `the value ${show(value)} ${valueProblem}`);
  }
  const annotations = textsOf(metadata.annotations);
  for (const [key] of annotations) {
    const problem = qualifiedNameProblem(key.toLowerCase());
    if (problem) out.problem(["metadata", "annotations", key], "Invalid", `the key ${show(key)} is not valid: ${problem}`, { onKey: true });
  }
  const size = annotationsSize(Object.fromEntries(annotations));
  if (size > MAX_ANNOTATIONS_BYTES) {
    out.problem(["metadata", "annotations"], "Invalid", `at most ${MAX_ANNOTATIONS_BYTES} bytes together; these are ${size}`, {
      help: "`kubectl apply` keeps the whole manifest in an annotation; use `kubectl apply --server-side` for large ones.",
    });
  }
  const { finalizers } = metadata;
  if (!Array.isArray(finalizers)) return;
  finalizers.forEach((finalizer: unknown, i) => {
    const problem = typeof finalizer === "string" ? qualifiedNameProblem(finalizer) : undefined;
    if (problem) out.problem(["metadata", "finalizers", i], "Invalid", `${show(finalizer)} is not valid: ${problem}`);
  });
};
