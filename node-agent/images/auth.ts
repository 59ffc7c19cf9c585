// Which credentials go to which registry: `.dockerconfigjson` as Docker's own client and kubelet read it. Pure. Values are never logged.
import { parseReference } from "./reference.ts";

/** What the engine takes as X-Registry-Auth. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** An OAuth refresh token, instead of a password. */
  identitytoken?: string;
  registrytoken?: string;
  serveraddress: string;
}

interface ConfigEntry {
  username?: string;
  password?: string;
  /** Base64 of `username:password`. */
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** Docker Hub under all the names that configurations have for it. */
const HUB = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

const hostOf = (key: string): string => {
  const host = key.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return HUB.has(host) ? "docker.io" : host;
};
/** Below the host: credentials of `registry.example/team` are for images below it only. Hub's `/v1/` is none. */
const pathOf = (key: string): string =>
  key
    .replace(/^https?:\/\//, "")
    .split("/")
    .slice(1)
    .join("/")
    .replace(/^v[12]\/?$/, "")
    .replace(/\/$/, "");

/**
 * Credentials for an image, best first: the longest path that matches, then in the order of the configurations.
 * @param configs contents of `.dockerconfigjson`. What cannot be read gives nothing: the pull then fails and says so.
 */
export const credentialsFor = (image: string, configs: readonly string[]): RegistryAuth[] => {
  const { registry, path } = parseReference(image);
  const found = configs.flatMap((text) =>
    entriesOf(text).flatMap(([key, entry]) => {
      const below = pathOf(key);
      const matches = sameHost(hostOf(key), registry) && (below === "" || path === below || path.startsWith(`${below}/`));
      const auth = matches ? authOf(entry, key) : undefined;
      return auth ? [{ auth, depth: below.length }] : [];
    }),
  );
  return found.toSorted((a, b) => b.depth - a.depth).map(({ auth }) => auth);
};

/** `*.example.com` stands for one part of a host's name. Source: kubelet, credentialprovider/keyring.go. */
const sameHost = (pattern: string, host: string): boolean => {
  const [want, have] = [pattern.split("."), host.split(".")];
  return want.length === have.length && want.every((part, i) => part === have[i] || (part === "*" && !have[i]?.includes(":")));
};

const entriesOf = (text: string): [string, ConfigEntry][] => {
  try {
    const auths: unknown = (JSON.parse(text) as { auths?: unknown } | null)?.auths;
    return typeof auths === "object" && auths !== null ? (Object.entries(auths) as [string, ConfigEntry][]) : [];
  } catch {
    return [];
  }
};

const authOf = (entry: ConfigEntry | null, key: string): RegistryAuth | undefined => {
  if (typeof entry !== "object" || entry === null) return undefined;
  const serveraddress = key;
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress };
  if (entry.registrytoken) return { registrytoken: entry.registrytoken, serveraddress };
  let { username, password } = entry;
  if (entry.auth && !username) {
    const said = Buffer.from(entry.auth, "base64").toString("utf8");
    const colon = said.indexOf(":");
    if (colon >= 0) [username, password] = [said.slice(0, colon), said.slice(colon + 1).replace(/\0+$/, "")];
  }
  return username === undefined ? undefined : { username, password: password ?? "", serveraddress };
};
