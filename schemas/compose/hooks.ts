// Commands that run inside the container, after its start and before its stop.
import type { HookSpec } from "../fleet.ts";
import type { ComposeHook } from "../types.ts";
import { normalizeCommand } from "./command.ts";
import type { Field } from "./context.ts";
import { normalizeEnvironment } from "./values.ts";

/** In the order written. */
export const normalizeHooks = (hooks: readonly ComposeHook[] | null | undefined, field: Field): HookSpec[] =>
  (hooks ?? []).map((hook, i) => {
    const at = field.at(i);
    const command = normalizeCommand(hook.command, at.at("command")) ?? [];
    if (command.length === 0) at.at("command").problem("Required", "must name a program");
    const env = normalizeEnvironment(hook.environment, at.at("environment"));
    const user = hook.user === undefined ? "" : String(hook.user);
    return {
      command,
      ...(user ? { user } : {}),
      ...(hook.privileged ? { privileged: true } : {}),
      ...(hook.working_dir ? { workingDir: hook.working_dir } : {}),
      ...(Object.keys(env).length > 0 ? { env } : {}),
    };
  });
