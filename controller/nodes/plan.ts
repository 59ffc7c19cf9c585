// What a node needs from the controller. Pure.
import type { Node } from "../../schemas/types.ts";
import type { Happening } from "../events/plan.ts";
import type { NodeView } from "../model.ts";

export interface NodeFacts {
  name: string;
  hasObject: boolean;
  hasInfo: boolean;
  hasSession: boolean;
  /** Desired pods that are still written for it. */
  pods: number;
}

/**
 * A node that reports for the first time gets its Node object. One whose object a person deleted gets it back only after its desired pods
 * are gone (the stack loop forgets them), and only while its agent is connected: a dead node stays deleted.
 */
export const planNode = (n: NodeFacts): { create?: { metadata: { name: string } } & Pick<Node, "apiVersion" | "kind" | "spec"> } =>
  !n.hasObject && n.hasInfo && n.hasSession && n.pods === 0
    ? { create: { apiVersion: "v1", kind: "Node", metadata: { name: n.name }, spec: {} } }
    : {};

/** @param uid of the Node object */
export const nodeEvents = (
  name: string,
  uid: string,
  before: NodeView | undefined,
  after: NodeView | undefined,
  at: string,
): Happening[] => {
  const subject = { apiVersion: "v1", kind: "Node", name, uid };
  if (!after) return [];
  if (!before) return [{ subject, type: "Normal", reason: "Registered", message: `node ${name} has joined`, at }];
  if (before.ready === after.ready) return [];
  return after.ready
    ? [{ subject, type: "Normal", reason: "NodeReady", message: `node ${name} is ready`, at }]
    : [
        {
          subject,
          type: "Warning",
          reason: "NodeNotReady",
          message: `node ${name} is ${after.notReady ?? "not ready"}; its pods stay as they are`,
          at,
        },
      ];
};
