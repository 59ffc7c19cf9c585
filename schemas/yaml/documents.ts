// How a text becomes YAML documents, for everybody who reads what people wrote. Whoever calls this has bounded the text first (bounds.ts).
import { type LineCounter, parseAllDocuments } from "yaml";

/** Never throws: each document has its own errors. Equal keys and merge keys are left to the reader. */
export const documentsOf = (text: string, lineCounter: LineCounter) =>
  parseAllDocuments(text, {
    // Its own check for equal keys is quadratic.
    uniqueKeys: false,
    stringKeys: true,
    merge: false,
    prettyErrors: false,
    logLevel: "silent",
    lineCounter,
  });
