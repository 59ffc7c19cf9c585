import { describe } from "vitest";
import { heldKeyContract } from "./held-key.contract.ts";
import { informerContract } from "./informer.contract.ts";
import { kvContract } from "./kv.contract.ts";
import { objectsContract } from "./objects.contract.ts";
import { memoryWorld } from "./testing/world.ts";

const open = () => Promise.resolve(memoryWorld());

describe("MemoryKv", () => kvContract(open));
describe("ObjectStore in memory", () => objectsContract(open));
describe("Informer in memory", () => informerContract(open));
describe("Elector and sessions in memory", () => heldKeyContract(open));
