// The server's certificate, from a certificate authority of our own that is made once and stays with the data.
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createPrivateKey, createPublicKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { isIP } from "node:net";
import { join } from "node:path";
// x509 resolves its parts through a container that needs it, and it must come first.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { PRODUCT } from "../schemas/constants.ts";
import type { Env } from "../store/env.ts";

const DAY = 86_400_000;
const CA_DAYS = 3650;
const SERVER_DAYS = 90;
/** Renewed when less than this is left: a server that is restarted once a month never serves an expired one. */
const RENEW_DAYS = 30;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface ServerTls {
  /** Of the authority: what clients must trust. */
  caPem: string;
  certPem: string;
  keyPem: string;
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

/** Names and addresses this machine answers to. */
export const localHosts = (): string[] => {
  const addresses = Object.values(networkInterfaces()).flatMap((n) => n ?? []);
  const reachable = addresses.filter((a) => !a.internal && !a.address.startsWith("fe80:")).map((a) => a.address);
  return [...new Set(["localhost", "127.0.0.1", "::1", hostname(), ...reachable])];
};

/**
 * The authority is made when `dir` has none, and never again; the server's certificate whenever it is near its end, its
 * names have changed, or it is of another authority. Files are 0600 in a directory of 0700.
 */
export async function ensureTls(o: { dir: string; env: Env; hosts: readonly string[] }): Promise<ServerTls> {
  mkdirSync(o.dir, { recursive: true, mode: 0o700 });
  const ca = await authority(join(o.dir, "ca.pem"), o.env);
  // Without the key: to be handed to those who shall trust it.
  const shown = join(o.dir, "ca.crt");
  if (!existsSync(shown) || readFileSync(shown, "utf8") !== ca.certPem) writeFileSync(shown, ca.certPem, { mode: 0o644 });
  const file = join(o.dir, "server.pem");
  const present = read(file);
  if (present && usable(present, ca, o)) return { caPem: ca.certPem, ...present };
  const made = await issue(ca, o);
  const temporary = `${file}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporary, made.keyPem + made.certPem, { mode: 0o600, flush: true });
  renameSync(temporary, file);
  return { caPem: ca.certPem, ...made };
}

interface Pair {
  keyPem: string;
  certPem: string;
}

/** Key and certificate lie in one file, so that they cannot be of two different makings. */
function read(file: string): Pair | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw e;
  }
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  if (at <= 0) throw new Error(`${file} does not hold a key and a certificate; move it away and start again`);
  return { keyPem: text.slice(0, at), certPem: text.slice(at) };
}

async function authority(file: string, env: Env): Promise<Pair> {
  const present = read(file);
  if (present) return present;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString("hex"),
    name: `CN=${PRODUCT} CA ${randomBytes(4).toString("hex")}`,
    ...validity(env, CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const made = { keyPem: await pkcs8(keys.privateKey), certPem: `${cert.toString("pem")}\n` };
  const temporary = `${file}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporary, made.keyPem + made.certPem, { mode: 0o600, flush: true });
  try {
    // link, not rename: it fails when another process was first, and then that one's authority counts.
    linkSync(temporary, file);
    return made;
  } catch (e) {
    const theirs = (e as NodeJS.ErrnoException).code === "EEXIST" ? read(file) : undefined;
    if (!theirs) throw e;
    return theirs;
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function issue(ca: Pair, o: { env: Env; hosts: readonly string[] }): Promise<Pair> {
  const issuer = new x509.X509Certificate(ca.certPem);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    createPrivateKey(ca.keyPem).export({ format: "der", type: "pkcs8" }),
    ALGORITHM,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString("hex"),
    subject: `CN=${PRODUCT} API`,
    issuer: issuer.subject,
    ...validity(o.env, SERVER_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(o.hosts.map((h) => ({ type: isIP(h) ? "ip" : "dns", value: h }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { keyPem: await pkcs8(keys.privateKey), certPem: `${cert.toString("pem")}\n` };
}

/** An hour back, for clocks that differ. */
const validity = (env: Env, days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(env.now() - 3_600_000),
  notAfter: new Date(env.now() + days * DAY),
});

const pkcs8 = async (key: webcrypto.CryptoKey): Promise<string> => {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" }).toString();
};

function usable(pair: Pair, ca: Pair, o: { env: Env; hosts: readonly string[] }): boolean {
  const cert = new X509Certificate(pair.certPem);
  const covers = o.hosts.every((h) => (isIP(h) ? cert.checkIP(h) : cert.checkHost(h)) !== undefined);
  const left = Date.parse(cert.validTo) - o.env.now();
  return (
    covers && left > RENEW_DAYS * DAY && cert.verify(createPublicKey(ca.certPem)) && cert.checkPrivateKey(createPrivateKey(pair.keyPem))
  );
}
