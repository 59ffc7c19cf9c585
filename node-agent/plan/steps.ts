// Steps that several plans share.
import type { ContainerSpec, HookSpec } from "../../schemas/fleet.ts";
import { asksForNewer } from "../abilities.ts";
import { wishOf } from "../images/images.ts";
import type { ContainerFacts } from "../observe.ts";
import type { Rendered } from "../render.ts";
import type { Action, Desired, Plan, PlanInput } from "./types.ts";

export const nothing = (o: Partial<Plan> = {}): Plan => ({ kind: "none", actions: [], drift: [], gone: false, ...o });

export const stopping = (c: ContainerFacts, graceMs: number, preStop?: HookSpec[]): Action => ({
  type: "stop",
  container: c.id,
  graceMs,
  // One that waits for its next start has nothing to run in.
  ...(preStop?.length && c.state !== "restarting" ? { preStop } : {}),
});

export const takeDown = (c: ContainerFacts, graceMs = c.spec.stopTimeout * 1000, preStop?: HookSpec[]): Action[] => [
  // A paused container cannot take a signal.
  ...(c.state === "paused" ? [{ type: "unpause", container: c.id } as const] : []),
  ...(c.state === "running" || c.state === "paused" || c.state === "restarting" ? [stopping(c, graceMs, preStop)] : []),
  { type: "remove", container: c.id, networks: Object.values(c.networkIds) },
];

export const ensureImage = ({ pod }: Desired): Action => ({ type: "ensureImage", wish: wishOf(pod, pod.imageDigest) });
export const prepare = (desired: Desired): Action[] => [
  ensureImage(desired),
  ...ensureNetworks(desired.rendered),
  ...desired.rendered.volumes.map((volume) => ({ type: "ensureVolume", volume }) as const),
];
export const ensureNetworks = (rendered: Rendered): Action[] =>
  rendered.networks.map((network) => ({ type: "ensureNetwork", network }) as const);

/** A look before anything is touched, where there is something to look for. */
export const rehearse = ({ pod: { container: c }, rendered }: Desired, mine: string[]): Action[] =>
  asksForNewer(c) ||
  c.containerName !== undefined ||
  c.ports.some((p) => p.published !== undefined) ||
  c.mounts.some((m) => m.type === "bind" && !m.createHostPath) ||
  [...rendered.networks, ...rendered.volumes].some((r) => r.external)
    ? [{ type: "preflight", mine }]
    : [];

export const creation = (input: PlanInput, desired: Desired): Action[] => [
  { type: "create" },
  ...desired.rendered.networks.slice(1).map(({ name, endpoint }) => ({ type: "connect", network: name, endpoint }) as const),
  ...(input.waitingFor === undefined ? [{ type: "start" } as const] : []),
];

export const held = (message: string): NonNullable<Plan["waiting"]> => ({ reason: "WaitingForDependency", message });

export const runsOnce = (c: ContainerSpec): boolean => c.restart.policy === "no" || c.restart.policy === "on-failure";
