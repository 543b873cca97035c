import type { DatasetVersion, PersonalSuggestion } from '#contract';
import { asSha256 } from '#core';
import { positionColumn, sqlName, withParquet } from '#tables';
import type { DataDeps } from '../port.ts';
import { suggestPersonal } from './suggest.ts';

/** Rows that are looked at: the first ones. */
const rowsSeen = 5000;
const mostRemembered = 2000;

/** Looks at the first rows of versions, each once. What it finds follows from the rows, so nothing is recorded. */
export function personalSuggestions(deps: DataDeps): (version: DatasetVersion) => Promise<readonly PersonalSuggestion[]> {
  const known = new Map<string, Promise<readonly PersonalSuggestion[]>>();
  return async ({ rowsDigest }) => {
    const before = known.get(rowsDigest);
    if (before) return before;
    if (known.size >= mostRemembered) known.clear();
    const found = look(deps, rowsDigest);
    known.set(rowsDigest, found);
    try {
      return await found;
    } catch (error) {
      known.delete(rowsDigest);
      throw error;
    }
  };
}

async function look({ blobs }: DataDeps, rowsDigest: string): Promise<readonly PersonalSuggestion[]> {
  const rows = await blobs.localPath(asSha256(rowsDigest));
  return withParquet({ rows }, async (tables) => {
    const columns = tables.schemaOf('rows').map(({ name }) => sqlName(name));
    const position = sqlName(positionColumn);
    return suggestPersonal(
      await tables.frame(`SELECT ${columns.join(', ')} FROM rows WHERE ${position} < ${rowsSeen} ORDER BY ${position}`),
    );
  });
}
