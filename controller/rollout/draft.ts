// A plan while it is being made: its steps so far, and the world as these steps will leave it. Later decisions see earlier ones here.
import { type CompiledService, type PodView, stackKeyOf } from "../model.ts";
import type { Tally } from "../place.ts";
import { isReady, type PodState, stateOf } from "../pods.ts";
import type { PodDraft, RolloutInput, Step, Wait } from "./types.ts";

export class PlanDraft {
  readonly steps: Step[] = [];
  /** By service. */
  readonly waits = new Map<string, Wait>();
  /** By service: the slots that shall be filled. */
  readonly slots = new Map<string, readonly string[]>();
  readonly volumes: Record<string, { node: string }> = {};
  readonly services: ReadonlyMap<string, CompiledService>;
  /** What the pods will be. One that is forgotten has no state. */
  private readonly states: Map<PodView, PodState>;
  private readonly placed: { node: string; pod: PodDraft }[] = [];

  constructor(readonly input: RolloutInput) {
    this.services = new Map(input.compiled.services.map((s) => [s.name, s]));
    this.states = new Map(input.pods.map((p) => [p, stateOf(p, input.nodes)]));
  }

  /** Those that are not forgotten. */
  pods(): PodView[] {
    return this.input.pods.filter((p) => this.states.has(p));
  }

  livePods(): PodView[] {
    return this.input.pods.filter((p) => this.isLive(p));
  }

  stateOf(pod: PodView): PodState | undefined {
    return this.states.get(pod);
  }

  isLive(pod: PodView): boolean {
    return this.states.get(pod) === "live";
  }

  isReady(pod: PodView): boolean {
    return isReady(pod, this.input.nodes);
  }

  /** Tells a live pod to go and forgets one that is gone; one that is going is left to its node. */
  remove(pod: PodView, reason: string): void {
    const state = this.states.get(pod);
    if (state === "live") {
      this.steps.push({ type: "markDeleted", pod, reason });
      this.states.set(pod, "going");
    } else if (state === "gone") this.finalize(pod);
  }

  finalize(pod: PodView): void {
    this.steps.push({ type: "finalize", pod, reason: this.goneReason(pod) });
    this.states.delete(pod);
  }

  /** @param gone those that had the slot before: all are forgotten, the first in the same commit that writes its successor */
  create(pod: PodDraft, node: string, gone: readonly PodView[]): void {
    const [removed, ...others] = gone;
    for (const other of others) this.finalize(other);
    if (removed) {
      const reason = `successor of ${removed.desired.name}: ${this.goneReason(removed)}`;
      this.steps.push({ type: "replace", removed, node, pod, reason });
      this.states.delete(removed);
    } else this.steps.push({ type: "create", node, pod, reason: `slot ${pod.slot} of ${pod.service} is empty` });
    this.placed.push({ node, pod });
  }

  /** The first and worst thing a service waits for is the one to tell. */
  waitFor(service: CompiledService, wait: Wait): void {
    const had = this.waits.get(service.name);
    if (!had || (had.reason === "WaitingForPods" && wait.reason !== "WaitingForPods")) this.waits.set(service.name, wait);
  }

  /**
   * The nodes as they will be when this plan is carried out.
   * @param services names of those whose pods are spread
   * @param without a pod that would make room
   */
  tally(services: readonly string[], without?: PodView): Tally {
    const { placed } = this;
    const { nodes, stack } = this.input;
    const key = stackKeyOf(stack);
    const present = this.pods().filter((p) => p !== without && this.states.get(p) !== "gone");
    const podNames = new Set(present.map((p) => p.desired.name));
    return {
      ofService: (node) =>
        present.filter((p) => p.node === node && this.isLive(p) && services.includes(p.desired.service)).length +
        placed.filter((p) => p.node === node && services.includes(p.pod.service)).length,
      total: (node) => (nodes.get(node)?.pods ?? 0) + placed.filter((p) => p.node === node).length,
      *ports(node) {
        // The node still counts the ports of pods that are gone, or that would make room.
        for (const use of nodes.get(node)?.ports ?? []) if (use.stack !== key || podNames.has(use.pod)) yield use;
        for (const { pod } of placed.filter((p) => p.node === node)) {
          for (const { published, protocol, hostIp } of pod.container.ports) {
            if (published !== undefined)
              yield { published, protocol, ...(hostIp ? { hostIp } : {}), stack: key, pod: `${pod.service}-${pod.slot}` };
          }
        }
      },
      *names(node) {
        for (const use of nodes.get(node)?.names ?? []) if (use.stack !== key || podNames.has(use.pod)) yield use;
        for (const { pod } of placed.filter((p) => p.node === node)) {
          const { containerName: name } = pod.container;
          if (name !== undefined) yield { name, stack: key, pod: `${pod.service}-${pod.slot}` };
        }
      },
    };
  }

  private goneReason(pod: PodView): string {
    return this.input.nodes.has(pod.node) ? (pod.desired.deletionReason ?? "it was removed") : `node ${pod.node} was deleted`;
  }
}
