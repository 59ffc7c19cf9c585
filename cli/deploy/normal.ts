// A Stack's body as the controller sees it.
import { type ComposeStack, normalize } from "../../schemas/compose/normalize.ts";
import type { NormalStack } from "../../schemas/compose/normal.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { formatProblem } from "../../schemas/problems.ts";
import { CliError, EXIT } from "../errors.ts";

/** @throws CliError: the server accepted what this program cannot read (a newer server) */
export const normalBody = (stack: KubeObject & { spec?: unknown }, what: string): NormalStack => {
  const result = normalize(stack as unknown as ComposeStack);
  if (result.normal) return result.normal;
  throw new CliError(EXIT.failed, `cannot read ${what}: ${result.problems.map(formatProblem).join("; ")}`, {
    help: "is the server newer than this program?",
  });
};
