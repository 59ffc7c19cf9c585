// What a Stack's body as people write it needs before it can be sent as a patch. Pure.
type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** `volumes: {data: }` means "with defaults". A JSON merge patch would read null as "remove". */
export const withoutNullMaps = (spec: Obj): Obj => {
  const filled = { ...spec };
  for (const key of ["volumes", "networks"]) if (isObj(filled[key])) filled[key] = emptyForNull(filled[key]);
  if (isObj(filled["services"]))
    filled["services"] = Object.fromEntries(
      Object.entries(filled["services"]).map(([name, s]) => [
        name,
        isObj(s) && isObj(s["networks"]) ? { ...s, networks: emptyForNull(s["networks"]) } : s,
      ]),
    );
  return filled;
};

const emptyForNull = (map: Obj): Obj => Object.fromEntries(Object.entries(map).map(([k, v]) => [k, v === null ? {} : v]));
