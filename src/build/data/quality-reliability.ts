import type { QualityCheck } from '#contract';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import type { QualitySubject } from './quality-subject.ts';
import { unmeasured } from './quality-subject.ts';
import { collectFailures, shareCheck, uniqueCheck } from './validate.ts';

/**
 * Reliability: can a row be trusted to stand for one thing? The key, repeated rows, rows alike in all features with different targets,
 * and whether the stored bytes are still the ones that were recorded.
 */
export function reliabilityChecks({ frame, request, stored }: QualitySubject): QualityCheck[] {
  return [
    ...keyChecks(frame, request.key),
    duplicateCheck(frame, request.key),
    contradictionCheck(frame, request.key, request.target),
    storedCheck(stored),
  ];
}

function keyChecks(frame: Frame, key: string | undefined): QualityCheck[] {
  if (key === undefined) return [unmeasured('unique key', 'no key was named')];
  const column = frame.column(key);
  const missing = collectFailures(frame, key, (row) => isMissing(column, row));
  return [
    { ...uniqueCheck(frame, key), name: 'unique key' },
    shareCheck('key present', 'error', missing, (count) => `${count} rows have no ${key}`, `every row has its ${key}`),
  ];
}

/**
 * Rows with the same number are equal in the given columns. Refines the groups column by column, without making a text of any row,
 * and stops as soon as no two rows are alike.
 */
export function groupRows(frame: Frame, names: readonly string[]): Int32Array {
  let groups = new Int32Array(frame.rows);
  let count = 1;
  for (const name of names) {
    if (count === frame.rows) break;
    const column = frame.column(name);
    const codes = column.kind === 'text' ? column.codes.map((code) => code + 1) : codesOf(column.values);
    const next = new Int32Array(frame.rows);
    // group and code as one number: rows x rows stays below 2^53
    const numberOf = new Map<number, number>();
    for (let row = 0; row < frame.rows; row++) {
      const pair = codes[row] * count + groups[row];
      let number = numberOf.get(pair);
      if (number === undefined) numberOf.set(pair, (number = numberOf.size));
      next[row] = number;
    }
    groups = next;
    count = numberOf.size;
  }
  return groups;
}

/** Numbers coded in the order of their first appearance; NaN, which a Map finds like any other value, as well: missing values are alike. */
function codesOf(values: Float64Array): Int32Array {
  const codeOf = new Map<number, number>();
  return Int32Array.from(values, (value) => {
    let code = codeOf.get(value);
    if (code === undefined) codeOf.set(value, (code = codeOf.size));
    return code;
  });
}

function duplicateCheck(frame: Frame, key: string | undefined): QualityCheck {
  const seen = new Set<number>();
  const groups = groupRows(
    frame,
    frame.names.filter((name) => name !== key),
  );
  const failures = collectFailures(frame, key, (row) => {
    if (seen.has(groups[row])) return true;
    seen.add(groups[row]);
    return false;
  });
  const besides = key === undefined ? '' : ` but ${key}`;
  return shareCheck(
    'duplicate rows',
    'warning',
    failures,
    (count) => `${count} rows repeat an earlier one in every column${besides}`,
    'no row repeats another',
  );
}

function contradictionCheck(frame: Frame, key: string | undefined, target: string | undefined): QualityCheck {
  if (target === undefined) return unmeasured('consistent labels', 'no target was named');
  const column = frame.column(target);
  const groups = groupRows(
    frame,
    frame.names.filter((name) => name !== key && name !== target),
  );
  const values = column.kind === 'text' ? column.codes : column.values;
  const first = new Map<number, number>();
  const torn = new Set<number>();
  for (let row = 0; row < frame.rows; row++) {
    if (isMissing(column, row)) continue;
    const known = first.get(groups[row]);
    if (known === undefined) first.set(groups[row], values[row]);
    else if (known !== values[row]) torn.add(groups[row]);
  }
  const failures = collectFailures(frame, key ?? target, (row) => torn.has(groups[row]));
  const words = (count: number): string => `${count} rows are alike in every feature and differ in ${target}, in ${torn.size} groups`;
  return shareCheck('consistent labels', 'warning', failures, words, `rows alike in every feature agree on ${target}`);
}

function storedCheck({ intact, message }: QualitySubject['stored']): QualityCheck {
  return {
    name: 'stored bytes',
    score: intact ? 1 : 0,
    weight: 1,
    severity: intact ? 'info' : 'error',
    message,
    failing: intact ? 0 : 1,
    examples: [],
  };
}
