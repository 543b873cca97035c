import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { divideParquet } from '#tables';
import { usualMemoryMib } from '../memory.ts';
import type { DataDeps } from '../port.ts';
import type { Batches } from '../quality/batches.ts';
import type { Dealer } from './deal.ts';
import { classTally } from './stratification.ts';
import type { Classes, ClassTally } from './stratification.ts';

/** The engine that divides the rows has so much of the memory; the one that reads them is at work meanwhile. */
const shareOfDividing = 1 / 2;

/** The rows of parts and sets, each in a file of its own: first the parts, then the sets. */
export interface DividedRows extends AsyncDisposable {
  readonly files: readonly { readonly path: string; readonly rows: number }[];
  /** How classes fall on the parts, and on each set by its place among the sets. */
  readonly classes?: { readonly parts: ClassTally; readonly sets: ClassTally };
}

/**
 * Deals all rows of a file. Files are written only when each of them has rows.
 * @param path of the rows, absolute @param refuseEmpty is called with the rows of each part and set before anything is written
 */
export async function divideRows(
  deps: Pick<DataDeps, 'temporary' | 'memoryLimitMib'>,
  { path, batches }: { readonly path: string; readonly batches: Batches },
  { dealer, parts, sets }: { readonly dealer: Dealer; readonly parts: number; readonly sets: number },
  classesBy: { readonly column: string; readonly classes: Classes } | undefined,
  refuseEmpty: (rows: readonly number[]) => void,
): Promise<DividedRows> {
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-split-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const counts = new Array<number>(parts + sets).fill(0);
    const tallies = classesBy && { parts: classTally(classesBy.classes.names), sets: classTally(classesBy.classes.names) };
    const paths = counts.map((_, i) => join(folder, `${i}.parquet`));
    const reads = [...new Set([...dealer.reads, ...(classesBy === undefined ? [] : [classesBy.column])])];
    await divideParquet(
      path,
      paths,
      async (give) => {
        await batches.each(reads, async (batch) => {
          const dealt = dealer.deal(batch);
          const marks = [...counts.slice(0, parts).map(() => new Uint8Array(batch.rows)), ...dealt.sets];
          dealt.parts.forEach((part, row) => {
            if (part >= 0) marks[part][row] = 1;
          });
          marks.forEach((marked, i) => (counts[i] += marked.reduce((sum, mark) => sum + mark, 0)));
          if (classesBy && tallies) {
            const codes = classesBy.classes.codesOf(batch);
            tallies.parts.add(codes, (row) => dealt.parts[row]);
            dealt.sets.forEach((marked, set) => tallies.sets.add(codes, (row) => (marked[row] === 1 ? set : -1)));
          }
          await give(marks);
        });
        refuseEmpty(counts);
      },
      { memoryLimitMib: Math.round((deps.memoryLimitMib ?? usualMemoryMib) * shareOfDividing), spillFolder: folder },
    );
    const files = paths.map((file, i) => ({ path: file, rows: counts[i] }));
    return { files, ...(tallies === undefined ? {} : { classes: tallies }), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
