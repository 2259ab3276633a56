/** How the versions of a feature follow from each other, on both axes of time. */
import type { Version } from "../api/types";
import { changed, same } from "./difference";
import { toMs } from "./instant";

const begin = (version: Version) => (version.valid_from === null ? -Infinity : toMs(version.valid_from));
const end = (version: Version) => (version.valid_to === null ? Infinity : toMs(version.valid_to));

/**
 * Return the version in which what this one says was first recorded.
 *
 * When something new holds from a day on, the version before is written again with an earlier end. It says nothing new,
 * so who recorded it and why is found where it came from.
 */
export function origin(version: Version, all: Version[], names: string[]): Version {
  const older = all.find((other) => other.seq_to === version.seq_from && begin(other) === begin(version)
    && changed(other.properties, version.properties, names).length === 0 && same(other.geometry, version.geometry));
  return older ? origin(older, all, names) : version;
}

/**
 * Return the version that a version is to be compared with.
 *
 * A correction stands beside what it corrected: a version that was closed by the same changeset and held at the same
 * time. News stand beside what was so before them. The first version has none.
 */
export function predecessor(version: Version, all: Version[]): Version | undefined {
  const known = (other: Version) => other.seq_from <= version.seq_from && (other.seq_to === null || other.seq_to > version.seq_from);
  const corrected = all.find((other) => other.seq_to === version.seq_from && begin(other) === begin(version));
  return corrected ?? all.find((other) => end(other) === begin(version) && known(other));
}
