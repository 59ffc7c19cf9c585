// What users may do, and who they are, told to themselves: `kubectl auth can-i`, `auth can-i --list`, `auth whoami`.
// Source: Kubernetes API, groups authorization.k8s.io and authentication.k8s.io.
import type { SchemaName } from "../../schemas/load.ts";
import { checkShape } from "../../schemas/parse.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import type { SelfSubjectAccessReview, SelfSubjectRulesReview } from "../../schemas/types.ts";
import { addressed, fieldValidationOf, problemOf } from "../admission.ts";
import type { User } from "../auth.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { type Kind, qualifiedResource, type Verb } from "../kind.ts";
import { KINDS } from "../kinds/index.ts";
import { type Access, mayAccess, mayRead } from "../policy.ts";
import { badRequest, invalid } from "../status.ts";

/** Reads the question: its name and metadata do not matter, for nothing is kept. @throws ApiError 400, 422 */
async function questionOf<T>(call: Call): Promise<T> {
  const { kind } = call;
  dryRunOf("CreateOptions", call.query.all("dryRun"));
  const validation = fieldValidationOf(call.query.text("fieldValidation"));
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace: undefined, name: "" });
  const { status: _status, ...asked } = { ...body, metadata: {} } as { [key: string]: unknown };
  const { value, problems } = checkShape(kind.schema satisfies SchemaName, asked);
  const strange = problems.filter((p) => p.reason === "Unknown");
  if (strange.length < problems.length || (validation === "Strict" && strange.length > 0))
    throw invalid(kind.resource, "", problems.map(problemOf));
  // A field that we do not know narrows the question down, and the rights here do not depend on it.
  if (validation === "Warn") for (const p of strange) call.warn(`unknown field "${p.path}"`);
  return value as T;
}

const answered = (call: Call, body: object): Answer => ({
  type: "object",
  code: 201,
  object: {
    apiVersion: apiVersionOf(call.kind.resource),
    kind: call.kind.resource.kind,
    // Nothing was made, so there is nothing to say of it.
    metadata: { creationTimestamp: null } as never,
    ...body,
  },
});

const served = (group: string, resource: string): Kind | undefined =>
  KINDS.find(({ resource: r }) => r.group === group && r.resource === resource);

/** The verbs that the server has for something, or nothing when it does not know what that is. */
function verbsOf(a: Access): readonly Verb[] | undefined {
  const kind = served(a.group, a.resource);
  return a.subresource ? kind?.subresources.find((s) => s.name === a.subresource)?.verbs : kind?.verbs;
}

const rightsOf = (user: User): string => `the groups ${user.groups.join(", ")} of ${user.name}`;

/** What nobody can do is not allowed either, though no right is missing: clients offer what they are told is allowed. */
export function review(user: User, a: Access): { allowed: boolean; reason: string } {
  if (!mayAccess(user, a)) return { allowed: false, reason: `${rightsOf(user)} give no right to it` };
  const kind = served(a.group, a.resource);
  const verbs = verbsOf(a);
  const what = kind ? qualifiedResource(kind.resource) + (a.subresource ? `/${a.subresource}` : "") : "";
  if (!verbs && a.resource !== "*" && a.subresource !== "*")
    return { allowed: false, reason: `this server has no ${what || (a.group ? `${a.resource}.${a.group}` : a.resource)}` };
  if (verbs && a.verb !== "*" && !verbs.includes(a.verb as Verb))
    return {
      allowed: false,
      reason:
        kind?.refused?.[(a.subresource ? `${a.subresource}/${a.verb}` : a.verb) as Verb] ??
        `${what} has no ${JSON.stringify(a.verb)}: it has ${verbs.join(", ")}`,
    };
  return { allowed: true, reason: `${rightsOf(user)} give the right to it` };
}

/** Paths that are no objects, by the policy of their routes. */
export const OPEN_PATHS = ["/healthz", "/livez", "/readyz", "/version"];
export const METRICS_PATH = "/metrics";

const mayReadPath = (user: User, path: string): boolean => {
  if (OPEN_PATHS.includes(path)) return mayRead(user, "open");
  if (path === METRICS_PATH || path.endsWith("*")) return mayRead(user, "metrics");
  return mayRead(user, "discovery");
};

export async function accessReview(_deps: Deps, call: Call): Promise<Answer> {
  const { spec } = await questionOf<SelfSubjectAccessReview>(call);
  const { resourceAttributes: object, nonResourceAttributes: path } = spec;
  if ((object === undefined) === (path === undefined))
    throw invalid(call.kind.resource, "", [
      { field: "spec", message: "exactly one of resourceAttributes and nonResourceAttributes is wanted", reason: "FieldValueInvalid" },
    ]);
  if (path) {
    const allowed = ["get", "head"].includes(path.verb ?? "") && mayReadPath(call.user, path.path ?? "");
    return answered(call, { spec, status: { allowed, reason: allowed ? "" : `${rightsOf(call.user)} give no right to it` } });
  }
  const { verb = "", group = "", resource = "", subresource } = object ?? {};
  if (verb === "" || resource === "") throw badRequest("spec.resourceAttributes needs a verb and a resource");
  return answered(call, { spec, status: review(call.user, { verb, group, resource, subresource: subresource || undefined }) });
}

/** Every kind and subresource with what the user may do to it: the same decision as for a request, asked once for each verb. */
export function rulesOf(user: User, kinds: readonly Kind[] = KINDS): { apiGroups: string[]; resources: string[]; verbs: string[] }[] {
  const rules = kinds.flatMap(({ resource: { group, resource }, verbs, subresources }) => {
    const may = (of: readonly Verb[], subresource?: string): Verb[] =>
      of.filter((verb) => mayAccess(user, { verb, group, resource, subresource }));
    return [
      { apiGroups: [group], resources: [resource], verbs: may(verbs) },
      ...subresources.map((s) => ({ apiGroups: [group], resources: [`${resource}/${s.name}`], verbs: may(s.verbs, s.name) })),
    ];
  });
  return rules.filter((r) => r.verbs.length > 0);
}

export async function rulesReview(_deps: Deps, call: Call): Promise<Answer> {
  const { spec } = await questionOf<SelfSubjectRulesReview>(call);
  const documents = ["/", "/api", "/api/*", "/apis", "/apis/*", "/openapi/*"].filter((path) =>
    mayReadPath(call.user, path.replace("*", "v1")),
  );
  const paths = [...OPEN_PATHS, METRICS_PATH].filter((path) => mayReadPath(call.user, path));
  const nonResourceRules = [{ verbs: ["get"], nonResourceURLs: [...documents, ...paths] }];
  return answered(call, { spec, status: { resourceRules: rulesOf(call.user), nonResourceRules, incomplete: false } });
}

export async function userReview(_deps: Deps, call: Call): Promise<Answer> {
  await questionOf(call);
  const { name, groups, tokenId } = call.user;
  // Source of the key: Kubernetes, "credential-id" of an authenticated request.
  const extra = { "authentication.kubernetes.io/credential-id": [`TOKEN=${tokenId}`] };
  return answered(call, { status: { userInfo: { username: name, groups, extra } } });
}
