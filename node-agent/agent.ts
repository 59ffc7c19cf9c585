// One node's agent: wires desired state, the engine and the reports together. All deciding is in the parts.
import { join } from "node:path";
import type { Logger } from "pino";
import type { DesiredPod, NodeInfo, NodeSession, ObservedPod } from "../schemas/fleet.ts";
import { isDeepStrictEqual } from "node:util";
import type { Env } from "../store/env.ts";
import { FencedError } from "../store/errors.ts";
import { Informer } from "../store/informer.ts";
import { desiredKey, desiredPrefix, infoKey, observedKey, observedPrefix, parseNodeKey, sessionKey } from "../store/keys.ts";
import type { Item, Kv } from "../store/kv.ts";
import { openSession } from "../store/session.ts";
import { WorkQueue } from "../store/workqueue.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { clusterOf, online } from "./start.ts";
import { debounced, rarely } from "./debounce.ts";
import type { Engine, EngineEvent, EngineInfo } from "./engine.ts";
import { execute } from "./execute.ts";
import { NodeFiles } from "./files/index.ts";
import { nodeKey } from "./files/node-key.ts";
import type { Mounts } from "./files/run-dir.ts";
import { ImageGc, type ImageGcOptions } from "./images/gc.ts";
import { Images } from "./images/images.ts";
import { Ledger, readLedger, writeLedger } from "./images/ledger.ts";
import { diskOf, localAddresses, localHostname, nodeInfo } from "./node-info.ts";
import { type DesiredEntry, Pods } from "./pods.ts";
import type { HostView } from "./preflight/host.ts";
import { Resources } from "./resources.ts";
import { Runtime } from "./runtime.ts";
import { streamHandler } from "./streams/handler.ts";
import { StatusWriter } from "./status-writer.ts";
import { serveTunnel, type TunnelAccess } from "./tunnel/index.ts";
import { World } from "./world.ts";
import { LABELS } from "../schemas/constants.ts";

export interface AgentParts {
  kv: Kv;
  env: Env;
  log: Logger;
  engine: Engine;
  node: string;
  dataDir: string;
  labels: Record<string, string>;
  version: string;
  clusterId?: string | undefined;
  sessionTtlSeconds: number;
  pid: number;
  tunnel?: TunnelAccess | undefined;
  /** Configs and secrets are opened below it, in a directory of this agent's own. */
  runDir: string;
  mounts?: Mounts | undefined;
  /** undefined: images stay. */
  imageGc?: ImageGcOptions | undefined;
  /** Default: nothing is known of the machine. */
  host?: HostView;
}

/** Pods worked on at the same time. Most of them wait for the engine, whose own queue is bounded. */
const WORKERS = 256;
const SWEEP_EVERY_MS = 60_000;
const COLLECT_EVERY_MS = 60_000;
/** Reading them costs milliseconds on a host with many containers, and they hardly ever change. */
const ADDRESSES_EVERY_MS = 60_000;

