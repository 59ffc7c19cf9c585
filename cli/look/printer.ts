// Lines of several replicas on one screen: `web-0  | GET / 200`.
import { LABELS } from "../../schemas/constants.ts";
import type { Output } from "../io.ts";
import { replicaOf } from "../rollout/replica.ts";
import type { PodObject } from "../rollout/types.ts";
import { pad, type Style } from "../text/style.ts";
import type { Line } from "./lines.ts";

export interface PrinterOptions {
  out: Output;
  style: Style;
  timestamps: boolean;
  prefix: boolean;
  /** Of different Stacks: `shop/web-0`. */
  stacks: boolean;
}

const FLUSH_BYTES = 64 * 1024;

/** Names are shown from the second one on, each in a colour of its own while there are colours. */
export class Printer {
  readonly #o: PrinterOptions;
  readonly #colors: readonly ((s: string) => string)[];
  readonly #names = new Map<string, (s: string) => string>();
  #width = 0;
  #waiting: Buffer[] = [];
  #size = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(o: PrinterOptions) {
    this.#o = o;
    const { cyan, yellow, green, magenta, blue } = o.style;
    this.#colors = [cyan, yellow, green, magenta, blue];
  }

  nameOf(pod: PodObject): string {
    const { name } = replicaOf(pod);
    const stack = pod.metadata.labels?.[LABELS.stack];
    return this.#o.stacks && stack !== undefined ? `${stack}/${name}` : name;
  }

  /** Known names before the first line keep the column still. */
  expect(pod: PodObject): void {
    const name = this.nameOf(pod);
    if (this.#names.has(name)) return;
    this.#names.set(name, this.#colors[this.#names.size % this.#colors.length] ?? String);
    this.#width = Math.max(this.#width, name.length);
  }

  print(pod: PodObject, { time, text }: Line): void {
    this.expect(pod);
    const name = this.nameOf(pod);
    const prefix = this.#o.prefix && this.#names.size > 1 ? this.#names.get(name)?.(`${pad(name, this.#width)} | `) : "";
    const stamp = this.#o.timestamps && time !== "" ? `${time} ` : "";
    this.#put(Buffer.concat([Buffer.from(`${prefix}${stamp}`), text, Buffer.of(10)]));
  }

  /** At most a turn of the event loop late: a write for each line would be slow. */
  #put(data: Buffer): void {
    this.#waiting.push(data);
    this.#size += data.length;
    if (this.#size >= FLUSH_BYTES) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const data = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#size = 0;
    if (data.length > 0) this.#o.out.write(data);
  }
}
