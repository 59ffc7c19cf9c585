import { ManualEnv } from "../../store/testing/env.ts";
import { engineContract } from "../engine.contract.ts";
import { FakeEngine } from "./fake-engine.ts";

engineContract("fake", async () => {
  const engine = new FakeEngine(new ManualEnv());
  const logged = (id: string): void => {
    engine.write(id, "one\n");
    engine.write(id, "two\n", "err");
  };
  return { engine, image: "bb:1", logged, close: async () => {} };
});
