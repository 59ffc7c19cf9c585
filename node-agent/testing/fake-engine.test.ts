import { ManualEnv } from "../../store/testing/env.ts";
import { engineContract } from "../engine.contract.ts";
import { FakeEngine } from "./fake-engine.ts";

engineContract("fake", async () => ({ engine: new FakeEngine(new ManualEnv()), image: "bb:1", close: async () => {} }));
