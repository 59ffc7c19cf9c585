// The command table. Help, the reference and the tests are made from it.
import type { CommandSpec } from "../command.ts";
import { apply } from "./apply.ts";
import { convert } from "./convert.ts";
import { deleteCommand } from "./delete.ts";
import { diff } from "./diff.ts";
import { dev } from "./dev.ts";
import { exec } from "./exec.ts";
import { get } from "./get.ts";
import { importCommand } from "./import.ts";
import { logs } from "./logs.ts";
import { nodeLs } from "./node-ls.ts";
import { plan } from "./plan.ts";
import { agent, server } from "./processes.ts";
import { ps } from "./ps.ts";
import { status } from "./status.ts";
import { tokenCreate, tokenLs, tokenRevoke } from "./token.ts";
import { up } from "./up.ts";
import { version } from "./version.ts";

export const COMMANDS: readonly CommandSpec[] = [
  dev,
  up,
  apply,
  plan,
  diff,
  convert,
  importCommand,
  deleteCommand,
  get,
  status,
  ps,
  logs,
  exec,
  nodeLs,
  server,
  agent,
  tokenCreate,
  tokenLs,
  tokenRevoke,
  version,
];
