import type { TableSchema } from '#contract';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { strictly, unmeasured, warning } from './limits.ts';
import { fails, passes, rowsWord, skipped } from './row-check.ts';
import { hashRows } from './row-hash.ts';
import { markMissing } from './schema-checks.ts';
import { judgedRows } from './subject.ts';
import type { QualitySubject } from './subject.ts';

/** Columns whose values stand in columns of another dataset. */
export interface Reference {
  readonly columns: readonly string[];
  readonly dataset: string;
  readonly to: readonly string[];
  readonly isWarning: boolean;
}

/** All references of a schema, those of single columns first. */
export function referencesOf(schema: TableSchema): Reference[] {
  const ofColumns = schema.columns.flatMap(({ name, references, severity }) =>
    references
      ? [{ columns: [name], dataset: references.dataset, to: [references.column ?? name], isWarning: severity === 'warning' }]
      : [],
  );
  const ofTable = (schema.references ?? []).map(({ columns, dataset, to = columns }) => ({ columns, dataset, to, isWarning: false }));
  return [...ofColumns, ...ofTable];
}

/** Names what a reference looks values up in. */
export const lookupKey = ({ dataset, to }: Pick<Reference, 'dataset' | 'to'>): string => JSON.stringify([dataset, ...to]);

/** Whether the values that refer to another dataset stand there; a row that misses one of them does not count. */
export function collectReferences(subject: QualitySubject, schema: TableSchema): Collector[] {
  const { batches, lookups } = subject;
  const present = new Set(batches.schema.map(({ name }) => name));
  return referencesOf(schema).map((reference): Collector => {
    const { columns, dataset, to, isWarning } = reference;
    const name = `references: ${columns.join(' + ')}`;
    const lookup = lookups.get(lookupKey(reference));
    const absent = columns.filter((column) => !present.has(column));
    if (absent.length > 0) return known(unmeasured(name, `there is no column ${absent.join(', ')}`));
    if (!lookup || 'missing' in lookup) return known(unmeasured(name, lookup?.missing ?? `dataset "${dataset}" was not looked up`));
    const { values } = lookup;
    const where = `${dataset} (${to.join(', ')}, version ${lookup.version.slice(0, 12)})`;
    return judgedRows(subject, {
      name,
      column: columns[columns.length - 1],
      reads: columns,
      limits: isWarning ? warning : strictly,
      mark: (batch, marks) => {
        const { high, low } = hashRows(batch, columns);
        const absentHere = new Uint8Array(batch.rows);
        const missing = new Uint8Array(batch.rows);
        for (const column of columns) {
          markMissing(batch, column, missing);
          for (let row = 0; row < batch.rows; row++) absentHere[row] |= missing[row];
        }
        for (let row = 0; row < batch.rows; row++)
          marks[row] = absentHere[row] !== 0 ? skipped : values.find(high[row], low[row]) < 0 ? fails : passes;
      },
      failed: (count) => `${rowsWord(count)} refer by ${columns.join(' + ')} to what is not in ${where}`,
      passed: `each ${columns.join(' + ')} stands in ${where}`,
    });
  });
}
