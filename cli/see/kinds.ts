// What people call kinds on the command line: `po`, `stack/shop`, `stacks,pods`, `all`.
import { type Resource, RESOURCES, VIEW_RESOURCES } from "../../schemas/resources.ts";
import { usage } from "../errors.ts";
import { nearest as suggest } from "../../schemas/words.ts";

export interface Wanted {
  resource: Resource;
  /** Absent: all of them. */
  names: string[];
}

const stored: readonly Resource[] = Object.values(RESOURCES);
/** Views can be looked at by name; `all` are the things themselves. */
const all: readonly Resource[] = [...stored, VIEW_RESOURCES.deployments, VIEW_RESOURCES.replicasets];

const namesOf = (r: Resource): string[] => [
  r.resource,
  r.singular,
  ...r.shortNames,
  ...(r.group ? [`${r.resource}.${r.group}`, `${r.singular}.${r.group}`] : []),
];

/** The kinds that a word means: one, or those of a category. @throws CliError (exit 2) */
export const resourcesNamed = (word: string): Resource[] => {
  const lower = word.toLowerCase();
  const one = all.find((r) => namesOf(r).includes(lower));
  if (one) return [one];
  const category = stored.filter((r) => r.categories.includes(lower));
  if (category.length > 0) return category;
  const near = suggest(lower, all.flatMap(namesOf));
  throw usage(
    `${JSON.stringify(word)} is no kind here.${near ? ` Did you mean: ${near}?` : ""}`,
    `kinds: ${all.map((r) => r.resource).join(", ")}`,
  );
};

/** `get KIND[,KIND] [NAME…]` or `get KIND/NAME…`. @throws CliError (exit 2) */
export const wantedOf = (args: readonly string[]): Wanted[] => {
  const [first = "", ...rest] = args;
  if (!first.includes("/")) {
    const resources = first
      .split(",")
      .filter((w) => w !== "")
      .flatMap(resourcesNamed);
    if (rest.some((name) => name.includes("/"))) throw usage("KIND/NAME and KIND NAME cannot be mixed");
    if (rest.length > 0 && resources.length > 1) throw usage("a name needs one kind", `for example: ${resources[0]?.singular} ${rest[0]}`);
    return [...new Set(resources)].map((resource) => ({ resource, names: rest }));
  }
  const wanted = new Map<Resource, string[]>();
  for (const arg of args) {
    const [kind = "", name = "", ...more] = arg.split("/");
    if (kind === "" || name === "" || more.length > 0) throw usage(`${JSON.stringify(arg)}: expected KIND/NAME`);
    const [resource, other] = resourcesNamed(kind);
    if (!resource || other) throw usage(`${JSON.stringify(arg)}: ${kind} is more than one kind`);
    wanted.set(resource, [...(wanted.get(resource) ?? []), name]);
  }
  return [...wanted].map(([resource, names]) => ({ resource, names }));
};
