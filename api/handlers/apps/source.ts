// Which service a Deployment shows. Names of Stacks and of services may both hold "-", so that `a-b-c` may be two things.
import { deploymentName } from "../../../schemas/names.ts";
import { RESOURCES } from "../../../schemas/resources.ts";
import type { Stack } from "../../../schemas/types.ts";
import { NotFoundError } from "../../../store/errors.ts";
import type { ObjectStore } from "../../../store/objects.ts";
import type { Problem } from "../../kind.ts";

export interface Shown {
  stack: string;
  service: string;
}
type Reader = Pick<ObjectStore, "get">;

const servicesOf = (stack: Stack): string[] => Object.keys(stack.spec.services ?? {});

/** Names of the Stacks whose Deployments may have this name. */
const candidates = (name: string): string[] => [...name.matchAll(/-/g)].map(({ index }) => name.slice(0, index)).filter((s) => s !== "");

const find = (store: Reader, namespace: string | undefined, name: string): Promise<Stack | undefined> =>
  store.get<Stack>(RESOURCES.stacks, namespace, name).catch((e: unknown) => {
    if (e instanceof NotFoundError) return undefined;
    throw e;
  });

/** Every service that is shown under this name: one, or none; more only if two Stacks were written at the same moment. */
export async function shownAs(store: Reader, namespace: string | undefined, name: string): Promise<Shown[]> {
  const found: Shown[] = [];
  for (const candidate of candidates(name)) {
    const stack = await find(store, namespace, candidate);
    for (const service of stack ? servicesOf(stack) : [])
      if (deploymentName(candidate, service) === name) found.push({ stack: candidate, service });
  }
  return found;
}

/** Of a Stack that is written: no two services may be shown as the same Deployment. Only new names are looked at. */
export async function nameProblems(store: Reader, stack: Stack, old?: Stack): Promise<Problem[]> {
  const { name: own, namespace } = stack.metadata;
  if (!own) return [];
  const had = new Set(old ? servicesOf(old) : []);
  const others = new Map<string, Stack | undefined>();
  const mine = new Map<string, string>();
  const problems: Problem[] = [];
  for (const service of servicesOf(stack).toSorted((a, b) => Number(had.has(b)) - Number(had.has(a)))) {
    const name = deploymentName(own, service);
    const twin = mine.get(name);
    mine.set(name, service);
    if (had.has(service)) continue;
    let whose = twin === undefined ? undefined : `the service ${twin}`;
    for (const candidate of whose === undefined ? candidates(name) : []) {
      if (candidate === own) continue;
      if (!others.has(candidate)) others.set(candidate, await find(store, namespace, candidate));
      const other = others.get(candidate);
      const same = other && servicesOf(other).find((s) => deploymentName(candidate, s) === name);
      if (same !== undefined) whose = `the service ${same} of the Stack ${candidate}`;
    }
    if (whose !== undefined)
      problems.push({
        field: `spec.services.${service}`,
        message: `it would be shown as the Deployment ${name}, as ${whose} is: give one of them another name`,
        reason: "FieldValueDuplicate",
      });
  }
  return problems;
}
