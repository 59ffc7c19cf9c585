// depends_on, as a list or with conditions.
import type { Dependency } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { show } from "../words.ts";
import type { Field, StackContext } from "./context.ts";

/** Sorted by service. One that is not required and not there is left out, with a warning. */
export const normalizeDependencies = (
  name: string,
  written: ComposeService["depends_on"],
  context: Pick<StackContext, "services">,
  field: Field,
): Dependency[] => {
  const entries: [Dependency, Field][] = Array.isArray(written)
    ? written.map((other, i) => [{ service: other, condition: "service_started" }, field.at(i)])
    : Object.entries(written ?? {}).map(([other, { condition, restart, required = true }]) => [
        { service: other, condition, ...(restart ? { restart } : {}), ...(required ? {} : { optional: true }) },
        field.at(other),
      ]);
  const found = new Map<string, Dependency>();
  for (const [dependency, at] of entries) {
    const other = dependency.service;
    if (other === name) at.problem("Invalid", "a service cannot depend on itself");
    else if (context.services.has(other)) found.set(other, dependency);
    else if (dependency.optional) at.warn(`there is no service ${show(other)}; as it is not required, nothing waits for it`);
    else at.problem("Invalid", `there is no service ${show(other)}${at.guess(other, context.services)}`);
  }
  return [...found.values()].toSorted((a, b) => (a.service < b.service ? -1 : 1));
};
