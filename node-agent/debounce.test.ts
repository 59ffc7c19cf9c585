import { expect, it } from "vitest";
import { ManualEnv } from "../store/testing/env.ts";
import { paced } from "./debounce.ts";

it("paced: at once, then at most every so often, and the last call is never lost", async () => {
  const env = new ManualEnv();
  const at: number[] = [];
  const began = env.monotonic();
  const tell = paced(env, 2_000, () => void at.push(env.monotonic() - began));
  tell();
  tell();
  await env.advance(500);
  tell();
  await env.advance(10_000);
  tell();
  expect(at).toEqual([0, 2_000, 10_500]);
  tell();
  tell.cancel();
  await env.advance(10_000);
  expect(at).toHaveLength(3);
});
