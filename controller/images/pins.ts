// Which bits each service runs: the first pod of a template that says so decides for all of them. No registry is asked. Pure.
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import type { StackStatus } from "../../schemas/types.ts";
import { byName, type CompiledService, type PodView } from "../model.ts";
import type { RevisionView } from "../revisions/history.ts";

/** Name of the service → `sha256:…`. Not there: not known yet, or never, as with images that no registry knows. */
export type Pins = ReadonlyMap<string, string>;

export interface PinInput {
  services: readonly CompiledService[];
  previous: StackStatus | undefined;
  /** Of this Stack, oldest first. */
  history: readonly RevisionView[];
  /** The Stack's own. */
  pods: readonly PodView[];
}

/**
 * What stands in the status stays; then what a pod was told; then what an earlier revision with the same template ran, so that going back
 * goes back to the same bits; then what the pods report.
 */
export const planPins = ({ services, previous, history, pods }: PinInput): Map<string, string> => {
  const pins = new Map<string, string>();
  for (const service of services) {
    const pin = pinOf(service, previous, history, pods);
    if (pin !== undefined) pins.set(service.name, pin);
  }
  return pins;
};

/** The digest in `name@sha256:…`. */
export const digestIn = (reference: string | undefined): string | undefined => reference?.split("@")[1];

const pinOf = (
  { name, templateHash, container }: CompiledService,
  previous: StackStatus | undefined,
  history: readonly RevisionView[],
  pods: readonly PodView[],
): string | undefined => {
  const written = digestIn(container.image);
  if (written !== undefined) return written;
  // Whoever loads images by hand decides what is run.
  if (container.pullPolicy === "never") return undefined;
  const status = previous?.services?.[name];
  if (status?.templateHash === templateHash && status.imageDigest !== undefined) return status.imageDigest;
  const mine = pods
    .filter((p) => p.desired.service === name)
    .toSorted(
      ({ desired: a, observed: x }, { desired: b, observed: y }) =>
        Number(y?.ready === true) - Number(x?.ready === true) || byName(a.createdAt, b.createdAt) || byName(a.name, b.name),
    );
  const live = mine.filter((p) => p.desired.templateHash === templateHash && p.desired.deletionTimestamp === undefined);
  const told = live.find((p) => p.desired.imageDigest !== undefined)?.desired.imageDigest;
  if (told !== undefined) return told;
  const before = history.findLast((r) => r.services[name]?.templateHash === templateHash && r.services[name].imageDigest !== undefined);
  if (before) return before.services[name]?.imageDigest;
  for (const { observed } of live) {
    const said = digestIn(observed?.imageDigest);
    if (said !== undefined) return said;
  }
  return mine.find((p) => isPrepared(p, templateHash))?.observed?.prepared?.imageDigest;
};

const isPrepared = ({ observed }: PodView, templateHash: string): boolean =>
  observed?.prepared?.templateHash === templateHash && observed.prepared.imageDigest !== undefined;

/** One that runs these bits keeps to them by itself: nothing is written for it. */
export const mustBeTold = (desired: DesiredPod, observed: ObservedPod | undefined, pin: string | undefined): boolean =>
  pin !== undefined &&
  digestIn(desired.container.image) === undefined &&
  desired.imageDigest !== pin &&
  digestIn(observed?.imageDigest) !== pin;
