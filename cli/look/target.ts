// What `logs` and `exec` are pointed at: a Stack, a service, a replica or a pod, and the pods that it means.
import { LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { nearest } from "../../schemas/words.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import type { Selection } from "../kube/client.ts";
import type { Connection } from "../kube/connect.ts";
import { byName, replicaOf } from "../rollout/replica.ts";
import type { PodObject, StackObject } from "../rollout/types.ts";

export interface Target {
  /** For messages: `shop/web`, `pod shop-web-0-x7k2p`; empty for the whole namespace. */
  words: string;
  /** What to ask the API for; `has` decides. */
  selection: Selection;
  has: (pod: PodObject) => boolean;
  /** The Stack, if it is one, or a part of one. */
  stack?: string;
  /** One pod, by its name: when it is gone there will be no other. */
  pod?: string;
}

const POD = /^(?:pod|pods|po)\/(.+)$/;
const STACK = /^(?:stack|stacks|stk)\/([^/]+)$/;

/**
 * @param text as typed; absent means all pods of the namespace
 * @throws CliError exit 2 (not a target), 5 (there is none, with what was perhaps meant)
 */
export const targetOf = async (c: Connection, text: string | undefined, signal: AbortSignal): Promise<Target> => {
  const { namespace } = c;
  if (text === undefined) return { words: "", selection: { namespace }, has: () => true };
  const named = POD.exec(text)?.[1];
  const [first = "", second, ...more] = named === undefined ? (STACK.exec(text)?.[1] ?? text).split("/") : [named];
  if (first === "" || second === "" || more.length > 0 || first.includes("/"))
    throw usage(`${JSON.stringify(text)}: expected STACK, STACK/SERVICE, STACK/REPLICA or a pod's name`);
  const stack = named === undefined ? await c.client.find<StackObject>(RESOURCES.stacks, namespace, first, signal) : undefined;
  if (stack) return second === undefined ? ofStack(namespace, first) : partOf(c, stack, second, signal);
  if (second !== undefined) throw await noStack(c, first, signal);
  if (await c.client.find<PodObject>(RESOURCES.pods, namespace, first, signal))
    return {
      words: `pod ${first}`,
      selection: { namespace, fieldSelector: `metadata.name=${first}` },
      has: (pod) => pod.metadata.name === first,
      pod: first,
    };
  throw named === undefined ? await noStack(c, first, signal) : await noPod(c, first, signal);
};

const ofStack = (namespace: string, stack: string): Target => ({
  words: stack,
  selection: { namespace, labelSelector: `${LABELS.stack}=${stack}` },
  has: () => true,
  stack,
});

const partOf = async (c: Connection, stack: StackObject, part: string, signal: AbortSignal): Promise<Target> => {
  const { name } = stack.metadata;
  const whole = ofStack(c.namespace, name);
  const services = [...new Set([...Object.keys(stack.spec?.["services"] ?? {}), ...Object.keys(stack.status?.services ?? {})])];
  const words = `${name}/${part}`;
  if (services.includes(part)) {
    const labelSelector = `${whole.selection.labelSelector},${LABELS.service}=${part}`;
    return { ...whole, words, selection: { ...whole.selection, labelSelector } };
  }
  const pods = await podsOf(c, whole, signal);
  if (pods.some((pod) => replicaOf(pod).name === part)) return { ...whole, words, has: (pod) => replicaOf(pod).name === part };
  if (pods.some((pod) => pod.metadata.name === part)) return targetOf(c, `pod/${part}`, signal);
  const near = nearest(part, [...services, ...pods.map((pod) => replicaOf(pod).name)]);
  throw new CliError(
    EXIT.failed,
    `no service or replica ${JSON.stringify(part)} in stack ${name}${near ? `. Did you mean: ${name}/${near}?` : ""}`,
    { help: near || services.length === 0 ? [] : `services: ${services.join(", ")}` },
  );
};

/** The target's pods as they are now, by service and number. */
export const podsOf = async (c: Connection, target: Target, signal: AbortSignal): Promise<PodObject[]> =>
  (await c.client.list<PodObject>(RESOURCES.pods, target.selection, signal)).items.filter(target.has).toSorted(inOrder);

export const inOrder = (a: PodObject, b: PodObject): number =>
  (a.metadata.labels?.[LABELS.stack] ?? "").localeCompare(b.metadata.labels?.[LABELS.stack] ?? "") || byName(replicaOf(a), replicaOf(b));

const noStack = async (c: Connection, name: string, signal: AbortSignal): Promise<CliError> => {
  const all = (await c.client.list<StackObject>(RESOURCES.stacks, {}, signal)).items.map((s) => s.metadata);
  const pods = (await c.client.list<PodObject>(RESOURCES.pods, { namespace: c.namespace }, signal)).items;
  const here = all.filter((s) => s.namespace === c.namespace).map((s) => s.name);
  const near = nearest(name, [...here, ...pods.map((p) => p.metadata.name)]);
  const elsewhere = all.filter((s) => s.name === name && s.namespace !== c.namespace).map((s) => s.namespace);
  const hint = near ? `. Did you mean: ${near}?` : elsewhere.length > 0 ? `; there is one in ${elsewhere.join(", ")}` : "";
  return new CliError(EXIT.failed, `no stack or pod ${JSON.stringify(name)} in namespace ${c.namespace}${hint}`);
};

const noPod = async (c: Connection, name: string, signal: AbortSignal): Promise<CliError> => {
  const pods = (await c.client.list<PodObject>(RESOURCES.pods, { namespace: c.namespace }, signal)).items;
  const near = nearest(
    name,
    pods.map((p) => p.metadata.name),
  );
  return new CliError(
    EXIT.failed,
    `no pod ${JSON.stringify(name)} in namespace ${c.namespace}${near ? `. Did you mean: pod/${near}?` : ""}`,
  );
};
