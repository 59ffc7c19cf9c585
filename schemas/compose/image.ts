// Syntax of image references. Source: distribution/reference, "Grammar".
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** What is wrong with an image reference, in words; undefined when nothing is. */
export const imageProblem = (image: string): string | undefined => {
  if (image.length > 512) return "is longer than 512 characters";
  const [reference = "", digest, ...more] = image.split("@");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest)))
    return 'has a bad digest; after "@" comes `sha256:` and 64 hexadecimal digits';
  const colon = reference.lastIndexOf(":");
  const tagged = colon > reference.lastIndexOf("/");
  if (tagged && !TAG.test(reference.slice(colon + 1))) return `has a bad tag ${show(reference.slice(colon + 1))}`;
  const name = tagged ? reference.slice(0, colon) : reference;
  const parts = name.split("/");
  const [first = ""] = parts;
  // A first part with a dot, a port or upper case names a registry.
  if (parts.length > 1 && (/[.:[]/.test(first) || first === "localhost" || first !== first.toLowerCase())) {
    if (!DOMAIN.test(first)) return `names the registry ${show(first)}, which is no host name`;
    parts.shift();
  }
  if (parts.every((part) => COMPONENT.test(part))) return undefined;
  if (parts.every((part) => COMPONENT.test(part.toLowerCase())))
    return `must be in lower case: ${show(image.replace(name, name.toLowerCase()))}`;
  return "is no name of an image, such as nginx:1.27 or ghcr.io/acme/api:2";
};

export const checkImage = (image: string, field: Field): void => {
  const problem = imageProblem(image);
  if (problem) field.problem("Invalid", image === "" ? "must not be empty" : `${show(image)} ${problem}`, variableHelp(image));
};
