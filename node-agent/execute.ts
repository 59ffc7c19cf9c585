// Carries a plan out, one step after the other. Any step may be the last one before a crash: each can be done again.
import type { HookSpec } from "../schemas/fleet.ts";
import type { Env } from "../store/env.ts";
import { LABELS } from "../schemas/constants.ts";
import { type Engine, isEngineError } from "./engine.ts";
import { PodFault, type Progress } from "./faults.ts";
import type { Action, ActionOf, ActionType, Desired } from "./plan/plan.ts";
import type { PodFiles } from "./files/files.ts";
import { blindHost, type HostView } from "./preflight/host.ts";
import { hookWords, POST_START_FAILED, runHook } from "./hooks/run.ts";
import { faultOf, preflight } from "./preflight/preflight.ts";
import type { Resources } from "./resources.ts";
import type { World } from "./world.ts";

export interface Executor {
  engine: Pick<
    Engine,
    | "ping"
    | "list"
    | "abilities"
    | "inspect"
    | "create"
    | "start"
    | "stop"
    | "remove"
    | "rename"
    | "unpause"
    | "update"
    | "connect"
    | "disconnect"
    | "inspectNetwork"
    | "removeNetwork"
    | "inspectVolume"
    | "removeVolume"
    | "exec"
    | "inspectExec"
  >;
  world: World;
  resources: Resources;
  desired: Desired | undefined;
  /** Whether a pod that is to stay wants this network. */
  networkWanted(name: string): boolean;
  progress: Progress;
  env: Env;
  /** Nobody waits for what a hook does any more: the pod is to go, or the agent. */
  cancelled?: () => boolean;
  /** Absent: pods have no configs and secrets. */
  files?: Pick<PodFiles, "ensure">;
  /** The machine below the engine. Default: nothing is known of it. */
  host?: HostView;
}

interface Run extends Executor {
  /** The container that this plan made. */
  created?: string;
  pulled: boolean;
  warnings: string[];
  failedHooks: string[];
  hooked?: string;
  /** The networks asked for so far. */
  networks: Promise<unknown>;
}

export interface Done {
  created?: string;
  /** An image came from a registry. */
  pulled: boolean;
  /** What the engine said that it did not do. */
  warnings: string[];
  /** In words; they held up nothing. */
  failedHooks: string[];
  /** The start that the postStart hooks have run for just now. */
  hooked?: string;
}

/** @throws EngineError, PodFault: the steps after the failed one were not taken */
export const execute = async (actions: readonly Action[], executor: Executor): Promise<Done> => {
  const run: Run = { ...executor, pulled: false, warnings: [], failedHooks: [], networks: Promise.resolve() };
  try {
    for (const action of actions) await perform(action, run);
    await run.networks;
  } finally {
    // Nothing goes on behind the back of the next look.
    await run.networks.catch(() => undefined);
  }
  return {
    pulled: run.pulled,
    warnings: run.warnings,
    failedHooks: run.failedHooks,
    ...(run.hooked === undefined ? {} : { hooked: run.hooked }),
    ...(run.created === undefined ? {} : { created: run.created }),
  };
};

const perform = async <T extends ActionType>(action: ActionOf<T>, run: Run): Promise<void> => {
  const container = (action as { container?: string }).container;
  // I1, checked once more right where it matters.
  if (container !== undefined && !run.world.isOurs(container))
    throw new PodFault("NotOwned", `container ${container.slice(0, 12)} does not carry our cluster label: ${action.type} refused`);
  await EXECUTORS[action.type](action, run);
};

