// Label and field selectors, as query parameters say them. Source: Kubernetes, "Labels and Selectors", "Field Selectors".
import type { KubeObject } from "../schemas/meta.ts";
import type { Kind } from "./kind.ts";
import { badRequest } from "./status.ts";

export type Matcher = (o: KubeObject) => boolean;

const KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const MAX_LENGTH = 4096;

interface Requirement {
  key: string;
  test(value: string | undefined): boolean;
}

const bad = (text: string, why: string): never => {
  throw badRequest(`unable to parse label selector ${JSON.stringify(text.slice(0, 200))}: ${why}`);
};

/** Splits at commas that are not within parentheses. */
const clauses = (text: string): string[] => {
  const out: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (text[i] === "," && depth === 0) {
      out.push(text.slice(start, i));
      start = i + 1;
    }
  }
  out.push(text.slice(start));
  return out;
};

function requirement(clause: string): Requirement {
  const text = clause.trim();
  const key = (k: string): string => (KEY.test(k) ? k : bad(clause, `${JSON.stringify(k)} is not a label key`));
  const value = (v: string): string => (VALUE.test(v) ? v : bad(clause, `${JSON.stringify(v)} is not a label value`));
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const [, k = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((v) => value(v.trim())));
    // As in Kubernetes, `notin` and `!=` are also true of an object without the label.
    return operator === "in"
      ? { key: key(k), test: (v) => v !== undefined && values.has(v) }
      : { key: key(k), test: (v) => v === undefined || !values.has(v) };
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality) {
    const [, k = "", operator, raw = ""] = equality;
    const want = value(raw);
    return operator === "!=" ? { key: key(k), test: (v) => v !== want } : { key: key(k), test: (v) => v === want };
  }
  if (text.startsWith("!")) return { key: key(text.slice(1).trim()), test: (v) => v === undefined };
  return { key: key(text), test: (v) => v !== undefined };
}

/** @throws ApiError 400 */
export function labelSelector(text: string | undefined): Matcher | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  if (text.length > MAX_LENGTH) bad(text, `longer than ${MAX_LENGTH} characters`);
  const requirements = clauses(text).map(requirement);
  return (o) => requirements.every((r) => r.test(own(o.metadata.labels, r.key)));
}

const own = (labels: Record<string, string> | undefined, key: string): string | undefined =>
  labels && Object.hasOwn(labels, key) ? labels[key] : undefined;

/** `a=b`, `a==b`, `a!=b`, joined by commas; `\\`, `\,` and `\=` are escapes within values. */
export interface FieldSelector {
  matches: Matcher;
  /** The one name that can match, where the selector says so. */
  name?: string;
}

/** @throws ApiError 400 for what cannot be parsed or is not a field of this kind that can be selected by */
export function fieldSelector(kind: Kind, text: string | undefined): FieldSelector | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  if (text.length > MAX_LENGTH) throw badRequest(`the field selector is longer than ${MAX_LENGTH} characters`);
  let name: string | undefined;
  const tests = text.split(/(?<!\\),/).map((clause) => {
    const m = /^\s*([^=!\s]+)\s*(==|=|!=)(.*)$/s.exec(clause);
    if (!m) throw badRequest(`invalid field selector ${JSON.stringify(clause.slice(0, 200))}: expected <field>=<value>`);
    const [, field = "", operator, raw = ""] = m;
    const want = raw.replaceAll(/\\([\\,=])/g, "$1");
    const read = reader(kind, field);
    if (!read) {
      const known = ["metadata.name", "metadata.namespace", ...Object.keys(kind.fields)].join(", ");
      throw badRequest(`field label not supported: ${field} (of ${kind.resource.resource} these are: ${known})`);
    }
    if (field === "metadata.name" && operator !== "!=") name = want;
    return operator === "!=" ? (o: KubeObject) => read(o) !== want : (o: KubeObject) => read(o) === want;
  });
  return { matches: (o) => tests.every((t) => t(o)), ...(name === undefined ? {} : { name }) };
}

const reader = (kind: Kind, field: string): ((o: KubeObject) => string) | undefined => {
  if (field === "metadata.name") return (o) => o.metadata.name;
  if (field === "metadata.namespace") return (o) => o.metadata.namespace ?? "";
  return Object.hasOwn(kind.fields, field) ? kind.fields[field] : undefined;
};
