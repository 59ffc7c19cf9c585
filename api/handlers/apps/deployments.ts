// Writes of Deployments: each becomes a write of the Stack, in the same way and with the same checks as every other.
import { LABELS } from "../../../schemas/constants.ts";
import type { KubeObject } from "../../../schemas/meta.ts";
import type { Deployment, Stack, StackRevision } from "../../../schemas/types.ts";
import { deploymentsOf } from "../../../schemas/views.ts";
import { addressed, checkIdentity } from "../../admission.ts";
import { readObject } from "../../body.ts";
import type { Answer, Call, Deps } from "../../call.ts";
import type { Json } from "../../json.ts";
import { stackrevisions } from "../../kinds/stackrevisions.ts";
import { stacks } from "../../kinds/stacks.ts";
import { apiVersionOf } from "../../../schemas/resources.ts";
import { conflict, invalid, notFound, refused } from "../../status.ts";
import { APPLY_PATCH } from "../../patch/types.ts";
import { modify, type WriteOptions } from "../commit.ts";
import { patchTypeOf, readPatch, writeOptions } from "../write.ts";
import { shownAs } from "./source.ts";
import { translate } from "./translate.ts";

/** The view of the service of this Stack. @throws ApiError 404 */
const viewOf = (call: Call, stack: KubeObject): Deployment => {
  const view = deploymentsOf(stack as Stack).find((d) => d.metadata.name === call.name);
  if (!view) throw notFound(call.kind.resource, call.name);
  return view;
};

/**
 * Reads the Stack, asks `change` what its view should be, and writes the Stack so that it is; again when someone else wrote in between.
 * @returns the Deployment as written
 * @throws ApiError 404, 409 (the resourceVersion is not the present one, or the name stands for two services), 422
 */
export async function writeThrough(deps: Deps, call: Call, o: WriteOptions, change: (view: Deployment) => Json): Promise<Deployment> {
  const { kind, namespace, name } = call;
  const [shown, other] = await shownAs(deps.store, namespace, name);
  if (!shown) throw notFound(kind.resource, name);
  if (other)
    throw conflict(
      kind.resource,
      name,
      `it stands for the service ${shown.service} of the Stack ${shown.stack} and for the service ${other.service} of the Stack ${other.stack}; change the Stacks themselves`,
    );
  const { subresource: _, ...rest } = call;
  const stackCall: Call = { ...rest, kind: stacks, name: shown.stack };
  const revisions = revisionsOf(deps, namespace, shown.stack);
  const written = await modify(deps, stackCall, o, ({ old }) => {
    const stack = old as Stack;
    const view = viewOf(call, stack);
    const wanted = change(view);
    const version = (wanted as { metadata?: { resourceVersion?: unknown } }).metadata?.resourceVersion;
    if (version && version !== view.metadata.resourceVersion) throw conflict(kind.resource, name);
    const translated = translate({ stack, service: shown.service, revisions, view }, wanted);
    if (translated.problems) throw invalid(kind.resource, name, translated.problems);
    return { next: translated.stack as unknown as { [key: string]: unknown } };
  });
  return viewOf(call, written);
}

/** From the cache: what a client has read to go back to is in there. */
const revisionsOf = (deps: Deps, namespace: string | undefined, stack: string): StackRevision[] =>
  [...deps.cache.of(stackrevisions).objects.values()].filter(
    (r): r is StackRevision => r.metadata.namespace === namespace && r.metadata.labels?.[LABELS.stack] === stack,
  );

export async function update(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace, name } = call;
  const options = writeOptions(deps, call, "UpdateOptions");
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name });
  const meta = body["metadata"] as Record<string, unknown>;
  const object = await writeThrough(deps, call, options, ({ metadata: { uid } }) => {
    if (meta["uid"] && meta["uid"] !== uid)
      throw conflict(
        kind.resource,
        name,
        `Precondition failed: UID in precondition: ${JSON.stringify(meta["uid"])}, UID in object meta: ${uid}`,
      );
    return body as Json;
  });
  return { type: "object", code: 200, object };
}

export async function patch(deps: Deps, call: Call): Promise<Answer> {
  if (patchTypeOf(call) === APPLY_PATCH) throw refused(call.kind.resource, call.kind.refused?.create ?? "");
  const options = writeOptions(deps, call, "PatchOptions");
  const apply = await readPatch(call);
  const object = await writeThrough(deps, call, options, (view) => {
    const patched = apply(view as unknown as Json);
    checkIdentity(call.kind, view, patched);
    return patched;
  });
  return { type: "object", code: 200, object };
}