const EXECUTORS: { [T in ActionType]: (action: ActionOf<T>, run: Run) => Promise<void> } = {
  preflight: async ({ mine }, run) => {
    const { pod, rendered } = wanted(run);
    await run.files?.ensure(pod);
    const parts = {
      list: () => run.engine.list(),
      abilities: () => run.engine.abilities(),
      resources: run.resources,
      host: run.host ?? blindHost,
    };
    const fault = faultOf(await preflight(pod.container, rendered, new Set(mine), parts));
    if (fault) throw fault;
  },
  ensureImage: async ({ wish }, run) => {
    const { pulled } = await run.resources.images.ensure(wish, run.progress);
    run.pulled ||= pulled;
  },
  // Only a start needs the network to be there: it is made while the engine creates the container.
  ensureNetwork: async ({ network }, run) => {
    run.networks = Promise.all([run.networks, run.resources.ensureNetwork(network)]);
    run.networks.catch(() => undefined);
  },
  ensureVolume: async ({ volume }, run) => await run.resources.ensureVolume(volume),

  create: async (_, run) => {
    const { pod, rendered } = wanted(run);
    await run.files?.ensure(pod);
    try {
      const { id, warnings = [] } = await run.engine.create(rendered.name, rendered.body, rendered.platform);
      run.created = id;
      run.warnings.push(...warnings);
      const networks = Object.fromEntries(rendered.networks.map((n) => [n.name, ""]));
      run.world.put({ id, name: rendered.name, labels: rendered.body.Labels ?? {}, state: "created", imageId: "", networks });
    } catch (error) {
      if (isEngineError(error, "nameConflict")) await meet(rendered.name, run);
      if (isEngineError(error, "imageNotFound"))
        run.resources.forget({ type: "image", id: rendered.image, action: "delete", attributes: {} });
      forgetNetworks(error, run);
      throw error;
    }
  },
  connect: async ({ container, network, endpoint }, run) => {
    await run.networks;
    try {
      await run.engine.connect(network, target(container, run), endpoint);
    } catch (error) {
      // 403: it is connected already, by a call whose answer was lost.
      if (isEngineError(error) && error.status === 403 && /already (exists|attached)/.test(error.message)) return;
      forgetNetworks(error, run);
      throw error;
    }
  },
  disconnect: async ({ container, network }, run) => {
    try {
      await run.engine.disconnect(network, container);
    } catch (error) {
      if (!isEngineError(error, "notFound")) throw error;
    }
  },
  start: async ({ container }, run) => {
    // It may have stopped because the whole engine does: one that is started during a shutdown leaves mounts behind that nothing can remove.
    if (container !== undefined) await run.engine.ping();
    // A reboot has emptied the tmpfs.
    if (run.desired) await run.files?.ensure(run.desired.pod);
    await run.networks;
    try {
      await run.engine.start(target(container, run));
    } catch (error) {
      forgetNetworks(error, run);
      throw error;
    }
  },
  postStart: async ({ container, hooks, start }, run) => {
    for (const [n, hook] of hooks.entries()) {
      run.progress("PostStart", `runs post_start ${n + 1} of ${hooks.length}`);
      const result = await runHook(container, hook, run);
      if (result.how === "cancelled" || result.how === "stopped") return;
      if (result.exitCode === 0) continue;
      // One that went down with its container did not fail by itself: Docker starts that again, or the next look does.
      if ((await run.engine.inspect(container)).State.Status !== "running") return;
      await run.engine.stop(container, wanted(run).pod.container.stopGraceMs);
      throw new PodFault(POST_START_FAILED, hookWords("post_start", n, hook, result));
    }
    run.hooked = start;
  },
  unpause: async ({ container }, run) => {
    try {
      await run.engine.unpause(container);
    } catch (error) {
      // Somebody else was faster: not paused any more.
      if (!isEngineError(error, "conflict") && !(isEngineError(error) && /not paused/.test(error.message))) throw error;
    }
  },
  rename: async ({ container, to }, run) => {
    try {
      await run.engine.rename(container, to);
    } catch (error) {
      if (isEngineError(error, "nameConflict")) await meet(to, run);
      throw error;
    }
    const known = run.world.get(container);
    if (known) run.world.put({ ...known, name: to });
  },
  update: async ({ container, change }, run) => {
    const { warnings = [] } = await run.engine.update(container, change);
    run.warnings.push(...warnings);
  },
  stop: async ({ container, graceMs, preStop = [] }, run) => {
    const left = await beforeStop(container, preStop, graceMs, run);
    try {
      await run.engine.stop(container, left);
    } catch (error) {
      if (!isEngineError(error, "notFound")) throw error;
    }
  },
  remove: async ({ container, networks }, run) => {
    try {
      await run.engine.remove(container, networks);
    } catch (error) {
      // "removal is already in progress" is progress: the next look waits for it.
      if (isEngineError(error, "conflict")) throw error;
      if (!isEngineError(error, "notFound")) throw error;
    }
    run.world.delete(container);
  },

  releaseNetwork: async ({ name }, run) => {
    if (run.networkWanted(name) || run.world.usesNetwork(name)) return;
    try {
      const found = await run.engine.inspectNetwork(name);
      if (found.Labels?.[LABELS.cluster] !== run.world.clusterId) return;
      run.resources.forgetNetwork(name);
      await run.engine.removeNetwork(found.Id);
    } catch (error) {
      // In use: by a foreign container, or by one of ours that goes later and takes it along.
      if (!isEngineError(error, "notFound", "inUse")) throw error;
    }
  },
  removeVolume: async ({ name }, run) => {
    try {
      const found = await run.engine.inspectVolume(name);
      if (found.Labels?.[LABELS.cluster] !== run.world.clusterId) return;
      await run.engine.removeVolume(name);
    } catch (error) {
      // In use: by another pod of the stack, which removes it when it goes.
      if (!isEngineError(error, "notFound", "inUse")) throw error;
    }
    run.resources.forget({ type: "volume", id: name, action: "destroy", attributes: {} });
  },
};

