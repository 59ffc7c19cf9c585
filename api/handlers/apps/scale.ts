// deployments/scale: how many pods, and nothing else. Source: Kubernetes, autoscaling/v1 Scale.
import type { Deployment, Scale } from "../../../schemas/types.ts";
import { readObject } from "../../body.ts";
import type { Answer, Call, Deps } from "../../call.ts";
import type { Json } from "../../json.ts";
import { APPLY_PATCH } from "../../patch/types.ts";
import { refused } from "../../status.ts";
import { scaleTable } from "../../table/core.ts";
import { readOne } from "../read.ts";
import { wantedOf } from "../scale.ts";
import { patchTypeOf, readPatch, writeOptions } from "../write.ts";
import { writeThrough } from "./deployments.ts";

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

const answer = (view: Deployment): Answer => ({ type: "object", code: 200, object: scaleOf(view), table: scaleTable });

export async function getScale(deps: Deps, call: Call): Promise<Answer> {
  return answer((await readOne(deps, call.kind, call.namespace, call.name, call.signal)) as Deployment);
}

/** The Deployment with what a Scale says of it. */
const scaled = (view: Deployment, { replicas, resourceVersion }: ReturnType<typeof wantedOf>): Json =>
  ({
    ...view,
    metadata: { ...view.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: { ...view.spec, replicas },
  }) as unknown as Json;

export async function updateScale(deps: Deps, call: Call): Promise<Answer> {
  const options = writeOptions(deps, call, "UpdateOptions");
  const wanted = wantedOf(call.kind, call.name, await readObject(call.req));
  return answer(await writeThrough(deps, call, options, (view) => scaled(view, wanted)));
}

export async function patchScale(deps: Deps, call: Call): Promise<Answer> {
  if (patchTypeOf(call) === APPLY_PATCH)
    throw refused(call.kind.resource, "the scale of a Deployment takes no server-side apply: use kubectl scale");
  const options = writeOptions(deps, call, "PatchOptions");
  const apply = await readPatch(call);
  const change = (view: Deployment): Json => scaled(view, wantedOf(call.kind, call.name, apply(scaleOf(view) as unknown as Json)));
  return answer(await writeThrough(deps, call, options, change));
}
