// How many pods a service asks for: `deploy.replicas`, or `scale`, which says the same.
import type { ComposeService } from "../types.ts";

type Body = Partial<ComposeService>;

/** 1 where neither says a number; both may be texts. Meaningless for a global service. */
export const replicasOf = (service: Body | undefined): number => Number(service?.deploy?.replicas ?? service?.scale ?? 1);

/** The service with another number, said where it is said already. Undefined: not said at all. */
export const withReplicas = <B extends Body>(service: B, replicas: number | undefined): B => {
  const { scale: _scale, ...body }: Body = service;
  const { replicas: _replicas, ...deploy } = body.deploy ?? {};
  const rest = body.deploy ? { ...body, deploy } : body;
  if (replicas === undefined) return rest as B;
  if (service.scale !== undefined && service.deploy?.replicas === undefined) return { ...service, scale: replicas };
  return { ...rest, deploy: { ...service.deploy, replicas } } as B;
};
