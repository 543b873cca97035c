import { GyreError, hasCode } from '#core';
import type { DataDeps, QualityRequest } from '../port.ts';
import type { Batches } from '../quality/batches.ts';
import type { SidesToCome } from '../quality/subject.ts';
import { openDealer } from './deal.ts';
import { partRanges } from './hash-split.ts';
import { borderDefinitions, keptBorders } from './kept-borders.ts';

/**
 * How a split will deal the rows of a dataset's version: by the borders that are kept, or those that it would draw. Rows without a key, or
 * with that of another one, are dealt like the others.
 * @throws GyreError INVALID_ARGUMENT when the fractions are wrong
 */
export async function sidesToCome(
  deps: Pick<DataDeps, 'store'>,
  batches: Batches,
  dataset: string,
  { key, split }: Pick<QualityRequest, 'key' | 'split'>,
): Promise<SidesToCome | undefined> {
  if (split === undefined) return undefined;
  const ranges = partRanges(split.parts);
  const { sets = [] } = split;
  try {
    const deal = { ...split, dataset, ...(key === undefined ? {} : { key }) };
    const kept = await keptBorders(deps, borderDefinitions(deal));
    const dealer = await openDealer(batches, deal, ranges, kept, { checksKeys: false });
    return { dealer, parts: ranges.length, names: [...ranges.map(({ part }) => part), ...sets.map(({ set }) => set)] };
  } catch (error) {
    if (error instanceof GyreError && (hasCode(error, 'FAILED_PRECONDITION') || hasCode(error, 'INVALID_ARGUMENT')))
      return { missing: error.message };
    throw error;
  }
}
