// The contracts of the store on a real etcd.
import { afterAll, beforeAll, describe } from "vitest";
import { kvContract } from "../kv.contract.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { etcdWorld } from "../testing/etcd-world.ts";

let etcd: TestEtcd;
beforeAll(async () => {
  etcd = await startTestEtcd();
});
afterAll(() => etcd?.stop());
const open = () => etcdWorld(etcd);

describe("EtcdKv", () => kvContract(open));
