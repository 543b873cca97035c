import type { DatasetVersion } from '#contract';
import type { Frame } from '#tables';
import { splitsOf } from '../splits/splits-store.ts';
import type { DataDeps } from '../port.ts';
import { findVersion, openRows } from '../versions.ts';
import { areImages, imageChecks } from './image-checks.ts';
import type { Division, ImageChecks } from './image-checks.ts';

/** The checks on a version whose rows are images, with its splits; nothing for other rows. */
export async function imageChecksOf(deps: DataDeps, version: DatasetVersion, frame: Frame): Promise<ImageChecks> {
  return areImages(frame) ? imageChecks(frame, await divisionsOf(deps, version, frame)) : {};
}

/** The checks on a version of images, found out once, and again whenever it has other splits than it had. */
export function checksKeeper(deps: DataDeps, version: DatasetVersion, frame: Frame): () => Promise<ImageChecks> {
  let kept: { readonly splits: string; readonly checks: Promise<ImageChecks> } | undefined;
  return async () => {
    const splits = (await deps.store.read((db) => splitsOf(db, version.digest))).map(({ id }) => id).join(' ');
    if (kept?.splits === splits) return kept.checks;
    const checks = imageChecksOf(deps, version, frame);
    kept = { splits, checks };
    checks.catch(() => {
      if (kept?.checks === checks) kept = undefined;
    });
    return checks;
  };
}

/** The splits of a version as divisions of its rows, newest first; an image is in the part whose version names its path. */
async function divisionsOf(deps: DataDeps, version: DatasetVersion, frame: Frame): Promise<Division[]> {
  const splits = await deps.store.read((db) => splitsOf(db, version.digest));
  const divisions: Division[] = [];
  for (const { parts, sets = [], key, salt } of splits) {
    const partOfPath = new Map<string, string>();
    const named = [...sets.map(({ set, version: digest }) => ({ part: set, version: digest })), ...parts];
    for (const { part, version: digest } of named) {
      const { codes, dictionary } = (await openRows(deps, await findVersion(deps, digest), ['path'])).texts('path');
      for (const code of codes) if (code >= 0) partOfPath.set(dictionary[code], part);
    }
    const paths = frame.texts('path');
    divisions.push({
      name: `split of ${parts.map(({ part }) => part).join(', ')} by ${key} (salt ${salt})`,
      partOf: (row) => partOfPath.get(paths.dictionary[paths.codes[row]]),
    });
  }
  return divisions;
}
