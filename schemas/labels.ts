// Syntax of names, labels and annotations, as in Kubernetes. Each check answers what is wrong in words, or undefined.
// Source: k8s.io/apimachinery/pkg/util/validation.

export const MAX_LABEL = 63;
export const MAX_SUBDOMAIN = 253;
/** All annotations of an object together, keys and values, in bytes. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** DNS-1123 label: lower-case letters, digits and "-", beginning and ending with a letter or digit. */
export const labelNameProblem = (name: string, max: number = MAX_LABEL): string | undefined => {
  if (LABEL.test(name) && name.length <= max) return undefined;
  return `must be lower-case letters, digits and "-", beginning and ending with a letter or digit, at most ${max} characters`;
};

/** DNS-1123 subdomain: DNS labels with "." between them (each may be longer than 63 here, as in Kubernetes). */
export const subdomainProblem = (name: string, max: number = MAX_SUBDOMAIN): string | undefined => {
  if (name.length <= max && name.split(".").every((part) => LABEL.test(part))) return undefined;
  return `must be lower-case letters, digits, "-" and ".", each part beginning and ending with a letter or digit, at most ${max} characters`;
};

/** A valid name near an invalid one, or undefined: `My_App` → `my-app`. */
export const suggestName = (name: string, max: number = MAX_LABEL): string | undefined => {
  const guess = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, max)
    .replace(/^-+|-+$/g, "");
  return guess === "" || guess === name ? undefined : guess;
};

/** Key of a label, an annotation or a finalizer: `name` or `prefix/name`. */
export const qualifiedNameProblem = (key: string): string | undefined => {
  const parts = key.split("/");
  const name = parts.at(-1) ?? "";
  if (parts.length > 2) return 'must be "name" or "prefix/name"';
  if (parts.length === 2 && subdomainProblem(parts[0] ?? "")) return 'the prefix before "/" must be a DNS name, at most 253 characters';
  if (QUALIFIED.test(name) && name.length <= MAX_LABEL) return undefined;
  return 'the name must be letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63 characters';
};

/** Value of a label; may be empty. */
export const labelValueProblem = (value: string): string | undefined => {
  if (value === "" || (QUALIFIED.test(value) && value.length <= MAX_LABEL)) return undefined;
  return 'must be letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63 characters, or empty';
};

/** Key in a ConfigMap's or Secret's data. */
export const dataKeyProblem = (key: string): string | undefined => {
  if (/^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== "." && !key.startsWith("..")) return undefined;
  return 'must be letters, digits, "-", "_" and ".", at most 253 characters, and not begin with ".."';
};

/** Bytes of all keys and values. */
export const annotationsSize = (annotations: Readonly<Record<string, string>>): number =>
  Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
