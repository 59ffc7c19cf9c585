// Before a pod that serves is taken away, its node makes ready for the successor: the image is there, and nothing would keep it from starting.
import type { DesiredPod } from "../../schemas/fleet.ts";
import { canonicalJson } from "../canonical.ts";
import type { PodView } from "../model.ts";
import type { ServiceDraft } from "./service.ts";
import type { Wait } from "./types.ts";

type Next = NonNullable<DesiredPod["next"]>;

/** Asks the pod's node to make ready. @returns what it waits for; undefined: the pod may go */
export const prepareNext = (own: ServiceDraft, pod: PodView): Wait | undefined => {
  const { draft, service } = own;
  const { desired, observed, mod, node } = pod;
  const next = nextOf(own, pod);
  if (!isAsked(pod, next)) {
    const reason = `${node} makes ready for what comes next`;
    draft.steps.push({ type: "updateInPlace", pod, desired: { ...desired, next }, reason });
    return { reason: "Preparing", message: `${desired.name} on ${node}: ${reason}` };
  }
  const answered = observed !== undefined && observed.desiredRevision >= mod;
  if (!answered) return { reason: "Preparing", message: `${desired.name} on ${node}: its agent has not answered yet` };
  const said = observed.prepared;
  // An agent that answers, and says nothing about this, is of a version that does not know it: it is not waited for.
  if (said?.templateHash !== service.templateHash || said.ready) return undefined;
  const underWay = said.reason === undefined || said.reason === "Preparing" || said.reason === "Pulling";
  const words = said.message ?? said.reason ?? "not ready yet";
  return underWay
    ? { reason: "Preparing", message: `${desired.name} on ${node}: ${words}` }
    : { reason: "NotPrepared", message: `${node} cannot start what comes next: ${said.reason}: ${words}. ${desired.name} goes on serving` };
};

const nextOf = (own: ServiceDraft, pod: PodView): Next => {
  const { templateHash, container, imageDigest, pullSecrets } = own.podFor(pod.desired.slot);
  return {
    templateHash,
    container,
    ...(imageDigest === undefined ? {} : { imageDigest }),
    ...(pullSecrets === undefined ? {} : { pullSecrets }),
  };
};

/** The pin that its own answer has brought about need not be asked for again. */
const isAsked = ({ desired, observed }: PodView, next: Next): boolean => {
  if (!desired.next) return false;
  const { imageDigest: had, ...asked } = desired.next;
  const { imageDigest: wanted, ...rest } = next;
  const own = observed?.prepared?.templateHash === next.templateHash ? observed.prepared.imageDigest : undefined;
  return (had === wanted || own === wanted) && canonicalJson(asked) === canonicalJson(rest);
};
