// The controller: informers that are always warm, and loops that run only while this process leads.
import { setMaxListeners } from "node:events";
import type { Logger } from "pino";
import { COLLECTED, type Resource, RESOURCES } from "../schemas/resources.ts";
import type { PodDeletion } from "../schemas/fleet.ts";
import type { Namespace, Node, Stack } from "../schemas/types.ts";
import type { AtRest } from "../store/at-rest/index.ts";
import { Elector } from "../store/election.ts";
import type { Env } from "../store/env.ts";
import { Informer } from "../store/informer.ts";
import { leaderKey, nodesPrefix, objectPrefix, podDeletionsPrefix } from "../store/keys.ts";
import type { Item, Kv } from "../store/kv.ts";
import { decodeObject } from "../store/objects.ts";
import { newNotes } from "./events/notes.ts";
import { Recorder } from "./events/recorder.ts";
import { decodeContent } from "./files/compile.ts";
import { decodeAccount } from "./images/pull-secrets.ts";
import { GarbageLoop } from "./garbage/collect.ts";
import { decodeOwned, ownedOf } from "./garbage/owners.ts";
import { RequestLoop, type RequestRecord } from "./garbage/requests.ts";
import { catchUp, type Leadership } from "./leadership.ts";
import { NamespaceLoop } from "./namespaces/reconcile.ts";
import { decodeRevision, type RevisionView } from "./revisions/history.ts";
import { NodeLoop } from "./nodes/reconcile.ts";
import { compileStack } from "./stacks/compile.ts";
import type { Compiled } from "./stacks/plan.ts";
import { StackLoop } from "./stacks/reconcile.ts";
import { decodeNodeRecord, type NodeRecord, World } from "./world.ts";

export interface ControllerOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  /** How Secrets lie in etcd; `kv` shows them in the clear. Absent: services with configs or secrets wait. */
  atRest?: Pick<AtRest, "hash" | "rotate" | "problem">;
  /** Of this process, for people: shown as the leader. */
  id: string;
  /** Failover takes about so long. Default 10. */
  leaderTtlSeconds?: number;
  /** How a Stack becomes what a rollout needs. Default: its Compose body is normalised, then compiled. */
  compile?: (stack: Stack) => Compiled;
  /** For metrics: each commit of the stack loop, with how many keys it changed. */
  onCommit?: (changes: number) => void;
}

export interface Controller {
  /** Writes the Events that are waiting (for a second at most), gives leadership up, and resolves when nothing of it runs any more. Containers go on as they are. */
  close(): Promise<void>;
  isLeader(): boolean;
}

/** For the Events that are still waiting when the process ends, in milliseconds. */
const LAST_WORDS_MS = 1_000;

