import { describe, expect, it } from "vitest";
import { createToken, listTokens, revokeTokenId, tokenIdOf } from "../../api/index.ts";
import { MemoryKv } from "../../store/memory.ts";
import { realEnv } from "../../store/env.ts";
import { tokenLs } from "../commands/token.ts";
import { resolveFlags } from "../flags.ts";
import { testIo } from "../testing/io.ts";
import { style } from "../text/style.ts";
import { chooseTokens, showTokens } from "./token.ts";

const token = (id: string, name: string, group = "system:masters") => ({
  id,
  name,
  groups: [group],
  createdAt: "2026-11-21T12:00:00.000Z",
});
const ALL = [
  token("0123456789abcdef", "ann"),
  token("1123456789abcdef", "ann"),
  token("2123456789abcdef", "system:node:nas", "system:nodes"),
  token("3123456789abcdef", "system:node:nas", "system:nodes"),
];
const shown = (tokens: typeof ALL, line: Record<string, string> = {}) => {
  const io = testIo({ clock: { ...realEnv, now: () => Date.parse("2026-11-21T15:04:00Z") } });
  const flags = resolveFlags(tokenLs.name, tokenLs.flags, line, {}, undefined);
  showTokens({ io, flags, out: style(false), err: style(false), file: undefined }, tokens);
  return io;
};

describe("token ls", () => {
  it("shows whose they are, and how old", () => {
    expect(shown(ALL.slice(1, 3)).stdout.text).toBe(
      [
        "ID                NAME             GROUPS          AGE",
        "1123456789abcdef  ann              system:masters  3h04m",
        "2123456789abcdef  system:node:nas  system:nodes    3h04m",
        "",
      ].join("\n"),
    );
    expect(JSON.parse(shown(ALL, { output: "json" }).stdout.text)).toEqual(ALL);
    expect(shown([]).stderr.text).toBe("No tokens. The first: steady token create admin\n");
  });

  it("knows no secrets, and not more than there is", async () => {
    const kv = new MemoryKv(realEnv);
    const made = await createToken(kv, realEnv, { name: "ann", groups: ["system:masters"] });
    for (let i = 0; i < 3; i++) await createToken(kv, realEnv, { name: `n${i}`, groups: ["system:readers"] });
    const all = await listTokens(kv);
    expect(all).toHaveLength(4);
    expect(Object.keys(all[0] ?? {}).toSorted()).toEqual(["createdAt", "groups", "id", "name"]);
    const id = tokenIdOf(made) ?? "";
    expect(all.find((t) => t.id === id)?.name).toBe("ann");
    await revokeTokenId(kv, id);
    expect((await listTokens(kv)).map((t) => t.name).toSorted()).toEqual(["n0", "n1", "n2"]);
    await kv.close();
  });
});

describe("token revoke", () => {
  it("one by its ID, a node's all", () => {
    expect(chooseTokens(ALL, { typed: "1123456789abcdef" })).toEqual([ALL[1]]);
    expect(chooseTokens(ALL, { node: "nas" })).toEqual([ALL[2], ALL[3]]);
  });

  it.each([
    [{ typed: "ann" }, '"ann" is a name; a token is revoked by its ID'],
    [{ typed: "9123456789abcdef" }, "there is no such token 9123456789abcdef"],
    [{ typed: "steady_1123456789abcdef_ffff" }, /^there is no such token$/],
    [{ node: "nsa" }, "node nsa has no token. Did you mean: nas?"],
  ])("%j: %s", (by, said) => expect(() => chooseTokens(ALL, by)).toThrow(said));
});
