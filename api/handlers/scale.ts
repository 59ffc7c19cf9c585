// stacks/scale: how many pods the one replicated service of a Stack runs. Source: Kubernetes, autoscaling/v1 Scale.
import { replicasOf, withReplicas } from "../../schemas/compose/replicas.ts";
import { LABELS } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { deploymentName } from "../../schemas/names.ts";
import { checkShape } from "../../schemas/parse.ts";
import type { Scale, Stack } from "../../schemas/types.ts";
import { isGlobal, isJob } from "../../schemas/views/template.ts";
import { problemOf } from "../admission.ts";
import { mediaType, parseBody, readBody, readObject } from "../body.ts";
import type { Answer, Call, Deps } from "../call.ts";
import { isObject, type Json } from "../json.ts";
import type { Kind } from "../kind.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge.ts";
import { JSON_PATCH, MERGE_PATCH } from "../patch/types.ts";
import { scaleTable } from "../table/core.ts";
import { badRequest, invalid, unsupportedMediaType } from "../status.ts";
import { modify } from "./commit.ts";
import { readOne } from "./read.ts";
import { writeOptions } from "./write.ts";

/** The service that a number alone can be about. @throws ApiError 400 when there is none, or more than one, with what to do instead */
export function scaledService({ metadata, spec }: Pick<Stack, "metadata" | "spec">): string {
  const replicated = Object.entries(spec.services ?? {}).flatMap(([name, s]) => (!s || isGlobal(s) || isJob(s) ? [] : [name]));
  const [only, ...others] = replicated;
  const who = `the Stack "${metadata.name}"`;
  if (only === undefined) throw badRequest(`${who} has no replicated service that runs on: there is no number to change`);
  if (others.length === 0) return only;
  const view = (service: string): string => `deploy/${deploymentName(metadata.name, service)}`;
  const deployments = replicated.map(view).join(", ");
  throw badRequest(
    `${who} has ${replicated.length} replicated services (${replicated.join(", ")}), so that one number cannot say which: scale one of ${deployments}, as in \`kubectl scale ${view(only)} --replicas=2\``,
  );
}

/** @throws ApiError 400 */
export function scaleOf(stack: Stack): Scale {
  const service = scaledService(stack);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = stack.metadata;
  const seen = stack.status?.services?.[service];
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: replicasOf(stack.spec.services?.[service]) },
    status: { replicas: seen?.replicas ?? 0, selector: `${LABELS.stack}=${name},${LABELS.service}=${service}` },
  };
}

/** What the Scale of a request wants. @throws ApiError 400, 422 */
export function wantedOf(kind: Kind, name: string, given: Json): { replicas: number; resourceVersion?: string } {
  if (!isObject(given)) throw badRequest("a Scale is a JSON object");
  const whole = { apiVersion: "autoscaling/v1", kind: "Scale", ...given, metadata: given["metadata"] ?? {} };
  const { value, problems } = checkShape("scale", whole);
  if (problems.length > 0) throw invalid(kind.resource, name, problems.map(problemOf));
  const { metadata, spec } = value as Scale;
  if (metadata.name && metadata.name !== name)
    throw badRequest(`the name of the object (${JSON.stringify(metadata.name)}) does not match the name on the URL (${name})`);
  return { replicas: spec?.replicas ?? 0, ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}) };
}

/** The Stack with another number; comments and all else as written. */
const scaled = (stack: Stack, { replicas, resourceVersion }: ReturnType<typeof wantedOf>): { [key: string]: unknown } => {
  const service = scaledService(stack);
  const { services } = stack.spec;
  const now = services?.[service];
  const next = withReplicas(now ?? {}, replicas);
  return {
    ...stack,
    metadata: { ...stack.metadata, resourceVersion: resourceVersion ?? "" },
    // The number it has by default is not written down unless it is changed.
    spec: replicas === replicasOf(now) ? stack.spec : { ...stack.spec, services: { ...services, [service]: next } },
  };
};

const answer = (stack: KubeObject): Answer => ({
  type: "object",
  code: 200,
  object: scaleOf(stack as Stack),
  table: scaleTable,
});

export async function getScale(deps: Deps, call: Call): Promise<Answer> {
  return answer(await readOne(deps, call.kind, call.namespace, call.name, call.signal));
}

export async function updateScale(deps: Deps, call: Call): Promise<Answer> {
  const options = writeOptions(deps, call, "UpdateOptions");
  const wanted = wantedOf(call.kind, call.name, await readObject(call.req));
  return answer(await modify(deps, call, options, ({ old }) => ({ next: scaled(old as Stack, wanted) })));
}

const PATCHES = [JSON_PATCH, MERGE_PATCH];

export async function patchScale(deps: Deps, call: Call): Promise<Answer> {
  const type = mediaType(call.req);
  if (!PATCHES.includes(type)) throw unsupportedMediaType(PATCHES);
  const options = writeOptions(deps, call, "PatchOptions");
  const given = parseBody(await readBody(call.req));
  const object = await modify(deps, call, options, ({ old }) => {
    const now = scaleOf(old as Stack) as unknown as Json;
    const next = type === JSON_PATCH ? applyJsonPatch(now, given) : mergePatch(now, given);
    return { next: scaled(old as Stack, wantedOf(call.kind, call.name, next)) };
  });
  return answer(object);
}
