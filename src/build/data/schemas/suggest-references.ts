import type { ColumnProfile } from '#contract';
import { hashRows } from '../quality/row-hash.ts';
import type { HashIndex } from '../quality/row-hash.ts';
import type { Collector } from '../quality/collector.ts';

/** A column of another dataset that values may refer to. */
export interface ReferenceTarget {
  readonly dataset: string;
  readonly column: string;
  readonly type: ColumnProfile['type'];
  /** Its values; undefined where one is there twice or missing, so that it names no row. */
  readonly open: () => Promise<HashIndex | undefined>;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
/** Singulars that a plural may be of. */
const singulars = (name: string): readonly string[] => [name, name.replace(/ies$/, 'y'), name.replace(/es$/, ''), name.replace(/s$/, '')];

/** Whether a column's name speaks of a column of another dataset: `customer_id`, `shop`, `code` of `customers`, `shops`, `code`. */
export function speaksOf(column: string, target: Pick<ReferenceTarget, 'dataset' | 'column'>): boolean {
  const [own, other] = [plain(column), plain(target.column)];
  if (own === other) return own !== 'id' && own !== 'key' && own !== 'no';
  return singulars(plain(target.dataset)).some((dataset) => own === dataset || own === dataset + other);
}

/** The columns that may refer to another dataset, by names and types. */
export function candidatesOf(
  profiles: readonly ColumnProfile[],
  targets: readonly ReferenceTarget[],
): { readonly column: string; readonly target: ReferenceTarget }[] {
  return profiles
    .filter(({ type, count, distinct }) => (type === 'string' || type === 'integer') && count > 0 && distinct > 1)
    .flatMap(({ name, type }) =>
      targets.filter((target) => target.type === type && speaksOf(name, target)).map((target) => ({ column: name, target })),
    );
}

/** Whether each value of a column stands among others; missing ones refer to nothing. */
export function inclusionOf(column: string, values: HashIndex): Collector & { readonly isIncluded: () => boolean } {
  let absent = 0;
  return {
    reads: [column],
    take: (batch) => {
      if (absent > 0) return;
      const { high, low } = hashRows(batch, [column]);
      const own = batch.column(column);
      for (let row = 0; row < batch.rows; row++) {
        const isMissing = own.kind === 'text' ? own.codes[row] < 0 : Number.isNaN(own.values[row]);
        if (!isMissing && values.find(high[row], low[row]) < 0) absent++;
      }
    },
    findings: () => [],
    isIncluded: () => absent === 0,
  };
}
