// One service of the plan, and how its pods compare with what it shall be.
import { LABELS } from "../../schemas/constants.ts";
import type { GroupTarget } from "../groups.ts";
import { digestIn, mustBeTold } from "../images/pins.ts";
import type { CompiledService, PodView } from "../model.ts";
import { mayStay } from "../place.ts";
import { isLost } from "../pods.ts";
import type { PlanDraft } from "./draft.ts";
import type { PodDraft } from "./types.ts";

export class ServiceDraft {
  /** @param target what its group decided; undefined where each pod is placed by itself, or the service is global */
  constructor(
    readonly draft: PlanDraft,
    readonly service: CompiledService,
    readonly target: GroupTarget | undefined,
  ) {}

  /** Docker cannot change it into what it shall be. */
  isOfOtherTemplate(pod: PodView): boolean {
    return pod.desired.templateHash !== this.service.templateHash;
  }

  /** Another pod must take its slot: it is of another template, which a paused service leaves as it is, or on the wrong node. */
  isOutdated(pod: PodView): boolean {
    return (this.isOfOtherTemplate(pod) && !this.service.paused) || this.isMisplaced(pod);
  }

  isMisplaced(pod: PodView): boolean {
    const { draft, service, target } = this;
    if (target && "pin" in target) return pod.node !== target.pin.node;
    const node = draft.input.nodes.get(pod.node);
    return service.mode === "replicated" && service.group === undefined && node !== undefined && !mayStay(node, service.constraints);
  }

  /** Which bits its template is: it runs others, or has not said which. */
  mustBeTold({ desired, observed }: PodView): boolean {
    return mustBeTold(desired, observed, this.draft.input.pins?.get(this.service.name));
  }

  isLost(pod: PodView): boolean {
    return isLost(pod, this.draft.input.nodes);
  }

  /** Nobody waits for it: a lost node takes only its own slot of a global service down, and must not hold up the other nodes'. */
  isExcused(pod: PodView): boolean {
    return this.service.mode === "global" && this.isLost(pod);
  }

  /** A pod for the slot, as it is written now. */
  podFor(slot: string): PodDraft {
    const { stack, revision, pins, pullSecrets } = this.draft.input;
    const { name, templateHash, dependsOn, container, unhealthy } = this.service;
    const pulls = pullSecrets?.get(name);
    const pin = digestIn(container.image) === undefined ? pins?.get(name) : undefined;
    return {
      namespace: stack.namespace,
      stack: stack.name,
      stackUid: stack.uid,
      stackGeneration: stack.generation,
      service: name,
      slot,
      revision,
      templateHash,
      labels: { ...stack.labels, [LABELS.stack]: stack.name, [LABELS.service]: name },
      dependsOn: [...dependsOn],
      container,
      ...(pin === undefined ? {} : { imageDigest: pin }),
      ...(pulls === undefined ? {} : { pullSecrets: pulls }),
      // Another node is the controller's matter.
      ...(unhealthy && (unhealthy.action === "restart" || unhealthy.action === "recreate")
        ? { unhealthy: { action: unhealthy.action, budget: unhealthy.budget } }
        : {}),
      ...(stack.adopt && /^\d+$/.test(slot) ? { adopt: { ...stack.adopt, service: name, number: Number(slot) + 1 } } : {}),
    };
  }
}
