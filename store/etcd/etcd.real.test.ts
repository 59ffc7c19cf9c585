// The contracts of the store on a real etcd.
import { afterAll, beforeAll, describe } from "vitest";
import { EncryptedKv, Keyring, newKey, secretsPrefix } from "../at-rest/index.ts";
import { heldKeyContract } from "../held-key.contract.ts";
import { informerContract } from "../informer.contract.ts";
import { kvContract } from "../kv.contract.ts";
import type { Kv } from "../kv.ts";
import { objectsContract } from "../objects.contract.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { etcdWorld } from "../testing/etcd-world.ts";
import type { World } from "../testing/world.ts";

let etcd: TestEtcd;
beforeAll(async () => {
  etcd = await startTestEtcd();
});
afterAll(() => etcd?.stop());
const open = () => etcdWorld(etcd);

const keyring = Keyring.parse(newKey(), "test");
let worlds = 0;
const encrypted = async (): Promise<World> => {
  const world = await etcdWorld(etcd);
  const over = (kv: Kv): Kv => new EncryptedKv(kv, () => keyring);
  return { ...world, kv: over(world.kv), prefix: `${secretsPrefix}world-${++worlds}/`, another: () => over(world.another()) };
};

describe("EtcdKv", () => kvContract(open));
describe("EncryptedKv on etcd", () => kvContract(encrypted));
describe("ObjectStore on etcd", () => objectsContract(open));
describe("Informer on etcd", () => informerContract(open));
describe("Elector and sessions on etcd", () => heldKeyContract(open));
