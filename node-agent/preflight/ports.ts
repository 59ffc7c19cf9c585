// Which host ports a container could not get. Pure.
import type { PortSpec } from "../../schemas/fleet.ts";
import type { ContainerSummary } from "../engine.ts";
import type { BoundPort } from "./host.ts";

interface Taken {
  port: number;
  protocol: string;
  address: string;
}

/** Two listeners of one port meet unless each has an address of its own. Docker binds "" to all addresses. */
const meets = (a: string | undefined, b: string | undefined): boolean => everywhere(a) || everywhere(b) || a === b;
const everywhere = (address: string | undefined): boolean =>
  address === undefined || address === "" || address === "0.0.0.0" || address === "::";

/**
 * In words, one for each port that is taken. `mine`: ids of containers that will have let go by then. Of containers those that run
 * count: the others have no ports open.
 */
export const takenPorts = (
  wanted: readonly PortSpec[],
  containers: readonly ContainerSummary[],
  bound: readonly BoundPort[] | undefined,
  mine: ReadonlySet<string>,
): string[] => {
  const found: string[] = [];
  for (const { published, protocol, hostIp } of wanted) {
    if (published === undefined) continue;
    const clashes = (t: Taken): boolean => t.port === published && t.protocol === protocol && meets(t.address, hostIp);
    const holders = containers.filter((c) => (c.ports ?? []).some((p) => clashes({ ...p, port: p.published, address: p.hostIp })));
    const other = holders.find((c) => !mine.has(c.id));
    const what = `host port ${published}/${protocol}`;
    if (other) found.push(`${what} is used by container ${other.name || other.id.slice(0, 12)}`);
    // What the engine's own proxies hold for a container of ours goes with it.
    else if (holders.length === 0 && bound?.some(clashes)) found.push(`${what} is used by another process on the machine`);
  }
  return found;
};
