// Apply one manifest: create it, patch what differs, or send nothing. Mixes with `kubectl apply`.
import type { KubeObject } from "../../schemas/meta.ts";
import { ApiError } from "../errors.ts";
import type { Loaded } from "../manifest/load.ts";
import type { Client } from "./client.ts";
import { lastApplied, threeWay, withLastApplied } from "./merge.ts";

export type Applied<T extends KubeObject> = { result: "created" | "configured" | "unchanged"; object: T; before: T | undefined };

const TRIES = 6;

/** @throws ApiError: refused; Conflict only after six tries */
export const applyObject = async <T extends KubeObject>(
  client: Client,
  { manifest, resource, madeFor }: Loaded,
  o: { dryRun?: boolean; signal?: AbortSignal; expect?: (live: T | undefined) => void } = {},
): Promise<Applied<T>> => {
  const { name, namespace } = manifest.metadata;
  // Nobody applies with kubectl what was made of a Compose file; its content need not be kept twice.
  const modified = madeFor === undefined ? withLastApplied(manifest) : manifest;
  for (let tries = 1; ; tries++) {
    const live = await client.find<T>(resource, namespace, name, o.signal);
    o.expect?.(live);
    try {
      if (!live) return { result: "created", object: await client.create<T>(resource, namespace, modified, o), before: undefined };
      const object = live as T & Record<string, unknown>;
      const patch = threeWay(lastApplied(object), modified, object);
      if (!patch) return { result: "unchanged", object: live, before: live };
      // Only if it is still what the patch was made for: otherwise look again.
      const guarded = {
        ...patch,
        metadata: { ...(patch["metadata"] as object | undefined), resourceVersion: live.metadata.resourceVersion },
      };
      return { result: "configured", object: await client.patch<T>(resource, namespace, name, guarded, o), before: live };
    } catch (error) {
      const moved =
        error instanceof ApiError &&
        (error.reason === "Conflict" || error.reason === "AlreadyExists" || (live !== undefined && error.code === 404));
      if (!moved || tries >= TRIES) throw error;
    }
  }
};
