// Node objects for nodes that report, and Events when one comes or goes.
import type { Logger } from "pino";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Node } from "../../schemas/types.ts";
import type { Env } from "../../store/env.ts";
import { AlreadyExistsError } from "../../store/errors.ts";
import type { Kv } from "../../store/kv.ts";
import { ObjectStore } from "../../store/objects.ts";
import { WorkQueue } from "../../store/workqueue.ts";
import type { Recorder } from "../events/recorder.ts";
import type { Leadership } from "../leadership.ts";
import { millisOf } from "../times.ts";
import type { World } from "../world.ts";
import { nodeEvents, planNode } from "./plan.ts";

export class NodeLoop {
  private readonly queue: WorkQueue;
  private readonly objects: ObjectStore;

  constructor(private readonly o: { kv: Kv; env: Env; log: Logger; world: World; recorder: Pick<Recorder, "record"> }) {
    this.queue = new WorkQueue({ env: o.env, log: o.log, name: "nodes" });
    this.objects = new ObjectStore(o.kv, o.env);
    o.world.listen({
      nodeTouched: (node) => this.queue.add(node),
      nodeChanged: (node, before, after) => {
        const uid = o.world.node(node)?.object?.metadata.uid;
        if (uid !== undefined) o.recorder.record(...nodeEvents(node, uid, before, after, millisOf(o.env.now())));
      },
    });
  }

  async run({ guard, signal }: Leadership): Promise<void> {
    for (const name of this.o.world.nodeNames()) this.queue.add(name);
    await this.queue.run({
      workers: 1,
      signal,
      reconcile: async (name) => {
        const node = this.o.world.node(name);
        if (!node) return;
        const facts = { name, hasObject: !!node.object, hasInfo: !!node.info, hasSession: !!node.session, pods: node.desired.size };
        const { create } = planNode(facts);
        if (!create) return;
        try {
          await this.objects.create<Node>(RESOURCES.nodes, create, { guard });
          this.o.log.info({ node: name }, "node registered");
        } catch (err) {
          if (!(err instanceof AlreadyExistsError)) throw err;
        }
      },
    });
  }
}
