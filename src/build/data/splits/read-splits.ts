import type { DatasetVersion, Split } from '#contract';
import { GyreError, asSha256 } from '#core';
import { readParquet } from '#tables';
import { workRoomOf } from '../memory.ts';
import type { Data, DataDeps } from '../port.ts';
import { openBatches } from '../quality/batches.ts';
import { findVersion } from '../versions.ts';
import { reportOfSplit, sidesOf } from './split-report.ts';
import { keepSplitReport, splitById, splitReportOf, splitsOf } from './splits-store.ts';

/** Splits as they were made, and what their sides look like. */
export function openSplits(deps: DataDeps): Pick<Data, 'getSplit' | 'splitsOf' | 'splitReport'> {
  const { store } = deps;
  const getSplit = async (id: string): Promise<Split> => {
    const found = await store.read((db) => splitById(db, id));
    if (found) return found;
    throw new GyreError('NOT_FOUND', `no split ${id}`, { id });
  };
  return {
    getSplit,
    splitsOf: async (version) => {
      const { digest } = await findVersion(deps, version);
      return store.read((db) => splitsOf(db, digest));
    },
    splitReport: async (id) => {
      const kept = await store.read((db) => splitReportOf(db, id));
      if (kept) return kept;
      const split = await getSplit(id);
      const made = await reportOfSplit(
        split,
        sidesOf(split, async (version) => {
          const path = await deps.blobs.localPath(asSha256((await findVersion(deps, version)).rowsDigest), { verify: true });
          return (await openBatches(path, () => readParquet(path), workRoomOf(deps))).batches;
        }),
      );
      await store.write(keepSplitReport, made);
      return made;
    },
  };
}

/** A part or validation set of a version's newest split. @throws GyreError NOT_FOUND naming those that there are */
export async function partOf(deps: DataDeps, version: DatasetVersion, part: string | undefined): Promise<DatasetVersion> {
  if (part === undefined) return version;
  const [split] = await deps.store.read((db) => splitsOf(db, version.digest));
  const named = split?.parts.find((each) => each.part === part) ?? split?.sets?.find(({ set }) => set === part);
  if (named) return findVersion(deps, named.version);
  const sets = split?.sets === undefined ? '' : `, its validation sets ${split.sets.map(({ set }) => set).join(', ')}`;
  const has = split ? `its parts are ${split.parts.map((each) => each.part).join(', ')}${sets}` : 'it was never split';
  throw new GyreError('NOT_FOUND', `version ${version.digest} has no part "${part}": ${has}`, { version: version.digest, part });
}
