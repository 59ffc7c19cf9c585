// Header blocks of SPDY/3.1: names and values behind zlib with a dictionary that both sides know.
// Source: SPDY Protocol Draft 3.1, sections 2.6.10 and 2.6.10.1.
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

export type Headers = ReadonlyMap<string, string>;

/** What one block may become when it is unpacked. kubectl's are about fifty bytes. */
const MAX_BLOCK_BYTES = 16 * 1024;
const MAX_HEADERS = 32;
const WINDOW = 32 * 1024;
/** FDICT, and the Adler-32 of the dictionary. */
const ZLIB_HEADER = Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]);

const WORDS =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status";
const MORE = ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"];
const TAIL =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

const word = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};
/** 1,423 bytes. */
export const DICTIONARY = Buffer.concat([...WORDS.split(" "), ...MORE].map(word).concat(Buffer.from(TAIL)));

/** @throws Error for what is no list of headers */
export function parseHeaders(block: Buffer): Headers {
  const found = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new Error("header block is cut off");
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw new Error("header block is cut off");
    at += length;
    return block.toString("latin1", at - length, at);
  };
  const count = number();
  if (count > MAX_HEADERS) throw new Error(`${count} headers are too many`);
  for (let i = 0; i < count; i++) {
    const name = text();
    if (name === "" || found.has(name)) throw new Error("a header's name is empty or comes twice");
    found.set(name, text());
  }
  return found;
}

export const formatHeaders = (headers: Headers): Buffer => {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  return Buffer.concat([count, ...[...headers].flatMap(([name, value]) => [word(name), word(value)])]);
};

/**
 * Unpacks the blocks of one connection, in their order. Each ends with a flush (as all writers of header blocks do, or the other
 * side could not read it), so that it is whole but for the bytes before it that it may repeat: those are kept, and nothing else.
 */
export class HeaderInflater {
  private window: Buffer | undefined;

  /** @throws Error for what is not zlib, or becomes too much */
  inflate(packed: Buffer): Buffer {
    let deflated = packed;
    let window = this.window;
    if (!window) {
      const named = packed.length >= 2 && ((packed[0] ?? 0) & 0x0f) === 8 && packed.readUInt16BE(0) % 31 === 0;
      const dictionary = ((packed[1] ?? 0) & 0x20) !== 0;
      if (!named || (dictionary && !packed.subarray(2, 6).equals(ZLIB_HEADER.subarray(2)))) throw new Error("header block is not zlib");
      window = dictionary ? DICTIONARY : Buffer.alloc(0);
      deflated = packed.subarray(dictionary ? 6 : 2);
    }
    const block = inflateRawSync(deflated, {
      ...(window.length > 0 ? { dictionary: window } : {}),
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: MAX_BLOCK_BYTES,
    });
    this.window = Buffer.concat([window, block]).subarray(-WINDOW);
    return block;
  }
}

/** Packs blocks so that each can be read by itself. */
export class HeaderDeflater {
  private begun = false;

  deflate(block: Buffer): Buffer {
    // Without the flush at its end Go's reader never gives the block out.
    const packed = deflateRawSync(block, { finishFlush: constants.Z_SYNC_FLUSH });
    if (this.begun) return packed;
    this.begun = true;
    return Buffer.concat([ZLIB_HEADER, packed]);
  }
}
