// The contracts of the store on a real etcd.
import { afterAll, beforeAll, describe } from "vitest";
import { heldKeyContract } from "../held-key.contract.ts";
import { informerContract } from "../informer.contract.ts";
import { kvContract } from "../kv.contract.ts";
import { objectsContract } from "../objects.contract.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { etcdWorld } from "../testing/etcd-world.ts";

let etcd: TestEtcd;
beforeAll(async () => {
  etcd = await startTestEtcd();
});
afterAll(() => etcd?.stop());
const open = () => etcdWorld(etcd);

describe("EtcdKv", () => kvContract(open));
describe("ObjectStore on etcd", () => objectsContract(open));
describe("Informer on etcd", () => informerContract(open));
describe("Elector and sessions on etcd", () => heldKeyContract(open));