/** Runs until the signal is aborted. */
export const runAgent = async (o: AgentParts, signal: AbortSignal): Promise<void> => {
  const { kv, env, log, engine, node } = o;
  let checkpoint = await readCheckpoint(o.dataDir, node, log);
  const clusterId = o.clusterId ?? (await clusterOf(o, checkpoint, signal));
  if (clusterId === undefined) return;
  if (checkpoint && checkpoint.clusterId !== clusterId) {
    log.warn({ checkpoint: checkpoint.clusterId, clusterId }, "checkpoint is of another cluster, going on without");
    checkpoint = undefined;
  }

  const pair = await nodeKey(o.dataDir, log);
  const world = new World(clusterId);
  const keepLedger = debounced(
    env,
    1_000,
    () => writeLedger(o.dataDir, ledger.state),
    (error) => log.error({ err: error, dataDir: o.dataDir }, "what was pulled cannot be written down"),
  );
  const ledger = new Ledger(await readLedger(o.dataDir, log), () => keepLedger());
  const resources = new Resources(
    engine,
    clusterId,
    new Images({
      engine,
      env,
      ledger,
      openPullSecrets: async (namespace, secrets) => secrets.map((s) => files.contents.pullSecret(namespace, s).toString()),
    }),
  );
  const queue = new WorkQueue({ env, log, name: "pods" });
  const writer = new StatusWriter({ kv, env, log });
  const informer = new Informer<DesiredEntry>({ kv, env, log, prefix: desiredPrefix(node), decode: decodeDesired });
  let everSynced = false;
  let nonce = checkpoint?.nonce ?? "";
  let info: NodeInfo | undefined;
  let engineInfo: EngineInfo | undefined;
  let sweptAt = -Infinity;
  let collectedAt = -Infinity;

  const desired = (key: string): DesiredEntry | undefined => (everSynced ? informer.get(keyOfPod(node, key)) : checkpoint?.desired[key]);
  function* allDesired(): IterableIterator<[string, DesiredEntry]> {
    if (!everSynced) yield* Object.entries(checkpoint?.desired ?? {});
    else for (const [key, entry] of informer.entries()) yield [podOfKey(key), entry];
  }
  const lookAgain = (keys: Iterable<string>): void => {
    for (const key of keys) {
      pods.stale(key);
      queue.add(key);
    }
  };
  const enqueueAll = (): void => {
    for (const [key] of allDesired()) queue.add(key);
    for (const key of world.podKeys()) queue.add(key);
    for (const [key] of pods.allObserved()) queue.add(key);
  };

  const files: NodeFiles = new NodeFiles({
    kv,
    env,
    log,
    node,
    key: pair,
    runDir: join(o.runDir, `${clusterId}-${node}`),
    mounts: o.mounts,
    kept: checkpoint?.sealed ?? {},
    allDesired,
    containers: () => world.podUids(),
    mayRemove: () => informer.synced && runtime.settled && informer.undecodable.size === 0,
    changed: () => save(),
    wake: (pod, reasons) => pods.wake(pod, reasons),
  });

  const pods: Pods = new Pods({
    engine,
    env,
    log,
    world,
    resources,
    files: files.pods,
    ...(o.host ? { host: o.host } : {}),
    desired,
    allDesired,
    // What cannot be read is not the same as what is not there.
    mayRemove: (key) => informer.synced && runtime.settled && !informer.undecodable.has(keyOfPod(node, key)),
    available: () => runtime.state.available,
    suspect: () => runtime.suspect(),
    write: (key, observed) => {
      const [namespace = "", pod = ""] = key.split("/");
      writer.put(observedKey(node, namespace, pod), observed ?? null);
      save();
    },
    enqueue: (key) => queue.add(key),
    flush: () => save.flush(),
    ...(o.imageGc ? { keepImages: o.imageGc.keepRevisions } : {}),
  });

  const runtime: Runtime = new Runtime({
    engine,
    env,
    log,
    world,
    onEvent: (event, pod) => {
      resources.forget(event);
      if (event.type === "network" && event.action === "destroy") lookAgain(usersOf(event, allDesired()));
      // A container that is gone needs no further look; of others, only what came after the last look.
      if (pod !== undefined && (pods.hint(pod, event) || event.action === "destroy")) queue.add(pod);
      pods.kick(event);
      if (event.type === "container" && pod === undefined && /^(start|die|destroy|rename)$/.test(event.action))
        pods.foreign(event.attributes["name"] ?? "");
      if (event.type === "container" && (event.action === "create" || event.action === "destroy")) describe();
      if (event.type === "container" && event.action === "destroy") files.tidy();
    },
    onListed: (changed, which) => {
      if (which === "first") {
        resources.forgetAll();
        pods.fresh();
      }
      // Also pods without a container: their deletion waits for the moment in which that is certain.
      if (which !== "another") enqueueAll();
      lookAgain(changed);
      lookAgain(pods.due());
      describe();
      files.tidy();
      void sweep();
      void collectImages();
    },
    onState: () => {
      engineInfo = undefined;
      describe();
    },
  });

  const save = debounced(
    env,
    500,
    async () => {
      const entries = Object.fromEntries(allDesired());
      const observed = Object.fromEntries(pods.allObserved());
      const revision = everSynced ? informer.revision : (checkpoint?.revision ?? 0);
      await writeCheckpoint(o.dataDir, {
        version: 1,
        clusterId,
        node,
        revision,
        nonce,
        desired: entries,
        observed,
        sealed: files.deliveries(),
      });
    },
    (error) => log.error({ err: error, dataDir: o.dataDir }, "checkpoint cannot be written"),
  );

  const addresses = rarely(env, ADDRESSES_EVERY_MS, localAddresses);
  const describe = debounced(
    env,
    250,
    async () => {
      if (runtime.state.available) engineInfo ??= await engine.info();
      const disk = await diskOf(engineInfo?.rootDir || o.dataDir).catch(() => diskOf(o.dataDir));
      const next = nodeInfo(
        {
          hostname: localHostname(),
          addresses: addresses(),
          engine: engineInfo,
          disk,
          labels: o.labels,
          containers: world.counts(),
          runtime: runtime.state,
          agentVersion: o.version,
          publicKey: pair.publicKey,
          now: env.now(),
        },
        info,
      );
      if (isDeepStrictEqual(next, info)) return;
      info = next;
      writer.put(infoKey(node), next);
    },
    (error) => log.warn({ err: error }, "node info is incomplete"),
  );

  const gc =
    o.imageGc &&
    new ImageGc(
      {
        engine,
        env,
        log,
        ledger,
        *desired() {
          for (const [, { pod }] of allDesired()) yield pod;
        },
        usedPercent: async () => {
          const { totalBytes, freeBytes } = await diskOf(engineInfo?.rootDir || o.dataDir);
          return totalBytes === 0 ? 0 : 100 - (100 * freeBytes) / totalBytes;
        },
      },
      o.imageGc,
    );
  /** Nothing is taken away before it is known for sure what is needed. */
  const collectImages = async (): Promise<void> => {
    if (!gc || !o.imageGc || !informer.synced || !runtime.settled || informer.undecodable.size > 0) return;
    if (env.monotonic() - collectedAt < Math.min(COLLECT_EVERY_MS, o.imageGc.minAgeMs)) return;
    collectedAt = env.monotonic();
    await gc.run().catch((error: unknown) => log.warn({ err: error }, "images could not be collected"));
  };
  /** Networks of ours that a crash left behind with no user. */
  const sweep = async (): Promise<void> => {
    if (!informer.synced || !runtime.settled || informer.undecodable.size > 0 || env.monotonic() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = env.monotonic();
    try {
      const found = await engine.listNetworks(`${LABELS.cluster}=${clusterId}`);
      const actions = found.map(({ Name }) => ({ type: "releaseNetwork", name: Name }) as const);
      const unused = { env, networkWanted: (name: string) => pods.networkWanted(name), desired: undefined, progress: () => {} };
      await execute(actions, { engine, world, resources, ...unused });
    } catch (error) {
      log.warn({ err: error }, "networks could not be swept");
    }
  };

  /** Reports of an earlier run or session, and what differs from them. */
  const compareReports = async (): Promise<void> => {
    const stored = new Map<string, Item>();
    for (let after: string | undefined; ; ) {
      const page = await kv.range(observedPrefix(node), { limit: 500, signal, ...(after === undefined ? {} : { after }) });
      for (const item of page.items) stored.set(podOfKey(item.key), item);
      after = page.items.at(-1)?.key;
      if (!page.more) break;
    }
    for (const [key, item] of stored) {
      writer.exists(item.key);
      pods.recall(key, JSON.parse(item.value) as ObservedPod);
      queue.add(key);
    }
    for (const [key, observed] of pods.allObserved()) {
      const [namespace = "", pod = ""] = key.split("/");
      if (!isDeepStrictEqual(JSON.parse(stored.get(key)?.value ?? "null"), observed))
        writer.put(observedKey(node, namespace, pod), observed);
    }
    const own = (await kv.get(infoKey(node), { signal })).item;
    if (own) writer.exists(own.key);
    if (info && JSON.stringify(info) !== own?.value) writer.put(infoKey(node), info);
  };

  // Nothing waits for it: without a tunnel the node heals as before.
  const handler = streamHandler({ engine, world, env, log, signal });
  const tunnel = o.tunnel && serveTunnel({ ...o.tunnel, env, log, node, version: o.version, handler });

  const sessions = async (): Promise<void> => {
    while (!signal.aborted) {
      const previousNonce = nonce;
      nonce = env.uid();
      const value: NodeSession = { nonce, hostname: localHostname(), pid: o.pid, startedAt: new Date(env.now()).toISOString() };
      try {
        // On disk first: a crash right after the commit must not cost the next run a lease's time. Both are the same agent's.
        save();
        await save.flush();
        const session = await openSession(kv, {
          env,
          log,
          key: sessionKey(node),
          value,
          ttlSeconds: o.sessionTtlSeconds,
          previousNonce: previousNonce === "" ? undefined : previousNonce,
          signal,
        });
        log.info({ node }, "session opened");
        tunnel?.session(value.nonce);
        const until = AbortSignal.any([signal, session.lost]);
        try {
          await compareReports();
          await writer.run(session.guard, until);
        } finally {
          if (signal.aborted) await session.close().catch((error) => log.warn({ err: error }, "session could not be closed"));
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof FencedError)) log.warn({ err: error }, "session failed");
        await env.sleep(200, signal).catch(() => {});
      }
    }
  };

  for (const [key, observed] of Object.entries(checkpoint?.observed ?? {})) pods.recall(key, observed);
  informer.subscribe(({ key }) => {
    if (!everSynced) return;
    queue.add(podOfKey(key));
    files.tidy();
    save();
  });
  informer.onState(({ synced, reason }) => {
    if (!synced) return log.info({ reason }, "desired state is not live; going on with what is known");
    everSynced = true;
    enqueueAll();
    save();
  });
  informer.start(signal);
  files.start(signal);
  await online(informer, env, signal);
  if (!everSynced && checkpoint)
    log.warn({ pods: Object.keys(checkpoint.desired).length }, "etcd does not answer; going by the checkpoint");

  const work = queue.run({ workers: WORKERS, signal, reconcile: (key, s) => pods.reconcile(key, s) });
  try {
    await Promise.all([work, runtime.run(signal), sessions(), informer.stopped, files.stopped]);
  } finally {
    await tunnel?.close();
  }
  await save.flush();
  await keepLedger.flush();
  describe.cancel();
  files.tidy.cancel();
};

const decodeDesired = (item: Item): DesiredEntry => {
  const pod = JSON.parse(item.value) as DesiredPod;
  if (!pod.uid || !pod.name || !pod.namespace || !pod.container?.image) throw new TypeError(`${item.key} is no desired pod`);
  return { pod, revision: item.mod };
};

/** `<namespace>/<pod>` of a key below desired or observed. */
const podOfKey = (key: string): string => {
  const parsed = parseNodeKey(key);
  if (!parsed || !("pod" in parsed)) throw new TypeError(`${key} is no pod's key`);
  return `${parsed.namespace}/${parsed.pod}`;
};
const keyOfPod = (node: string, key: string): string => {
  const [namespace = "", pod = ""] = key.split("/");
  return desiredKey(node, namespace, pod);
};

const usersOf = (event: EngineEvent, all: Iterable<[string, DesiredEntry]>): string[] =>
  [...all].filter(([, { pod }]) => pod.container.networks.some((n) => n.name === event.attributes["name"])).map(([key]) => key);