/** What is left of the grace period. A hook that fails or takes too long is told, and holds up nothing. */
const beforeStop = async (container: string, hooks: readonly HookSpec[], graceMs: number, run: Run): Promise<number> => {
  const began = run.env.monotonic();
  const left = (): number => Math.max(0, graceMs - (run.env.monotonic() - began));
  for (const [n, hook] of hooks.entries()) {
    if (left() === 0) break;
    run.progress("PreStop", `runs pre_stop ${n + 1} of ${hooks.length}`);
    try {
      const result = await runHook(container, hook, { engine: run.engine, env: run.env, deadlineMs: left() });
      if (result.how === "stopped") break;
      if (result.exitCode !== 0) run.failedHooks.push(hookWords("pre_stop", n, hook, result));
    } catch (error) {
      if (!isEngineError(error)) throw error;
      run.failedHooks.push(`pre_stop ${n + 1} did not run: ${error.message}`);
    }
  }
  return left();
};

const wanted = (run: Run): Desired => {
  if (!run.desired) throw new TypeError("a create without a desired pod");
  return run.desired;
};
const target = (container: string | undefined, run: Run): string => {
  const id = container ?? run.created;
  if (id === undefined) throw new TypeError("a step for a container that no step made");
  return id;
};

/** A name is taken: learn by whom, so that the next look sees it. */
const meet = async (name: string, run: Run): Promise<void> => {
  try {
    const i = await run.engine.inspect(name);
    const networks = Object.entries(i.NetworkSettings.Networks ?? {}).map(([n, e]) => [n, e.NetworkID] as const);
    run.world.put({
      id: i.Id,
      name: i.Name.replace(/^\//, ""),
      labels: i.Config.Labels ?? {},
      state: i.State.Status,
      imageId: i.Image,
      networks: Object.fromEntries(networks),
    });
  } catch (error) {
    if (!isEngineError(error, "notFound")) throw error;
  }
};

/** A network that we took for granted is not there: look again before the next try. */
const forgetNetworks = (error: unknown, run: Run): void => {
  if (isEngineError(error, "notFound")) for (const n of run.desired?.rendered.networks ?? []) run.resources.forgetNetwork(n.name);
};
