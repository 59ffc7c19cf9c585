import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { immutableData } from "./immutable.ts";
import { configMapTable } from "../table/core.ts";

type ConfigMap = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string>; immutable?: boolean };

export const configmaps: Kind<ConfigMap> = {
  ...PLAIN,
  resource: RESOURCES.configmaps,
  description: "Configuration for Stacks to use, as text or bytes by name.",
  schema: "configmap",
  verbs: ALL_VERBS,
  table: configMapTable,
  validate: (o, old) => immutableData(o, old, ["data", "binaryData"]),
};
