import type { QualityCheck } from '#contract';
import { isMissing } from '#tables';
import type { QualitySubject } from './quality-subject.ts';
import { unmeasured } from './quality-subject.ts';
import { collectFailures, shareCheck, validateFrame } from './validate.ts';

/** A column that misses more than this share without a limit in the schema is worth a warning. */
const muchMissing = 0.05;

/** Completeness: is everything there? Missing values per column, rows without any missing value, rows that miss most. */
export function completenessChecks({ frame, request }: QualitySubject): QualityCheck[] {
  const columns = frame.names.map((name) => ({ name, column: frame.column(name) }));
  const limits = request.schema ? validateFrame(frame, request.schema).filter(({ name }) => name.startsWith('missing: ')) : [];
  const limited = new Set(limits.map(({ name }) => name));
  const perColumn = columns.flatMap(({ name, column }): QualityCheck[] => {
    if (limited.has(`missing: ${name}`)) return [];
    const failures = collectFailures(frame, name, (row) => isMissing(column, row));
    if (failures.count === 0) return [];
    const share = failures.count / failures.applied;
    const words = (count: number): string => `${name} is missing in ${count} row${count === 1 ? '' : 's'} (${(share * 100).toFixed(2)} %)`;
    return [shareCheck(`missing: ${name}`, share > muchMissing ? 'warning' : 'info', failures, words, '')];
  });
  const missing = new Uint32Array(frame.rows);
  for (const { column } of columns) for (let row = 0; row < frame.rows; row++) if (isMissing(column, row)) missing[row]++;
  const anyMissing = (row: number): boolean => missing[row] > 0;
  const mostMissing = (row: number): boolean => missing[row] * 2 > columns.length;
  return [
    ...limits,
    ...perColumn,
    shareCheck(
      'complete rows',
      'info',
      collectFailures(frame, undefined, anyMissing),
      (count) => `${count} rows miss at least one value`,
      'no row misses a value',
    ),
    shareCheck(
      'rows with most values',
      'warning',
      collectFailures(frame, undefined, mostMissing),
      (count) => `${count} rows miss more than half of their values`,
      'every row has at least half of its values',
    ),
    request.schema
      ? expectedColumns(
          frame.names,
          request.schema.columns.map(({ name }) => name),
        )
      : unmeasured('expected columns', 'no reviewed schema was given'),
  ];
}

function expectedColumns(present: readonly string[], expected: readonly string[]): QualityCheck {
  const lacking = expected.filter((name) => !present.includes(name));
  return {
    name: 'expected columns',
    score: 1 - lacking.length / expected.length,
    weight: 1,
    // the schema's own check in accuracy is the violation; here it is only a matter of the score
    severity: lacking.length > 0 ? 'warning' : 'info',
    message: lacking.length > 0 ? `${lacking.join(', ')} are missing` : `all ${expected.length} expected columns are there`,
    failing: lacking.length,
    examples: lacking.slice(0, 5).map((column) => ({ column, value: null })),
  };
}
