// Which program a request comes from: the parameter `fieldManager`, or the first word of its User-Agent.
import type { Call, Deps } from "../call.ts";
import type { Problem } from "../kind.ts";
import { invalidOptions } from "../status.ts";
import { managerProblems, MAX_MANAGER, printable } from "./managers.ts";
import type { Writer } from "./track.ts";

/** `kubectl/v1.32.5 (linux/amd64) …` → `kubectl`. */
export function managerOfAgent(agent: string | undefined): string {
  let name = "";
  for (const char of (agent ?? "").split("/")[0] ?? "") {
    if (!printable(char)) continue;
    if (Buffer.byteLength(name + char) > MAX_MANAGER) break;
    name += char;
  }
  return name || "unknown";
}

/** `options` as in `UpdateOptions`, for messages. `apply`: the parameter is required, and `force` is known. @throws ApiError 422 */
export function writerOf(deps: Pick<Deps, "env">, call: Call, options: string, apply = false): Writer {
  const given = call.query.text("fieldManager");
  const problems: Problem[] = given === undefined ? [] : managerProblems(given, "fieldManager");
  if (!apply && options === "PatchOptions" && call.query.text("force") !== undefined)
    problems.push({ field: "force", message: "Forbidden: may not be specified for non-apply patch", reason: "FieldValueForbidden" });
  if (apply && given === undefined)
    problems.push({ field: "fieldManager", message: "Required value: is required for apply patch", reason: "FieldValueRequired" });
  if (problems.length > 0) throw invalidOptions(options, problems);
  return { manager: given ?? managerOfAgent(call.req.headers["user-agent"]), subresource: call.subresource, now: deps.env.now() };
}
