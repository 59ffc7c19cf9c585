// IP addresses and subnets as numbers, to tell whether one lies in the other.
import { isIP } from "node:net";

export interface Address {
  family: 4 | 6;
  value: bigint;
}

export interface Subnet {
  family: 4 | 6;
  first: bigint;
  last: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

const parts4 = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

const parts6 = (text: string): bigint => {
  // An IPv4 tail (`::ffff:10.0.0.1`) is two groups.
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const v4 = tail ? parts4(tail[2] ?? "") : 0n;
  const plain = tail ? `${tail[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}` : text;
  const [head = "", rest] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = rest === undefined || rest === "" ? [] : rest.split(":");
  const groups = rest === undefined ? left : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
};

/** undefined: no address. Zones (`fe80::1%eth0`) are none. */
export const parseAddress = (text: string): Address | undefined => {
  const family = text.includes("%") ? 0 : isIP(text);
  if (family === 4) return { family, value: parts4(text) };
  return family === 6 ? { family, value: parts6(text) } : undefined;
};

/** `172.28.0.0/16`; host bits may be set, as the engine allows. undefined: no subnet. */
export const parseSubnet = (text: string): Subnet | undefined => {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match && parseAddress(match[1] ?? "");
  const prefix = Number(match?.[2]);
  if (!address || prefix > BITS[address.family]) return undefined;
  const size = 1n << BigInt(BITS[address.family] - prefix);
  const first = address.value - (address.value % size);
  return { family: address.family, first, last: first + size - 1n };
};

/** Whether the address, or the whole subnet, lies in `outer`. */
export const contains = (outer: Subnet, inner: Address | Subnet): boolean => {
  if (outer.family !== inner.family) return false;
  const [first, last] = "value" in inner ? [inner.value, inner.value] : [inner.first, inner.last];
  return outer.first <= first && last <= outer.last;
};

export const overlap = (a: Subnet, b: Subnet): boolean => a.family === b.family && a.first <= b.last && b.first <= a.last;

/** Whether two texts are one address, however they are written. */
export const sameAddress = (a: string, b: string): boolean => {
  const [x, y] = [parseAddress(a), parseAddress(b)];
  return x !== undefined && y !== undefined && x.family === y.family && x.value === y.value;
};
