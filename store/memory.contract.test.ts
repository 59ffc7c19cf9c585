import { describe } from "vitest";
import { kvContract } from "./kv.contract.ts";
import { memoryWorld } from "./testing/world.ts";

const open = () => Promise.resolve(memoryWorld());

describe("MemoryKv", () => kvContract(open));
