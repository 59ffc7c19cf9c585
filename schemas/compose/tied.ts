// Whether the pods of a service may be apart.
import type { ComposeStack } from "./normalize.ts";
import { normalize } from "./normalize.ts";
import { placementGroups } from "./groups.ts";

/**
 * True when all pods of the service must be on one node, with those of the services it shares networks or volumes with: none of them
 * can be made elsewhere before all have left. False for a body that is not valid, and for a service that it has not.
 */
export const sharesNode = (stack: ComposeStack, service: string): boolean =>
  placementGroups(normalize(stack).normal?.services ?? []).some((group) => group.services.includes(service));
