import { describe } from "vitest";
import { heldKeyContract } from "./held-key.contract.ts";
import { informerContract } from "./informer.contract.ts";
import { kvContract } from "./kv.contract.ts";
import { objectsContract } from "./objects.contract.ts";
import { EncryptedKv, Keyring, newKey, secretsPrefix } from "./at-rest/index.ts";
import { memoryWorld, type World } from "./testing/world.ts";

const open = () => Promise.resolve(memoryWorld());

describe("MemoryKv", () => kvContract(open));
describe("ObjectStore in memory", () => objectsContract(open));
describe("Informer in memory", () => informerContract(open));
describe("Elector and sessions in memory", () => heldKeyContract(open));

const keyring = Keyring.parse(newKey(), "test");
/** All of the contract's keys are Secrets'. */
const encrypted = async (): Promise<World> => {
  const world = memoryWorld();
  const kv = new EncryptedKv(world.kv, () => keyring);
  return { ...world, kv, prefix: `${secretsPrefix}contract/`, another: () => new EncryptedKv(world.another(), () => keyring) };
};

describe("EncryptedKv", () => kvContract(encrypted));
describe("Informer of what is encrypted", () => informerContract(encrypted));
