// How API servers know each other: by a secret that only etcd tells, shown as a MAC over what is asked for.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Env } from "../../store/env.ts";
import { ConflictError } from "../../store/errors.ts";
import { replicaSecretKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";

/** `<milliseconds since the epoch>.<HMAC-SHA256, hex>` */
export const MAC_HEADER = "x-steadfleet-mac";
/** So far may clocks of servers differ. What is replayed within it needs the pinned connection first. */
const SKEW_MS = 5 * 60_000;

/** What a MAC is good for: this server, this node, this request, now. */
export interface Claim {
  /** Id of the server that is asked. */
  to: string;
  /** "" for the connection itself. */
  node: string;
  method: string;
  path: string;
}

export class ReplicaSecret {
  private known: Promise<Buffer> | undefined;

  constructor(
    private readonly kv: Kv,
    private readonly env: Env,
  ) {}

  /** Value of the header. @throws UnavailableError */
  async sign(claim: Claim): Promise<string> {
    const at = Math.round(this.env.now());
    return `${at}.${mac(await this.secret(), at, claim)}`;
  }

  /** @throws UnavailableError */
  async verify(header: string | undefined, claim: Claim): Promise<boolean> {
    const [, time = "", given = ""] = /^(\d{1,16})\.([0-9a-f]{64})$/.exec(header ?? "") ?? [];
    const at = Number(time);
    if (given === "" || Math.abs(this.env.now() - at) > SKEW_MS) return false;
    return timingSafeEqual(Buffer.from(mac(await this.secret(), at, claim), "hex"), Buffer.from(given, "hex"));
  }

  /** Made once, by whoever comes first. */
  private secret(): Promise<Buffer> {
    const read = async (): Promise<Buffer> => {
      for (;;) {
        const { item } = await this.kv.get(replicaSecretKey);
        if (item) return Buffer.from((JSON.parse(item.value) as { secret: string }).secret, "hex");
        const value = { secret: randomBytes(32).toString("hex"), createdAt: new Date(this.env.now()).toISOString() };
        await this.kv.commit([{ key: replicaSecretKey, mod: 0, value }]).catch((e: unknown) => {
          if (!(e instanceof ConflictError)) throw e;
        });
      }
    };
    this.known ??= read().catch((e: unknown) => {
      this.known = undefined;
      throw e;
    });
    return this.known;
  }
}

const mac = (secret: Buffer, at: number, { to, node, method, path }: Claim): string =>
  createHmac("sha256", secret)
    .update(JSON.stringify(["forward-1", at, to, node, method, path]))
    .digest("hex");
