import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { claimStale, newLair, removeLair } from "./lair.ts";

const owner = (dir: string): string => readdirSync(dir).find((file) => file.startsWith("owner-")) ?? "";

describe("what a crashed run left", () => {
  it("is claimed once, and what a living run owns is not", () => {
    const kind = `unit${process.pid}`;
    const [mine, dead, reused] = [newLair(kind), newLair(kind), newLair(kind)];
    renameSync(join(dead, owner(dead)), join(dead, "owner-999999999-1"));
    // The pid is in use again, by a process that was started at another time.
    renameSync(join(reused, owner(reused)), join(reused, `owner-${process.pid}-1`));
    expect(claimStale(kind).toSorted()).toEqual([dead, reused].toSorted());
    expect(claimStale(kind)).toEqual([]);
    for (const dir of [mine, dead, reused]) removeLair(dir);
    expect(existsSync(mine)).toBe(false);
  });

  it("may be a directory that has no owner yet", () => {
    const kind = `unit${process.pid}`;
    const dir = newLair(kind);
    renameSync(join(dir, owner(dir)), join(dir, "elsewhere"));
    mkdirSync(join(dir, "h1"));
    expect(claimStale(kind)).toEqual([]);
    removeLair(dir);
  });
});
