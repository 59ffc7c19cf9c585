import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLabelSelector, matchFields, matchLabels, parseFieldSelector, parseLabelSelector, SelectorError } from "./selectors.ts";

const labels = { app: "shop", tier: "web", empty: "" };

describe("label selectors", () => {
  it.each([
    ["", true],
    ["app=shop", true],
    ["app==shop", true],
    ["app = shop , tier=web", true],
    ["app=other", false],
    ["app!=other", true],
    ["none!=x", true],
    ["app", true],
    ["none", false],
    ["!none", true],
    ["! app", false],
    ["tier in (web,api)", true],
    ["tier in (api)", false],
    ["tier notin (api, db)", true],
    ["none notin (x)", true],
    ["empty=", true],
    ["empty in ()", true],
    ["app in (shop),tier notin (api),!canary", true],
    ["in in (a)", false],
    ["app.kubernetes.io/name!=x", true],
  ])("%s → %s", (text, matches) => {
    expect(matchLabels(parseLabelSelector(text), labels)).toBe(matches);
  });

  it.each([
    ["app=", undefined],
    ["=x", 'found "=", expected a label key'],
    ["app in web", 'found "web", expected "("'],
    ["app in (web", 'found the end, expected "," or ")"'],
    ["app=a b", 'found "b", expected ","'],
    ["app,", "found the end, expected a label key"],
    ["-x", 'the key "-x" is not valid'],
    ["app=-x", 'the value "-x" is not valid'],
    ["a=b=c", 'found "=", expected ","'],
  ])("%s is told why", (text, why) => {
    const parse = (): unknown => parseLabelSelector(text);
    if (why === undefined) expect(parse).not.toThrow();
    else expect(parse).toThrow(why);
  });

  it("keep their meaning when written out and read again", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
    const requirement = fc.oneof(
      word.map((key) => key),
      word.map((key) => `!${key}`),
      fc.tuple(word, fc.constantFrom("=", "!="), word).map(([key, op, value]) => key + op + value),
      fc
        .tuple(word, fc.constantFrom(" in ", " notin "), fc.array(word, { minLength: 1, maxLength: 3 }))
        .map(([k, op, v]) => `${k}${op}(${v.join(",")})`),
    );
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), (parts) => {
        const selector = parseLabelSelector(parts.join(","));
        expect(parseLabelSelector(formatLabelSelector(selector))).toEqual(selector);
      }),
    );
  });

  it("answer or throw a SelectorError, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("a", "=", "!", "(", ")", ",", " ", "in ") })), (text) => {
        try {
          matchLabels(parseLabelSelector(text), labels);
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
        }
      }),
    );
  });
});

const read = (field: string): string => ({ "metadata.name": "web", "status.phase": "Running" })[field] ?? "";

describe("field selectors", () => {
  it.each([
    ["", true],
    ["metadata.name=web", true],
    ["metadata.name==web,status.phase!=Failed", true],
    ["metadata.name!=web", false],
    ["spec.nodeName=", true],
    ["spec.nodeName!=", false],
  ])("%s → %s", (text, matches) => {
    expect(matchFields(parseFieldSelector(text), read)).toBe(matches);
  });

  it("read escaped commas and equals signs", () => {
    expect(parseFieldSelector(String.raw`a=x\,y\=z\\`)).toEqual([{ field: "a", operator: "=", value: String.raw`x,y=z\ `.trim() }]);
  });

  it.each(["metadata.name", "=x", "a=b=c"])("%s is refused", (text) => {
    expect(() => parseFieldSelector(text)).toThrow(SelectorError);
  });
});
