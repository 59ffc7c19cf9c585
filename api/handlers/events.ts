// Events written in their newer form (group events.k8s.io, as recorders of newer Go clients do): kept as v1 Events.
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import type { Event, EventsEvent } from "../../schemas/types.ts";
import { coreEventOf, eventsEventOf } from "../../schemas/views.ts";
import { addressed, admit, checkIdentity } from "../admission.ts";
import { mediaType, readObject } from "../body.ts";
import type { Answer, Call, Deps } from "../call.ts";
import type { Json } from "../json.ts";
import { events } from "../kinds/events.ts";
import { APPLY_PATCH, patchTypesOf } from "../patch/types.ts";
import { badRequest, unsupportedMediaType } from "../status.ts";
import { insert, modify, type WriteOptions } from "./commit.ts";
import { remove as removeStored } from "./delete.ts";
import { readPatch, writeOptions } from "./write.ts";

/** The same request for the Event of v1. */
const stored = (call: Call): Call => ({ ...call, kind: events });
const answer = (code: number, object: KubeObject): Answer => ({ type: "object", code, object: eventsEventOf(object as Event) });

/** Checked in the form that the client knows, so that messages name the fields that it sent. @throws ApiError 422 */
function converted(call: Call, body: { [key: string]: unknown }, options: WriteOptions): { [key: string]: unknown } {
  const { object, warnings } = admit(call.kind, body, options);
  for (const w of warnings) call.warn(w);
  return coreEventOf(object as unknown as EventsEvent) as unknown as { [key: string]: unknown };
}

export async function create(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace } = call;
  const options = writeOptions(deps, call, "CreateOptions");
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name: "" });
  if ((body["metadata"] as { resourceVersion?: unknown }).resourceVersion)
    throw badRequest("resourceVersion should not be set on objects to be created");
  return answer(201, await insert(deps, stored(call), converted(call, body, options), options));
}

export async function update(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace, name } = call;
  const options = writeOptions(deps, call, "UpdateOptions");
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name });
  const wanted = converted(call, body, options);
  const meta = wanted["metadata"] as object;
  const object = await modify(deps, stored(call), options, ({ old }) => ({
    next: { ...wanted, metadata: { uid: old.metadata.uid, ...meta } },
  }));
  return answer(200, object);
}

export async function patch(deps: Deps, call: Call): Promise<Answer> {
  // Who applies owns fields by their names, and these are kept under others.
  const accepted = patchTypesOf(call.kind).filter((type) => type !== APPLY_PATCH);
  if (!accepted.includes(mediaType(call.req))) throw unsupportedMediaType(accepted, " (apply it as an Event of v1)");
  const options = writeOptions(deps, call, "PatchOptions");
  const patched = await readPatch(call);
  const object = await modify(deps, stored(call), options, ({ old }) => {
    const now = eventsEventOf(old as Event);
    const next = patched(now as unknown as Json);
    checkIdentity(call.kind, now, next);
    if (isDeepStrictEqual(next, now)) return { next: old as unknown as { [key: string]: unknown } };
    return { next: converted(call, next, options) };
  });
  return answer(200, object);
}

export const remove = (deps: Deps, call: Call): Promise<Answer> => removeStored(deps, stored(call));
