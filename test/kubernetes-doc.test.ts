import { expect, it } from "vitest";
import { document } from "./kubectl/document.ts";

it("docs/kubernetes.md says what the rows say", async () => {
  await expect(document()).toMatchFileSnapshot("../docs/kubernetes.md");
});
