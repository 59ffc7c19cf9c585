import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { loadSchema } from "../../schemas/load.ts";
import { arbitraryOf } from "../../schemas/testing/arbitrary.ts";
import { normalizeValid } from "../../schemas/testing/compose.ts";
import type { StackSpec } from "../../schemas/types.ts";
import { COMMANDS } from "../commands/index.ts";
import { run } from "../run.ts";
import { testIo } from "../testing/io.ts";
import { ABOUT, composeOf } from "./to-compose.ts";

const steady = async (args: string[], stdin: string): Promise<{ code: number; out: string; err: string }> => {
  const io = testIo({ stdin, env: {} });
  const code = await run(args, io, COMMANDS);
  return { code, out: io.stdout.text, err: io.stderr.text };
};

const stackOf = (spec: unknown, metadata: object = {}): string =>
  stringify({ apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name: "shop", ...metadata }, spec });

const there = async (spec: unknown): Promise<string> => {
  const { code, out, err } = await steady(["convert", "-f", "-"], stackOf(spec));
  expect(code, err).toBe(0);
  return out;
};
const back = async (compose: string): Promise<{ metadata: object; spec: StackSpec }> => {
  const { code, out, err } = await steady(["convert", "-f", "-"], compose);
  expect(code, `${err}\n${compose}`).toBe(0);
  return parseAllDocuments(out)
    .map((d) => d.toJS() as { kind: string; metadata: object; spec: StackSpec })
    .find((d) => d.kind === "Stack") as { metadata: object; spec: StackSpec };
};

describe("a Stack becomes a Compose file and a Stack again", () => {
  it("and whatever it says is still the same", async () => {
    const bodies = arbitraryOf(loadSchema("compose"), "compose") as fc.Arbitrary<StackSpec>;
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(bodies, async (spec) => {
        const result = (() => {
          try {
            return normalizeValid(spec);
          } catch {
            return { problems: [] };
          }
        })();
        if (!("normal" in result) || !result.normal) return;
        sound++;
        const { spec: again } = await back(await there(spec));
        expect(normalizeValid(again).normal).toEqual(result.normal);
      }),
      { numRuns: 150 },
    );
    expect(sound, "some bodies are sound").toBeGreaterThan(5);
  });

  it("with dollar signs, words that YAML reads two ways, and the extension", async () => {
    const spec = {
      services: {
        web: {
          image: "web:1",
          command: ["sh", "-c", "echo $HOME $${X} ${Y:-z}"],
          environment: { COST: "$5", NO: "no", TIME: "22:22", MODE: "0755", EMPTY: "" },
          ports: ["8080:80"],
          restart: "no",
          volumes: ["data:/data"],
        },
      },
      volumes: { data: {} },
      "x-steadfleet": { reclaim: "Delete" },
    } as unknown as StackSpec;
    const compose = await there(spec);
    expect(compose).toContain("echo $$HOME $$$${X} $${Y:-z}");
    expect(parse(compose)).toMatchObject({ name: "shop", "x-steadfleet": { reclaim: "Delete" } });
    const again = await back(compose);
    expect(again.metadata).toEqual({ name: "shop" });
    expect(again.spec["x-steadfleet"]).toEqual({ reclaim: "Delete" });
    expect(normalizeValid(again.spec).normal).toEqual(normalizeValid(spec).normal);
  });

  it.each(["examples/shop.yaml", "examples/web.yaml", "examples/global.yaml"])("%s", async (file) => {
    const stack = parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")) as { spec: StackSpec };
    const again = await back(await there(stack.spec));
    expect(normalizeValid(again.spec).normal).toEqual(normalizeValid(stack.spec).normal);
  });
});

it("keeps what a Stack says about itself, but not what tools wrote", () => {
  const { body } = composeOf({
    metadata: {
      name: "shop",
      namespace: "prod",
      labels: { team: "a" },
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}", why: "because" },
      uid: "",
      resourceVersion: "",
      creationTimestamp: "",
    },
    spec: { services: {} },
  });
  expect(body[ABOUT]).toEqual({ namespace: "prod", labels: { team: "a" }, annotations: { why: "because" } });
});

it("says what it cannot do", async () => {
  const two = `${stackOf({ services: { a: { image: "a" } } })}---\n${stackOf({ services: { a: { image: "a" } } }, { name: "other" })}`;
  expect((await steady(["convert", "-f", "-"], two)).err).toContain("a Compose file is one Stack, and these are 2: shop, other");
  expect((await steady(["convert", "shop", "-f", "-"], two)).err).toContain("cannot be mixed");
});
