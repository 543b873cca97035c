import type { StepItem } from '#contract';
import type { Store } from '#store';
import type { ItemListOptions } from '../port.ts';
import { findGeneration, listItems, stepItemOf } from './items-store.ts';
import type { ItemRow } from './items-store.ts';

const rowsAtOnce = 1000;

/** A page of a step run's items; empty where the step has none, or has not started yet. */
export async function itemsOf(
  store: Store,
  stepRun: string,
  { file, ...page }: ItemListOptions,
): Promise<{ readonly items: readonly StepItem[]; readonly next?: string }> {
  return store.read(async (db) => {
    const found = await findGeneration(db, stepRun);
    if (found === undefined) return { items: [] };
    const matching: ItemRow[] = [];
    // Which files an item has stands in its row: without a file to look for, this is one query.
    for (let after = page.after; ;) {
      const limit = file === undefined ? page.limit : rowsAtOnce;
      const rows = await listItems(db, found, { ...page, limit, ...(after === undefined ? {} : { after }) });
      matching.push(...rows.filter((row) => file === undefined || [...row.inputs, ...row.outputs].some(({ path }) => path === file)));
      if (file === undefined || matching.length > page.limit || rows.length <= limit) break;
      after = rows.at(-1)?.item;
    }
    const items = matching.slice(0, page.limit).map((row) => stepItemOf(row, found.generation));
    const last = items.at(-1);
    return matching.length > page.limit && last !== undefined ? { items, next: last.item } : { items };
  });
}
