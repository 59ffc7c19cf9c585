// Channels in one WebSocket: the first byte of a message says which. Pure.
// Source: k8s.io/apimachinery/pkg/util/httpstream/wsstream, and remotecommand's v4 and v5.

export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** The oldest that tells exit codes is v4; v5 adds the close signal. The base64 ones carry text, for clients in browsers. */
const COMMAND_PROTOCOLS = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
] as const;
export type CommandProtocol = (typeof COMMAND_PROTOCOLS)[number];

/** The first of the client's that is spoken here. A client that names none speaks the oldest. */
export const commandProtocol = (offered: readonly string[]): CommandProtocol | undefined =>
  offered.length === 0 ? "channel.k8s.io" : COMMAND_PROTOCOLS.find((p) => offered.includes(p));
export { COMMAND_PROTOCOLS };

/** Tells how a command ended with a Status as JSON, and not with words alone. */
export const tellsStatus = (p: CommandProtocol): boolean => p.startsWith("v");

export interface Message {
  channel: number;
  payload: Buffer;
}

/** Undefined: no message of this protocol. */
export function decodeMessage(data: Buffer, base64: boolean): Message | undefined {
  if (data.length === 0) return undefined;
  if (!base64) return { channel: data[0] ?? 0, payload: data.subarray(1) };
  const channel = (data[0] ?? 0) - 48;
  const text = data.toString("latin1", 1);
  if (channel < 0 || channel > 9 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return { channel, payload: Buffer.from(text, "base64") };
}

/** A string is sent as text, a Buffer as binary. */
export const encodeMessage = (channel: number, payload: Uint8Array, base64: boolean): Buffer | string =>
  base64 ? `${channel}${Buffer.from(payload).toString("base64")}` : Buffer.concat([Buffer.of(channel), payload]);

/** `{"Width":80,"Height":24}`; undefined for what is no size. */
export function terminalSize(json: string): { width: number; height: number } | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(json) as { Width: number; Height: number };
    const fits = (n: number): boolean => Number.isInteger(n) && n > 0 && n < 65_536;
    return fits(width) && fits(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}
