import type { SearchOrder } from '#contract';
import type { Db } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { inOrderOf } from './in-order.ts';
import type { SearchRuns } from './port.ts';
import { searchPositions } from './search-runs-store.ts';
import { keyedOrder, metricOrder } from './table-store.ts';
import type { ValueRow } from './table-store.ts';
import { runNameTag } from './words.ts';

/** From so many on, reading an index from end to end is cheaper than looking each run up. */
const manyRuns = 2000;
/** Other experiments may have the same key: so many more values than runs are read and passed over. */
const readForOne = 4;

/**
 * All runs of a selection in the order of one metric, parameter or tag: the selection and the values are each read once along an index, and
 * brought together in memory.
 * @param many of fewer runs each is looked up
 * @returns undefined where that is not the way: another order, few runs, a key that is mostly other experiments'
 */
export async function wholeOrder(
  db: Db,
  names: MetricNames,
  query: Omit<SearchRuns, 'experiments' | 'limit' | 'after'> & { readonly experiments: readonly number[] },
  most: number,
  many = manyRuns,
): Promise<readonly number[] | undefined> {
  const [item] = query.order;
  if (query.order.length !== 1 || item === undefined || !isKeyed(item)) return undefined;
  const { positions, more } = await searchPositions(db, names, { ...query, order: [] }, most);
  if (more || positions.length < many) return undefined;
  const rows = await valuesOf(db, names, item, positions.length * readForOne);
  return rows === undefined ? undefined : inOrderOf(positions, rows, item.ascending);
}

const isKeyed = ({ entity, key }: SearchOrder): boolean =>
  entity === 'metric' || entity === 'parameter' || (entity === 'tag' && key !== runNameTag);

async function valuesOf(
  db: Db,
  names: MetricNames,
  { entity, key }: SearchOrder,
  most: number,
): Promise<readonly (readonly ValueRow[])[] | undefined> {
  if (entity !== 'metric') return keyedOrder(db, entity === 'parameter' ? 'parameters' : 'tags', key, most);
  const name = await names.find(db, key);
  return name === undefined ? [] : metricOrder(db, name, most);
}
