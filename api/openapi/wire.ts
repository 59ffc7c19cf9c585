// The few parts of the protocol buffer encoding that an OpenAPI document needs. A message is a list of encoded fields.
// Source: protobuf.dev/programming-guides/encoding.

/** Base-128 varint. Negative numbers take the ten bytes of a sign-extended 64 bit integer. */
export function varint(n: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(n));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

const tag = (field: number, wireType: number): Buffer => varint((field << 3) | wireType);

export const bytesField = (field: number, value: Buffer): Buffer => Buffer.concat([tag(field, 2), varint(value.length), value]);
export const stringField = (field: number, value: string): Buffer => bytesField(field, Buffer.from(value, "utf8"));
export const intField = (field: number, value: number): Buffer => Buffer.concat([tag(field, 0), varint(value)]);
export const boolField = (field: number, value: boolean): Buffer => intField(field, value ? 1 : 0);
export const doubleField = (field: number, value: number): Buffer => {
  const eight = Buffer.alloc(8);
  eight.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), eight]);
};
export const messageField = (field: number, parts: Buffer[]): Buffer => bytesField(field, Buffer.concat(parts));
