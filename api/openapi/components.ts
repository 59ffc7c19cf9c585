// Shapes as the components of an OpenAPI v3 document.
//
// kubectl explain (1.27 and later) walks `properties`, `items`, `additionalProperties` and `allOf`; it does not know `anyOf`, and prints a component
// without `type` by the last part of its name. So a union is a component of its own without a type, such as `…ListOrMap`: `anyOf` says
// the forms, and the form with most inside also stands beside it. That is no lie: those keywords say nothing about a value of another type.
import type { Facets, ObjectShape, Shape, UnionShape } from "./shape.ts";
import { formsText, unionName } from "./words.ts";

export interface OpenApiSchema extends Facets {
  $ref?: string;
  type?: string;
  description?: string;
  nullable?: boolean;
  allOf?: OpenApiSchema[];
  anyOf?: OpenApiSchema[];
  items?: OpenApiSchema;
  properties?: Record<string, OpenApiSchema>;
  required?: readonly string[];
  additionalProperties?: OpenApiSchema;
  [extension: `x-${string}`]: unknown;
}

/** The names that Kubernetes tools know these types by. */
const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const META_TYPES = new Set([
  "ObjectMeta",
  "OwnerReference",
  "ListMeta",
  "Status",
  "StatusDetails",
  "StatusCause",
  "DeleteOptions",
  "Preconditions",
  "Condition",
]);

/** `io.k8s.api.core.v1.` for the core group, `io.k8s.api.apps.v1.` for those of Kubernetes; `dev.steadfleet.v1.` for `steadfleet.dev/v1`. */
export const namePrefix = (group: string, version: string): string => {
  const [first = "", ...rest] = group.split(".");
  const kubernetes = rest.length === 0 || rest.join(".") === "k8s.io";
  return `${kubernetes ? `io.k8s.api.${first || "core"}` : group.split(".").toReversed().join(".")}.${version}.`;
};

export const componentRef = (name: string): string => `#/components/schemas/${name}`;

/** How much there is to learn inside. */
function weight(shape: Shape): number {
  switch (shape.type) {
    case "object":
      return 3 + Object.values(shape.properties).reduce((sum, s) => sum + weight(s), 0);
    case "map":
      return 2 + weight(shape.values);
    case "array":
      return 1 + weight(shape.items);
    case "union":
      return Math.max(...shape.forms.map(weight));
    default:
      return 0;
  }
}

/** Collects the components of one document; `prefix` begins the names of its own types. */
export class Components {
  readonly schemas: Record<string, OpenApiSchema> = {};
  /** `mergeKeys`: paths of lists (`Node.status.conditions`) that a strategic merge patch merges, as kinds declare them. */
  constructor(
    private readonly prefix: string,
    private readonly mergeKeys: Readonly<Record<string, string>> = {},
  ) {}

  /** Tells clients which kinds a component is of. */
  mark(name: string, kinds: { group: string; version: string; kind: string }[]): void {
    const component = this.schemas[name];
    if (!component) throw new TypeError(`no component ${name}`);
    component["x-kubernetes-group-version-kind"] = kinds;
  }

  /** A component of a kind of another group (the Scale of a Stack), defined once. */
  foreign(shape: ObjectShape, gvk: { group: string; version: string; kind: string }): OpenApiSchema {
    const name = namePrefix(gvk.group, gvk.version) + gvk.kind;
    if (!this.schemas[name]) {
      this.schemas[name] = this.object(shape, gvk.kind);
      this.mark(name, [gvk]);
    }
    return { $ref: componentRef(name) };
  }

  /** What stands in a property, a list or a map: the type spelled out, or a reference to a component. `path` names types that have no name. */
  use(shape: Shape, path: string): OpenApiSchema {
    const title = shape.type === "union" ? (shape.title ?? unionName(shape.forms)) : shape.title;
    if (title === undefined || (shape.type !== "object" && shape.type !== "union")) return this.inline(shape, path);
    const component = shape.type === "union" ? this.union(shape, path) : this.object(shape, path);
    const $ref = componentRef(this.define(title, path, component));
    if (!shape.description) return { $ref };
    // A description beside $ref is for the list of fields; the component says it again when it is explained itself.
    if (shape.description === component.description) return { $ref, description: shape.description };
    return {
      description: shape.description,
      allOf: [{ $ref }],
      ...(shape.facets.default !== undefined && { default: shape.facets.default }),
    };
  }

  /** An object type in full. */
  object(shape: ObjectShape, path: string): OpenApiSchema {
    return { type: "object", description: shape.about, ...(shape.nullable && { nullable: true }), ...this.structure(shape, path) };
  }

  /** Adds a component; the same name with other content gets the path into its name. Answers the name. */
  define(title: string, path: string, component: OpenApiSchema): string {
    const content = JSON.stringify(component);
    const short = (META_TYPES.has(title) ? META : this.prefix) + title;
    const name = [short, `${this.prefix}${path}.${title}`].find((n) => !this.schemas[n] || JSON.stringify(this.schemas[n]) === content);
    if (name === undefined) throw new TypeError(`two types with the name ${title} at ${path}`);
    this.schemas[name] = component;
    return name;
  }

  private union({ forms, nullable }: UnionShape, path: string): OpenApiSchema {
    const rich = forms.reduce((a, b) => (weight(b) > weight(a) ? b : a));
    return {
      description: formsText(forms, false),
      ...(nullable && { nullable }),
      anyOf: forms.map((f) => (f === rich ? bare(f) : this.inline(f, path))),
      ...this.structure(rich, path),
    };
  }

  private inline(shape: Shape, path: string): OpenApiSchema {
    if (shape.type === "union") return { ...this.union(shape, path), ...describe(shape) };
    if (shape.type === "any") return { ...describe(shape), "x-kubernetes-preserve-unknown-fields": true };
    return {
      type: shape.type === "map" ? "object" : shape.type,
      ...describe(shape),
      ...shape.facets,
      ...(shape.nullable && { nullable: true }),
      ...this.structure(shape, path),
    };
  }

  /** What a value holds. */
  private structure(shape: Shape, path: string): OpenApiSchema {
    switch (shape.type) {
      case "object":
        return {
          ...shape.markers,
          ...(shape.required.length > 0 && { required: shape.required }),
          properties: Object.fromEntries(Object.entries(shape.properties).map(([k, s]) => [k, this.use(s, `${path}.${k}`)])),
        };
      case "array":
        return { ...shape.markers, ...patchStrategy(this.mergeKeys[path]), items: this.use(shape.items, path) };
      case "map":
        return { ...shape.markers, additionalProperties: this.use(shape.values, path) };
      default:
        return {};
    }
  }
}

/** A form whose content stands elsewhere. */
const bare = (f: Shape): OpenApiSchema => ({ type: f.type === "map" ? "object" : f.type, ...describe(f) });
const describe = (shape: Shape): { description?: string } => (shape.description ? { description: shape.description } : {});

/** What kubectl needs to make a strategic merge patch of a list. */
export const patchStrategy = (mergeKey: string | undefined): Record<`x-${string}`, string> => ({
  ...(mergeKey !== undefined && { "x-kubernetes-patch-strategy": "merge" }),
  ...(mergeKey && { "x-kubernetes-patch-merge-key": mergeKey }),
});
