import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDotenv } from "./dotenv.ts";

const shell = (name: string): string | undefined => ({ HOME: "/home/ann", A: "from the shell" })[name];

describe(".env", () => {
  const rows: { name: string; text: string; want: Record<string, string> }[] = [
    { name: "plain", text: "VAR=VAL", want: { VAR: "VAL" } },
    { name: "spaces around", text: "  VAR = VAL  ", want: { VAR: "VAL" } },
    { name: "a colon", text: "VAR: VAL", want: { VAR: "VAL" } },
    { name: "double quotes", text: 'VAR="VAL"', want: { VAR: "VAL" } },
    { name: "single quotes", text: "VAR='VAL'", want: { VAR: "VAL" } },
    { name: "a comment behind", text: "VAR=VAL # comment", want: { VAR: "VAL" } },
    { name: "a # that is no comment", text: "VAR=VAL#not a comment", want: { VAR: "VAL#not a comment" } },
    { name: "a # in quotes", text: 'VAR="VAL # not a comment"', want: { VAR: "VAL # not a comment" } },
    { name: "a comment behind quotes", text: 'VAR="VAL" # comment', want: { VAR: "VAL" } },
    { name: "escapes in double quotes", text: String.raw`VAR="some\tvalue\n\"x\" \\ \$A"`, want: { VAR: 'some\tvalue\n"x" \\ $A' } },
    { name: "none in single quotes", text: String.raw`VAR='some\tvalue $A'`, want: { VAR: String.raw`some\tvalue $A` } },
    { name: "an escaped quote in single quotes", text: String.raw`VAR='Let\'s go!'`, want: { VAR: "Let's go!" } },
    { name: "a name that begins with a digit", text: "2FA=on\nA.b-c=1", want: { "2FA": "on", "A.b-c": "1" } },
    { name: "several lines in quotes", text: 'VAR="one\ntwo"\nNEXT=3', want: { VAR: "one\ntwo", NEXT: "3" } },
    { name: "empty", text: "VAR=", want: { VAR: "" } },
    { name: "export", text: "export VAR=x", want: { VAR: "x" } },
    { name: "comments, blank lines, CRLF, a byte order mark", text: "\ufeff# c\r\n\r\nVAR=x\r\n", want: { VAR: "x" } },
    { name: "a variable of the shell", text: "DIR=${HOME}/data", want: { DIR: "/home/ann/data" } },
    { name: "a variable of an earlier line", text: "X=1\nY=${X}2", want: { X: "1", Y: "12" } },
    { name: "the shell before the file", text: "A=file\nB=$A", want: { A: "file", B: "from the shell" } },
    { name: "a default", text: "X=${NOPE:-y}", want: { X: "y" } },
    { name: "the later line", text: "X=1\nX=2", want: { X: "2" } },
    { name: "a name alone takes the shell's value", text: "HOME\nNOPE", want: { HOME: "/home/ann" } },
    { name: "an = in the value", text: "URL=a=b&c=d", want: { URL: "a=b&c=d" } },
  ];
  it.each(rows)("$name", ({ text, want }) => {
    const { values, problems } = parseDotenv(text, shell);
    expect(problems).toEqual([]);
    expect(Object.fromEntries(values)).toEqual(want);
  });

  it("says which line cannot be read", () => {
    expect(parseDotenv("A=1\n%B=x\nC='open", shell).problems).toEqual([
      { line: 2, message: "expected NAME=value" },
      { line: 3, message: "C: the ' is not closed" },
    ]);
    expect(parseDotenv('X="1\n2"\nY=${Z:?must be set}', shell).problems).toEqual([{ line: 3, message: "Y: must be set" }]);
  });

  it("raw values are as typed", () => {
    const { values } = parseDotenv('# c\nA="x" # y\n B= $HOME \nHOME\n', shell, true);
    expect(Object.fromEntries(values)).toEqual({ A: '"x" # y', B: " $HOME ", HOME: "/home/ann" });
  });

  it("answers for any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("A", "=", "'", '"', "\\", "\n", "$", "{", "}", "#", " ", ":") }),
        (text) => void parseDotenv(text, shell),
      ),
    );
  });
});
