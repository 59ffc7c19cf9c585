// Namespaces of the fake engine's containers: whose they are, and what happens to those who joined them.
import { type ContainerInspect, EngineError } from "../engine.ts";
import { joinedOf } from "../shares/joined.ts";

type Find = (id: string) => ContainerInspect | undefined;

/** Ids of the network and process namespace that a container that starts now would get. @throws EngineError as the engine refuses the start */
export const namespacesOf = (i: ContainerInspect, startedAt: string, find: Find): { network: string; pid: string } => {
  const joined = joinedOf(i);
  const own = `${i.Id}@${startedAt}`;
  const of = (id: string | undefined, what: string): string => {
    if (id === undefined) return own;
    const target = find(id);
    if (!target) throw new EngineError("notFound", `No such container: ${id}`, "start", { status: 404 });
    if (target.State.Status !== "running" && target.State.Status !== "paused")
      throw new EngineError("conflict", `cannot join ${what} of a non running container: ${id}`, "start", { status: 409 });
    return spaces.get(target)?.[what === "PID" ? "pid" : "network"] ?? "";
  };
  return { network: of(joined.network, "network"), pid: of(joined.pid, "PID") };
};

const spaces = new WeakMap<ContainerInspect, { network: string; pid: string }>();
export const enterNamespaces = (i: ContainerInspect, s: { network: string; pid: string }): void => void spaces.set(i, s);
/** Undefined: it never ran. What is shown of one that does not run is where it was last. */
export const networkNamespace = (i: ContainerInspect): string | undefined => spaces.get(i)?.network;

/** Those whose processes live in the process namespace of this container, and therefore end with it. */
export const sharePid = (i: ContainerInspect, all: Iterable<ContainerInspect>): ContainerInspect[] =>
  [...all].filter((other) => other.State.Status === "running" && joinedOf(other).pid === i.Id);
