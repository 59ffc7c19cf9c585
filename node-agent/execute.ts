// Carries a plan out, one step after the other. Any step may be the last one before a crash: each can be done again.
import { LABELS } from "../schemas/constants.ts";
import { type Engine, isEngineError } from "./engine.ts";
import { PodFault, type Progress } from "./faults.ts";
import type { Action, ActionOf, ActionType, Desired } from "./plan/plan.ts";
import { blindHost, type HostView } from "./preflight/host.ts";
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
  >;
  world: World;
  resources: Resources;
  desired: Desired | undefined;
  /** Whether a pod that is to stay wants this network. */
  networkWanted(name: string): boolean;
  progress: Progress;
  /** The machine below the engine. Default: nothing is known of it. */
  host?: HostView;
}

interface Run extends Executor {
  /** The container that this plan made. */
  created?: string;
  pulled: boolean;
  warnings: string[];
  /** The networks asked for so far. */
  networks: Promise<unknown>;
}

export interface Done {
  created?: string;
  /** An image came from a registry. */
  pulled: boolean;
  /** What the engine said that it did not do. */
  warnings: string[];
}

/** @throws EngineError, PodFault: the steps after the failed one were not taken */
export const execute = async (actions: readonly Action[], executor: Executor): Promise<Done> => {
  const run: Run = { ...executor, pulled: false, warnings: [], networks: Promise.resolve() };
  try {
    for (const action of actions) await perform(action, run);
    await run.networks;
  } finally {
    // Nothing goes on behind the back of the next look.
    await run.networks.catch(() => undefined);
  }
  return { pulled: run.pulled, warnings: run.warnings, ...(run.created === undefined ? {} : { created: run.created }) };
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
    const { rendered } = wanted(run);
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
    await run.networks;
    try {
      await run.engine.start(target(container, run));
    } catch (error) {
      forgetNetworks(error, run);
      throw error;
    }
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
  stop: async ({ container, graceMs }, run) => {
    try {
      await run.engine.stop(container, graceMs);
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