export const startController = (o: ControllerOptions): Controller => {
  const { kv, env } = o;
  const log = o.log.child({ room: "controller" });
  const stop = new AbortController();
  // Every informer and loop listens to it: more than the ten that Node takes for a leak.
  setMaxListeners(0, stop.signal);
  const informer = <T>(prefix: string, decode: (item: Item) => T): Informer<T> =>
    new Informer({ kv, env, log: log.child({ informer: prefix }), prefix, decode });

  const stacks = informer<Stack>(objectPrefix(RESOURCES.stacks), decodeObject);
  const nodes = informer<Node>(objectPrefix(RESOURCES.nodes), decodeObject);
  const namespaces = informer<Namespace>(objectPrefix(RESOURCES.namespaces), decodeObject);
  const records = informer<NodeRecord>(nodesPrefix, decodeNodeRecord);
  const requests = informer<RequestRecord>(podDeletionsPrefix, (item) => ({ ...(JSON.parse(item.value) as PodDeletion), mod: item.mod }));

  const revisions = informer<RevisionView>(objectPrefix(RESOURCES.stackrevisions), decodeRevision);

  const configMaps = informer(objectPrefix(RESOURCES.configmaps), decodeContent("ConfigMap"));
  const secrets = informer(objectPrefix(RESOURCES.secrets), decodeContent("Secret"));
  const accounts = informer(objectPrefix(RESOURCES.serviceaccounts), decodeAccount);

  const world = new World(records, nodes);
  const recorder = new Recorder({ kv, env, log: log.child({ loop: "events" }) });
  const stackLoop = new StackLoop({
    kv,
    env,
    log: log.child({ loop: "stacks" }),
    stacks,
    requests,
    revisions,
    configMaps,
    secrets,
    accounts,
    atRest: o.atRest,
    world,
    recorder,
    compile: o.compile ?? compileStack,
    ...(o.onCommit ? { onCommit: o.onCommit } : {}),
  });
  const nodeLoop = new NodeLoop({ kv, env, log: log.child({ loop: "nodes" }), world, recorder });
  const namespaceLoop = new NamespaceLoop({ kv, env, log: log.child({ loop: "namespaces" }), namespaces, world });
  const requestLoop = new RequestLoop({ kv, env, log: log.child({ loop: "requests" }), requests, world });
  const garbageLoop = new GarbageLoop({ kv, env, log: log.child({ loop: "garbage" }), recorder });
  garbageLoop.follow(stacks, ownedOf);
  garbageLoop.follow(nodes, ownedOf);
  garbageLoop.follow(namespaces, ownedOf);
  garbageLoop.follow(configMaps, ({ owned }) => owned);
  garbageLoop.follow(secrets, ({ owned }) => owned);
  garbageLoop.follow(accounts, ({ owned }) => owned);
  // Of the other kinds nothing is kept but who they are and who owns them. No term waits for these to catch up, which would read all
  // their content: what is late is looked at when it comes, and what is acted on is read anew.
  const whole: readonly Resource[] = [
    RESOURCES.stacks,
    RESOURCES.nodes,
    RESOURCES.namespaces,
    RESOURCES.configmaps,
    RESOURCES.secrets,
    RESOURCES.serviceaccounts,
  ];
  const others = COLLECTED.filter((r) => !whole.includes(r)).map((r) => {
    const owned = informer(objectPrefix(r), decodeOwned);
    garbageLoop.follow(owned, (value) => value);
    return owned;
  });
  world.listen({ observed: (pod, before) => recorder.record(...newNotes(pod, before)) });

  const lead = async (leadership: Leadership): Promise<void> => {
    const cache = { kv, env };
    await Promise.all([
      catchUp(stacks, objectPrefix(RESOURCES.stacks), cache, leadership),
      catchUp(nodes, objectPrefix(RESOURCES.nodes), cache, leadership),
      catchUp(namespaces, objectPrefix(RESOURCES.namespaces), cache, leadership),
      catchUp(records, nodesPrefix, cache, leadership),
      catchUp(requests, podDeletionsPrefix, cache, leadership),
      // Templates are compared with their contents: what is late would bring an older one back.
      catchUp(configMaps, objectPrefix(RESOURCES.configmaps), cache, leadership),
      catchUp(secrets, objectPrefix(RESOURCES.secrets), cache, leadership),
      catchUp(accounts, objectPrefix(RESOURCES.serviceaccounts), cache, leadership),
      catchUp(revisions, objectPrefix(RESOURCES.stackrevisions), cache, leadership),
    ]);
    log.info({ stacks: stacks.size, nodes: nodes.size, term: leadership.guard.create }, "leading");
    const problem = o.atRest?.problem();
    if (problem !== undefined) log.error({ problem }, "leading without the encryption key: services with configs or secrets wait");
    const encrypting = o.atRest?.rotate(leadership).catch((err: unknown) => {
      if (!leadership.signal.aborted) log.error({ err }, "Secrets could not all be encrypted anew; the next leader tries again");
    });
    const running = Promise.all([
      encrypting,
      recorder.run(leadership),
      stackLoop.run(leadership),
      nodeLoop.run(leadership),
      namespaceLoop.run(leadership),
      requestLoop.run(leadership),
      garbageLoop.run(leadership),
    ]);
    // What agents noted while nobody led. Notes that are in an Event already change nothing.
    for (const stack of world.stacks()) for (const pod of world.pods(stack)) recorder.record(...newNotes(pod, undefined));
    await running;
  };

  const elector = new Elector({
    kv,
    env,
    log: log.child({ loop: "election" }),
    key: leaderKey,
    id: o.id,
    ttlSeconds: o.leaderTtlSeconds ?? 10,
    // Without the key every service with configs or secrets waits.
    stopgap: () => o.atRest?.problem() !== undefined,
    lead,
  });
  const informers = [stacks, nodes, namespaces, records, requests, revisions, configMaps, secrets, accounts, ...others];
  for (const i of informers) i.start(stop.signal);
  const campaign = elector.run(stop.signal);

  return {
    isLeader: () => elector.leading,
    async close() {
      if (elector.leading) await recorder.drain(LAST_WORDS_MS);
      stop.abort(new Error("the controller is stopping"));
      await campaign;
      await Promise.all(informers.map((i) => i.stopped));
      recorder.close();
    },
  };
};
