// Flags of the agent about images that nobody needs.
import type { Context } from "../command.ts";

/** For startAgent; false: images stay. @throws CliError (exit 2) */
export const imageGcOf = ({
  flags,
}: Context): { keepRevisions?: number; unused?: number; diskPercent?: number; minAgeMs?: number } | false => {
  if (flags.bool("keep-images")) return false;
  const keepRevisions = flags.int("image-revisions", 1, 100);
  const unused = flags.int("image-unused", 0, 10_000);
  const diskPercent = flags.int("image-disk", 1, 100);
  const minAgeMs = flags.duration("image-min-age");
  return {
    ...(keepRevisions === undefined ? {} : { keepRevisions }),
    ...(unused === undefined ? {} : { unused }),
    ...(diskPercent === undefined ? {} : { diskPercent }),
    ...(minAgeMs === undefined ? {} : { minAgeMs }),
  };
};
