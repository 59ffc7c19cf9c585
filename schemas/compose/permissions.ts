// File permissions, as octal text or as a number.
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

/** Usual permissions in octal digits. As decimal numbers they would be permissions that nobody wants. */
const USUAL = /^(400|440|444|500|550|555|600|640|644|660|664|666|70[0-7]|71[0157]|75[0157]|77[0157]|1[67][0-7][0-7])$/;

/** Permission bits; text is octal, as in a shell. undefined: they are none, and that is reported. */
export const permissions = (mode: string | number, field: Field): number | undefined => {
  const value = typeof mode === "number" ? mode : /^(0o?)?[0-7]{3,4}$/.test(mode) ? Number.parseInt(mode.replace("o", ""), 8) : Number.NaN;
  if (!(value >= 0 && value <= 0o7777)) {
    field.problem("Invalid", `must be permissions such as "0440"; got ${show(mode)}`, variableHelp(String(mode)));
    return undefined;
  }
  // 0755 is 493 to YAML 1.1 and 755 to YAML 1.2: a number that reads like the octal text was hardly meant.
  if (typeof mode === "number" && USUAL.test(String(mode))) {
    field.warn(`the number ${mode} means the permissions ${mode.toString(8)}; quote it ("${mode}") to mean ${mode}`);
  }
  return value;
};
