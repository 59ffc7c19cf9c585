// Rights of a container in the words of Kubernetes, as far as it has some.
import type { ContainerSpec } from "../fleet.ts";
import type { PodSecurityContext, SecurityContext } from "../types.ts";

/** Undefined for what says nothing. */
export const some = <T extends object>(value: T): T | undefined => (Object.keys(value).length > 0 ? value : undefined);

const number = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined);

/** `seccomp=unconfined`: what stands behind the `=`. */
const option = (c: ContainerSpec, name: string): string | undefined =>
  c.securityOpt?.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);

export const securityOf = (c: ContainerSpec): SecurityContext | undefined => {
  const capabilities = some({ ...(c.capAdd.length ? { add: c.capAdd } : {}), ...(c.capDrop.length ? { drop: c.capDrop } : {}) });
  const [user, group] = (c.user ?? "").split(":");
  const [runAsUser, runAsGroup] = [number(user), number(group)];
  const [seccomp, appArmor] = [option(c, "seccomp"), option(c, "apparmor")];
  return some({
    ...(c.privileged ? { privileged: true } : {}),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(c.readOnly ? { readOnlyRootFilesystem: true } : {}),
    ...(c.securityOpt?.includes("no-new-privileges") ? { allowPrivilegeEscalation: false } : {}),
    ...(seccomp === undefined ? {} : { seccompProfile: { type: seccomp === "unconfined" ? "Unconfined" : "Localhost" } }),
    ...(appArmor === undefined
      ? {}
      : { appArmorProfile: appArmor === "unconfined" ? { type: "Unconfined" } : { type: "Localhost", localhostProfile: appArmor } }),
    ...(capabilities ? { capabilities } : {}),
  });
};

export const podSecurityOf = (c: ContainerSpec): PodSecurityContext | undefined => {
  const groups = (c.groupAdd ?? []).flatMap((group) => number(group) ?? []);
  const sysctls = Object.entries(c.sysctls ?? {}).map(([name, value]) => ({ name, value }));
  return some({ ...(groups.length ? { supplementalGroups: groups } : {}), ...(sysctls.length ? { sysctls } : {}) });
};
