// Server-side apply over HTTP: `PATCH` with `application/apply-patch+yaml`, of an object or its status.
import { apiVersionOf } from "../../schemas/resources.ts";
import { NotFoundError } from "../../store/errors.ts";
import { addressed, fieldValidationOf } from "../admission.ts";
import { type Applied, applyConfig } from "../apply/apply.ts";
import { configOf, parseConfig } from "../apply/config.ts";
import { ConflictsError, conflictStatus } from "../apply/conflicts.ts";
import { listProblems } from "../apply/problems.ts";
import { writerOf } from "../apply/writer.ts";
import { readBody } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import type { Json } from "../json.ts";
import { ApiError, conflict } from "../status.ts";
import { insert, modify, type WriteOptions } from "./commit.ts";

/** Each attempt that is lost means that someone else created or deleted the object just then. */
const ATTEMPTS = 5;

/** @throws ApiError 409 for conflicts with other managers, 422, 400 */
export async function applyPatch(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace, name } = call;
  const writer = writerOf(deps, call, "PatchOptions", true);
  fieldValidationOf(call.query.text("fieldValidation"));
  const options: WriteOptions = {
    dryRun: dryRunOf("PatchOptions", call.query.all("dryRun")),
    // Who applies a field owns it, so that it must be one that can be kept. Kubernetes refuses others here in any case, too.
    fieldValidation: "Strict",
    writer,
  };
  const force = call.query.flag("force");
  const body = parseConfig(await readBody(call.req));
  const config = configOf(kind, addressed(kind, body, { apiVersion: apiVersionOf(kind.resource), namespace, name }), call.subresource);
  const { uid, resourceVersion } = config["metadata"] as { uid?: Json; resourceVersion?: Json };
  const decide = (live: Parameters<typeof applyConfig>[0]["live"]): Applied => {
    try {
      const applied = applyConfig({ kind, live, config, writer, force });
      if (applied.problems.length > 0) throw listProblems(kind, name, applied.problems);
      return applied;
    } catch (e) {
      throw e instanceof ConflictsError ? conflictStatus(e) : e;
    }
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const object = await modify(deps, call, options, ({ old, version }) => {
        if (uid && uid !== old.metadata.uid)
          throw conflict(
            kind.resource,
            name,
            `Precondition failed: UID in precondition: ${JSON.stringify(uid)}, UID in object meta: ${old.metadata.uid}`,
          );
        const { object: next, managedFields } = decide(old);
        return {
          next: { ...next, metadata: { ...(next["metadata"] as object), resourceVersion: resourceVersion || version } },
          managedFields,
        };
      });
      return { type: "object", code: 200, object };
    } catch (e) {
      if (!(e instanceof NotFoundError) || call.subresource !== undefined) throw e;
    }
    if (uid)
      throw conflict(
        kind.resource,
        name,
        `uid mismatch: the provided object specified uid ${JSON.stringify(uid)}, and no existing object was found`,
      );
    if (resourceVersion) throw conflict(kind.resource, name);
    const { object: wanted, managedFields } = decide(undefined);
    try {
      return { type: "object", code: 201, object: await insert(deps, call, wanted, options, () => managedFields) };
    } catch (e) {
      if (!(e instanceof ApiError && e.reason === "AlreadyExists") || attempt >= ATTEMPTS) throw e;
    }
  }
}
