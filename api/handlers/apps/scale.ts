// deployments/scale: how many pods, and nothing else. Source: Kubernetes, autoscaling/v1 Scale.
import type { Deployment } from "../../../schemas/types.ts";
import { readObject } from "../../body.ts";
import type { Answer, Call, Deps } from "../../call.ts";
import { isObject, type Json } from "../../json.ts";
import { badRequest, invalid, refused } from "../../status.ts";
import { readOne } from "../read.ts";
import { APPLY_PATCH } from "../../patch/types.ts";
import { patchTypeOf, readPatch, writeOptions } from "../write.ts";
import { writeThrough } from "./deployments.ts";

export interface Scale {
  apiVersion: "autoscaling/v1";
  kind: "Scale";
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string; creationTimestamp: string };
  spec: { replicas: number };
  /** `selector`: labels as one text. */
  status: { replicas: number; selector: string };
}

const scaleOf = ({ metadata, spec, status }: Deployment): Scale => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([k, v]) => `${k}=${v}`);
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: labels.join(",") },
  };
};

const answer = (view: Deployment): Answer => ({ type: "object", code: 200, object: scaleOf(view) });

export async function getScale(deps: Deps, call: Call): Promise<Answer> {
  return answer((await readOne(deps, call.kind, call.namespace, call.name, call.signal)) as Deployment);
}

/** The Deployment with what a Scale says of it. An absent number means 0, as in Kubernetes. @throws ApiError 400, 422 */
const scaled = (call: Call, view: Deployment, scale: { [key: string]: Json }): Json => {
  const { kind, apiVersion, metadata, spec } = scale;
  if ((kind ?? "Scale") !== "Scale" || (apiVersion ?? "autoscaling/v1") !== "autoscaling/v1")
    throw badRequest("the body must be a Scale of autoscaling/v1");
  const { name, resourceVersion } = isObject(metadata) ? metadata : {};
  if (name && name !== call.name)
    throw badRequest(`the name of the object (${JSON.stringify(name)}) does not match the name on the URL (${call.name})`);
  const replicas = isObject(spec) ? (spec["replicas"] ?? 0) : 0;
  if (typeof replicas !== "number" || !Number.isSafeInteger(replicas) || replicas < 0)
    throw invalid(call.kind.resource, call.name, [{ field: "spec.replicas", message: "must be a whole number, 0 or more" }]);
  const version = typeof resourceVersion === "string" && resourceVersion !== "" ? { resourceVersion } : {};
  return { ...view, metadata: { ...view.metadata, ...version }, spec: { ...view.spec, replicas } } as unknown as Json;
};

export async function updateScale(deps: Deps, call: Call): Promise<Answer> {
  const options = writeOptions(deps, call, "UpdateOptions");
  const body = await readObject(call.req);
  return answer(await writeThrough(deps, call, options, (view) => scaled(call, view, body)));
}

export async function patchScale(deps: Deps, call: Call): Promise<Answer> {
  if (patchTypeOf(call) === APPLY_PATCH)
    throw refused(call.kind.resource, "the scale of a Deployment takes no server-side apply: use kubectl scale");
  const options = writeOptions(deps, call, "PatchOptions");
  const apply = await readPatch(call);
  return answer(await writeThrough(deps, call, options, (view) => scaled(call, view, apply(scaleOf(view) as unknown as Json))));
}
