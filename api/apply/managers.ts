// Who owns what: `metadata.managedFields` as sets by manager, and back.
// Source: Kubernetes, "Server-Side Apply"; k8s.io/apimachinery util/managedfields/internal.
import type { ManagedFieldsEntry } from "../../schemas/meta.ts";
import { isObject } from "../json.ts";
import type { Problem } from "../kind.ts";
import { decodeFields } from "./decode-fields.ts";
import { encodeFields, type FieldSet, isEmpty, union } from "./field-set.ts";

/** Whose a set is. Programs that apply are told apart by name alone, those that write in other ways by the API version as well. */
export interface ManagerId {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource?: string;
}
export interface Manager extends ManagerId {
  set: FieldSet;
  /** RFC 3339 in whole seconds: the last time that it changed something. */
  time?: string;
}
/** By `keyOf`. */
export type Managers = ReadonlyMap<string, Manager>;

export const keyOf = (m: ManagerId): string =>
  JSON.stringify([m.operation, m.manager, m.operation === "Apply" ? "" : m.apiVersion, m.subresource ?? ""]);

/** Those that write without applying are forgotten one by one from here on: their fields go to ANCIENT. */
export const MAX_UPDATERS = 10;
export const ANCIENT = "ancient-changes";
/** Has what was there when the first manager applied to an object of unknown history. */
export const BEFORE_FIRST_APPLY = "before-first-apply";
/** Longest name of a manager, in bytes. */
export const MAX_MANAGER = 128;

/** The characters that a manager's name may have. */
export const printable = (char: string): boolean => /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char);

export const managerProblems = (manager: string, field: string): Problem[] => {
  const problems: Problem[] = [];
  if (Buffer.byteLength(manager) > MAX_MANAGER)
    problems.push({ field, message: `Too long: may not be more than ${MAX_MANAGER} bytes`, reason: "FieldValueInvalid" });
  const at = Array.from(manager).findIndex((c) => !printable(c));
  if (at >= 0)
    problems.push({
      field,
      message: `Invalid value: ${JSON.stringify(manager.slice(0, 140))}: invalid character at position ${at}`,
      reason: "FieldValueInvalid",
    });
  return problems;
};

/** Whether a request asks to forget all managers: an empty list, or a list of one empty entry. */
export const isReset = (value: unknown): boolean =>
  Array.isArray(value) && (value.length === 0 || (value.length === 1 && isObject(value[0]) && Object.keys(value[0]).length === 0));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** What a request says of the managers. Everything that is wrong goes to `problems`, which then must not be empty for it to count. */
export function decodeManagers(value: unknown, problems: Problem[]): Managers {
  const found = new Map<string, Manager>();
  const wrong = (field: string, message: string): void => void problems.push({ field: `metadata.managedFields${field}`, message });
  if (!Array.isArray(value)) {
    wrong("", "must be a list");
    return found;
  }
  for (const [i, entry] of (value as unknown[]).entries()) {
    const at = `[${i}]`;
    if (!isObject(entry)) {
      wrong(at, "must be a map");
      continue;
    }
    const { manager = "", operation, apiVersion, time, fieldsType, fieldsV1, subresource = "" } = entry;
    const before = problems.length;
    if (operation !== "Apply" && operation !== "Update") wrong(`${at}.operation`, "must be `Apply` or `Update`");
    if (typeof apiVersion !== "string" || apiVersion === "") wrong(`${at}.apiVersion`, "must not be empty");
    if (fieldsType !== "FieldsV1") wrong(`${at}.fieldsType`, "must be `FieldsV1`");
    if (typeof manager === "string") problems.push(...managerProblems(manager, `metadata.managedFields${at}.manager`));
    else wrong(`${at}.manager`, "must be a text");
    if (typeof subresource !== "string" || subresource.length > 256) wrong(`${at}.subresource`, "must be a text of at most 256 bytes");
    if (time !== undefined && time !== null && !(typeof time === "string" && TIME.test(time) && Number.isFinite(Date.parse(time))))
      wrong(`${at}.time`, "must be a time such as 2006-01-02T15:04:05Z");
    try {
      const set = decodeFields(fieldsV1 ?? {});
      if (problems.length > before) continue;
      const id = { manager, operation, apiVersion, ...(subresource === "" ? {} : { subresource }) } as ManagerId;
      const seen = typeof time === "string" ? { time: `${new Date(time).toISOString().slice(0, 19)}Z` } : {};
      if (!isEmpty(set)) found.set(keyOf(id), { ...id, set, ...seen });
    } catch (e) {
      if (!(e instanceof TypeError)) throw e;
      wrong(`${at}.fieldsV1`, e.message);
    }
  }
  return found;
}

/** What we stored ourselves. What cannot be read (it was written past the API) counts as unknown history. */
export const storedManagers = (entries: readonly ManagedFieldsEntry[] | undefined): Managers => {
  const problems: Problem[] = [];
  const managers = decodeManagers(entries ?? [], problems);
  return problems.length > 0 ? new Map() : managers;
};

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Those that apply first, then by time and name: equal managers are always written alike. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...capped(managers).values()]
    .toSorted(
      (a, b) =>
        compareText(a.operation, b.operation) ||
        compareText(a.time ?? "", b.time ?? "") ||
        compareText(a.manager, b.manager) ||
        compareText(a.apiVersion, b.apiVersion) ||
        compareText(a.subresource ?? "", b.subresource ?? ""),
    )
    .map(({ manager, operation, apiVersion, time, set, subresource }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: encodeFields(set),
      ...(subresource === undefined ? {} : { subresource }),
    }));
}

/** The oldest that write without applying become one, as long as there are too many of them. */
function capped(managers: Managers): Managers {
  const updaters = [...managers.entries()]
    .filter(([, m]) => m.operation === "Update")
    .toSorted(([a, x], [b, y]) => compareText(x.time ?? "", y.time ?? "") || compareText(a, b));
  let excess = updaters.length - MAX_UPDATERS;
  if (excess <= 0) return managers;
  const out = new Map(managers);
  const firsts = new Map<string, string>();
  for (const [key, m] of updaters) {
    if (excess <= 0) break;
    const first = firsts.get(m.apiVersion);
    if (first === undefined) {
      firsts.set(m.apiVersion, key);
      continue;
    }
    const id: ManagerId = { manager: ANCIENT, operation: "Update", apiVersion: m.apiVersion };
    const bucket = out.get(keyOf(id)) ?? out.get(first);
    if (!out.has(keyOf(id))) out.delete(first);
    out.delete(key);
    out.set(keyOf(id), { ...id, set: bucket ? union(bucket.set, m.set) : m.set, ...(m.time === undefined ? {} : { time: m.time }) });
    excess--;
  }
  return out;
}
