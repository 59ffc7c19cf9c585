// Leases are kept as written; but for that of a node, which is the session that its agent holds in etcd.
import type { NodeSession } from "../../schemas/fleet.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import { NotFoundError } from "../../store/errors.ts";
import { sessionKey } from "../../store/keys.ts";
import type { Answer, Call, Deps } from "../call.ts";
import { ApiError } from "../status.ts";
import { get } from "./read.ts";

/** Where `kubectl describe node` looks. Source: Kubernetes, "Node heartbeats". */
const NODE_LEASES = "kube-node-lease";

/** A heartbeat of an agent costs no write, so that nobody knows when the last one was: there is no renewTime. */
export async function getLease(deps: Deps, call: Call): Promise<Answer> {
  try {
    return await get(deps, call);
  } catch (e) {
    const missing = e instanceof NotFoundError || (e instanceof ApiError && e.code === 404);
    const { item } = missing && call.namespace === NODE_LEASES ? await deps.kv.get(sessionKey(call.name)) : {};
    if (!item) throw e;
    const { nonce, startedAt } = JSON.parse(item.value) as NodeSession;
    const since = new Date(startedAt).toISOString();
    return {
      type: "object",
      code: 200,
      object: {
        apiVersion: apiVersionOf(call.kind.resource),
        kind: call.kind.resource.kind,
        metadata: {
          name: call.name,
          namespace: NODE_LEASES,
          uid: nonce,
          resourceVersion: String(item.mod),
          creationTimestamp: `${since.slice(0, 19)}Z`,
        },
        ...{ spec: { holderIdentity: call.name, acquireTime: `${since.slice(0, 23)}000Z` } },
      },
    };
  }
}
