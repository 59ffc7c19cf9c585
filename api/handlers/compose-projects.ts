// nodes/composeprojects: what docker compose runs on a node beside us, asked of the node through its tunnel. It shows environments,
// so it is asked with create, which readers may not.
import { API_VERSION } from "../../schemas/constants.ts";
import { normalize } from "../../schemas/compose/normalize.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { checkShape } from "../../schemas/parse.ts";
import { type ComposeDifference, type ComposeProject, TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import type { ComposeProjects } from "../../schemas/types.ts";
import { problemOf } from "../admission.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { badRequest, invalid } from "../status.ts";
import { askNode } from "./ask-node.ts";
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

const ask = <T>({ links, env }: Deps, { name, signal }: Call, query: URLSearchParams, body?: object): Promise<T> =>
  askNode<T>(links, env, name, {
    method: body ? "POST" : "GET",
    path: TUNNEL_PATHS.compose,
    query,
    ...(body ? { body } : {}),
    about: "its Compose projects",
    deadlineMs: DEADLINE_MS,
    maxBytes: MAX_BYTES,
    signal,
  });
