import type { DesiredPod, ObservedPod } from "../fleet.ts";
import { aContainer } from "./container.ts";

/** A pod of the service `web` of the Stack `shop`, with everything said, for tests that care about little of it. */
export const aDesired = (name: string, o: Partial<DesiredPod> = {}): DesiredPod => ({
  name,
  namespace: "default",
  uid: `uid-${name}`,
  stack: "shop",
  stackUid: "s",
  stackGeneration: 1,
  service: "web",
  slot: "0",
  revision: 1,
  templateHash: "h",
  labels: {},
  createdAt: "2026-01-01T00:00:00.000Z",
  dependsOn: [],
  container: aContainer({ image: "nginx:1" }),
  ...o,
});

/** What its agent says of it: it runs. */
export const anObserved = (name: string, o: Partial<ObservedPod> = {}): ObservedPod => ({
  uid: `uid-${name}`,
  desiredRevision: 1,
  inSync: true,
  phase: "Running",
  state: "running",
  ready: true,
  since: "2026-01-01T00:00:01.000Z",
  restarts: 0,
  notes: [],
  ...o,
});
