// nodes/composeprojects: what docker compose runs on a node beside us, asked of the node through its tunnel. It shows environments,
// so it is asked with create, which readers may not.
import { API_VERSION } from "../../schemas/constants.ts";
import { normalize } from "../../schemas/compose/normalize.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { checkShape } from "../../schemas/parse.ts";
import { type ComposeDifference, type ComposeProject, TUNNEL_PATHS, type TunnelError } from "../../schemas/tunnel.ts";
import type { ComposeProjects } from "../../schemas/types.ts";
import { problemOf } from "../admission.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { ApiError, badRequest, invalid, unavailable } from "../status.ts";
import { readOne } from "./read.ts";

const DEADLINE_MS = 20_000;
const MAX_BYTES = 16 << 20;

/** @throws ApiError 400, 404, 422, 503 without a tunnel, 504 after 20 s, or what the agent says */
export async function composeProjects(deps: Deps, call: Call): Promise<Answer> {
  const { kind, name } = call;
  dryRunOf("CreateOptions", call.query.all("dryRun"));
  const { apiVersion = API_VERSION, kind: named = "ComposeProjects", metadata = {}, spec = {} } = await readObject(call.req);
  if (named !== "ComposeProjects" || apiVersion !== API_VERSION) throw badRequest(`the body must be a ComposeProjects of ${API_VERSION}`);
  const { value, problems } = checkShape("composeprojects", { apiVersion, kind: named, metadata, spec });
  if (problems.length > 0) throw invalid(kind.resource, name, problems.map(problemOf));
  await readOne(deps, kind, undefined, name, call.signal);
  const { project, stack } = (value as ComposeProjects).spec ?? {};
  const query = new URLSearchParams(project ? { project } : {});
  const projects = await ask<ComposeProject[]>(deps, call, query);
  const differences = project && stack ? await ask<ComposeDifference[]>(deps, call, query, wantedOf(call, project, stack)) : undefined;
  const object = { apiVersion: API_VERSION, kind: "ComposeProjects", metadata: { name, creationTimestamp: null } as never };
  return { type: "object", code: 200, object: { ...object, status: { projects, ...(differences ? { differences } : {}) } } as KubeObject };
}

type Stack = NonNullable<NonNullable<ComposeProjects["spec"]>["stack"]>;

/** Each container that the Stack would have. @throws ApiError 422 */
const wantedOf = ({ kind, name }: Call, project: string, stack: Stack): object => {
  const result = normalize(stack);
  if (!result.normal) throw invalid(kind.resource, name, (result.problems ?? []).map(problemOf));
  return {
    project,
    namespace: stack.metadata.namespace ?? "default",
    stack: stack.metadata.name,
    services: result.normal.services.flatMap((s) =>
      Array.from({ length: s.mode === "replicated" ? s.replicas : 1 }, (_, i) => ({
        service: s.name,
        number: i + 1,
        container: s.container,
      })),
    ),
  };
};

async function ask<T>(deps: Deps, { name, signal }: Call, query: URLSearchParams, body?: object): Promise<T> {
  const stop = new AbortController();
  const end = (): void => stop.abort(new Error("the client went away"));
  signal.addEventListener("abort", end, { once: true });
  const late = new ApiError(504, "Timeout", `node ${name} has not told its Compose projects within ${DEADLINE_MS / 1000} s`);
  const cancel = deps.env.timer(DEADLINE_MS, () => stop.abort(late));
  try {
    const request = { method: body ? "POST" : "GET", path: TUNNEL_PATHS.compose, query, signal: stop.signal } as const;
    const { status, body: stream } = await deps.links.open(name, request);
    stream.end(body ? JSON.stringify(body) : undefined);
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of stream) {
      length += (part as Buffer).length;
      if (length > MAX_BYTES) throw unavailable(`node ${name} says more than ${MAX_BYTES} bytes about its Compose projects`);
      parts.push(part as Buffer);
    }
    const said = JSON.parse(Buffer.concat(parts).toString("utf8")) as T | TunnelError;
    if (Array.isArray(said)) return said as T;
    const { reason, message } = said as TunnelError;
    throw new ApiError(status === 200 ? 502 : status, reason, `node ${name}: ${message}`);
  } catch (error) {
    throw stop.signal.aborted ? (stop.signal.reason as Error) : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", end);
    stop.abort();
  }
}
