// Which registries' passwords go with a service's pods: those that the service or its Stack names, else those of the namespace's
// ServiceAccount `default`, as in Kubernetes. One that is missing holds up nobody.
import type { ServiceAccount } from "../../schemas/types.ts";
import type { Informer } from "../../store/informer.ts";
import { objectKey } from "../../store/keys.ts";
import type { Item } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { type ContentObject, type Objects, resolvePullSecrets } from "../files/compile.ts";
import { type Owned, ownedOf } from "../garbage/owners.ts";
import type { Compiled } from "../stacks/plan.ts";

export interface AccountView {
  owned: Owned;
  pullSecrets: readonly string[];
}

/** @throws as decodeObject */
export const decodeAccount = (item: Item): AccountView => {
  const account = decodeObject<ServiceAccount>(item);
  return { owned: ownedOf(account), pullSecrets: (account.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : [])) };
};

/** By service. `pullSecrets`: as DesiredPod has them; `lacks`: what could not be found, as a sentence. */
export interface Pulls {
  pullSecrets: ReadonlyMap<string, { name: string; hash: string }[]>;
  lacks: ReadonlyMap<string, string>;
}

/** Names of the Secrets by service; those that pull with none are left out. */
const namesOf = (wanted: Exclude<Compiled, { problems: readonly string[] }>, defaults: readonly string[]): Map<string, readonly string[]> =>
  new Map(
    wanted.normal.services.flatMap((s) => {
      const names = s.imagePullSecrets ?? defaults;
      return names.length > 0 && s.container.pullPolicy !== "never" ? [[s.name, names] as const] : [];
    }),
  );

/** The same with pull secrets found; `wanted` itself where no service names one. Pure. */
export const withPulls = (wanted: Compiled, namespace: string, objects: Objects, defaults: readonly string[]): Compiled => {
  if ("problems" in wanted) return wanted;
  const names = namesOf(wanted, defaults);
  if (names.size === 0) return wanted;
  const pullSecrets = new Map<string, { name: string; hash: string }[]>();
  const lacks = new Map<string, string>();
  const contents = new Map(wanted.contents);
  for (const [service, list] of names) {
    const found = resolvePullSecrets(list, namespace, objects);
    if (found.pullSecrets.length > 0) pullSecrets.set(service, found.pullSecrets);
    for (const [id, content] of found.contents) contents.set(id, content);
    if (found.missing.length > 0) lacks.set(service, `imagePullSecrets: ${found.missing.map((m) => m.message).join("; ")}`);
  }
  return { ...wanted, contents, pulls: { pullSecrets, lacks } };
};

export interface PullSecretsOptions {
  accounts: Informer<AccountView>;
  secrets: Informer<ContentObject>;
  objects(namespace: string): Objects;
}

const namespaceOf = (stack: string): string => stack.slice(0, stack.indexOf("/"));

export class PullSecrets {
  /** Stack (`<namespace>/<name>`) → names of the Secrets it pulls with. */
  private readonly uses = new Map<string, ReadonlySet<string>>();

  /** @param changed is told of each Stack that pulls with what has changed */
  constructor(
    private readonly o: PullSecretsOptions,
    changed: (stack: string) => void,
  ) {
    const follow = (key: string, concerns: (names: ReadonlySet<string>, name: string) => boolean): void => {
      const [namespace = "", name = ""] = key.split("/").slice(-2);
      for (const [stack, names] of this.uses) if (namespaceOf(stack) === namespace && concerns(names, name)) changed(stack);
    };
    o.secrets.subscribe(({ key }) => follow(key, (names, name) => names.has(name)));
    o.accounts.subscribe(({ key, old, new: now }) => {
      if (key.endsWith("/default") && old?.pullSecrets.join() !== now?.pullSecrets.join()) follow(key, () => true);
    });
  }

  /** What the Stack pulls with is remembered until `forget`. */
  resolve(stack: string, wanted: Compiled): Compiled {
    if ("problems" in wanted) return wanted;
    const namespace = namespaceOf(stack);
    const defaults = this.o.accounts.get(objectKey(RESOURCES.serviceaccounts, namespace, "default"))?.pullSecrets ?? [];
    this.uses.set(stack, new Set([...namesOf(wanted, defaults).values()].flat()));
    return withPulls(wanted, namespace, this.o.objects(namespace), defaults);
  }

  forget(stack: string): void {
    this.uses.delete(stack);
  }
}
