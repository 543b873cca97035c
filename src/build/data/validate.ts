import type { ColumnSchema, QualityCheck, TableSchema } from '#contract';
import { cellOf, isMissing } from '#tables';
import type { Column, Frame } from '#tables';
import { parseRule, ruleOn } from './rules.ts';
import { wholePattern } from './table-schema.ts';

const examplesKept = 5;

export type FailingExample = QualityCheck['examples'][number];

/** The number of a row as a reader of the source counts: the header is 1, the first row of data 2. */
export const rowNumber = (row: number): number => row + 2;

/** Counts failing rows and keeps the first few as examples. */
export interface Failures {
  count: number;
  readonly examples: FailingExample[];
}

/** @param fails whether a row fails; undefined: the check does not apply to it */
export function collectFailures(
  frame: Frame,
  column: string | undefined,
  fails: (row: number) => boolean | undefined,
): Failures & { applied: number } {
  const found = { count: 0, applied: 0, examples: new Array<FailingExample>() };
  for (let row = 0; row < frame.rows; row++) {
    const verdict = fails(row);
    if (verdict === undefined) continue;
    found.applied++;
    if (!verdict) continue;
    found.count++;
    if (found.examples.length < examplesKept) found.examples.push(exampleAt(frame, column, row));
  }
  return found;
}

/** A row as an example: its number, and its value in a column. */
export function exampleAt(frame: Frame, column: string | undefined, row: number): FailingExample {
  if (column === undefined) return { row: rowNumber(row), value: null };
  const cell = cellOf(frame.column(column), frame.typeOf(column), row);
  return { row: rowNumber(row), column, value: typeof cell === 'boolean' ? String(cell) : cell };
}

/**
 * Makes a check from failures: its score is the share of rows that pass.
 * @param failed words for a failing check, from the number of failures; @param passed words for a passing one
 */
export function shareCheck(
  name: string,
  severity: QualityCheck['severity'],
  { count, applied, examples }: Failures & { readonly applied: number },
  failed: (count: number) => string,
  passed: string,
  weight = 1,
): QualityCheck {
  if (applied === 0)
    return { name, score: null, weight, severity: 'info', message: `not measurable: no row to look at`, failing: 0, examples: [] };
  return {
    name,
    score: 1 - count / applied,
    weight,
    severity: count > 0 ? severity : 'info',
    message: count > 0 ? failed(count) : passed,
    failing: count,
    examples,
  };
}

const rowsWord = (count: number): string => `${count} row${count === 1 ? '' : 's'}`;

/**
 * Holds a table against its reviewed schema. Each expectation is one check; one of severity `error` is a violation.
 * @returns checks in the order: columns, then each column's own, then the rules between columns
 * @throws GyreError INVALID_ARGUMENT when a rule cannot be read
 */
export function validateFrame(frame: Frame, schema: TableSchema): QualityCheck[] {
  const known = schema.columns.filter(({ name }) => frame.has(name));
  const checks = [columnsCheck(frame, schema), ...known.flatMap((expected) => columnChecks(frame, expected))];
  const withColumns = schema.rules?.map((text) => parseRule(text, frame)) ?? [];
  for (const rule of withColumns) {
    const holds = ruleOn(frame, rule);
    const failures = collectFailures(frame, rule.columns[0], (row) => {
      const verdict = holds(row);
      return verdict === undefined ? undefined : !verdict;
    });
    checks.push(
      shareCheck(`rule: ${rule.text}`, 'error', failures, (count) => `${rowsWord(count)} break ${rule.text}`, `${rule.text} holds`),
    );
  }
  return checks;
}

/** The violations among checks: those of severity `error` that fail. */
export function violationsOf(checks: readonly QualityCheck[]): QualityCheck[] {
  return checks.filter(({ severity, failing }) => severity === 'error' && failing > 0);
}

function columnsCheck(frame: Frame, schema: TableSchema): QualityCheck {
  const expected = schema.columns.map(({ name }) => name);
  const lacking = expected.filter((name) => !frame.has(name));
  const extra = frame.names.filter((name) => !expected.includes(name));
  const failing = lacking.length + extra.length;
  const words = [
    lacking.length > 0 ? `missing: ${lacking.join(', ')}` : '',
    extra.length > 0 ? `not in the schema: ${extra.join(', ')}` : '',
  ].filter((each) => each !== '');
  return {
    name: 'columns',
    score: 1 - Math.min(1, failing / expected.length),
    weight: 1,
    severity: failing > 0 ? 'error' : 'info',
    message: failing > 0 ? `columns ${words.join('; ')}` : `all ${expected.length} columns of the schema are there, and no other`,
    failing,
    examples: [...lacking, ...extra].slice(0, examplesKept).map((column) => ({ column, value: null })),
  };
}

function columnChecks(frame: Frame, expected: ColumnSchema): QualityCheck[] {
  const { name } = expected;
  const column = frame.column(name);
  const type = frame.typeOf(name);
  const fits = type === expected.type || (expected.type === 'number' && type === 'integer');
  const checks: QualityCheck[] = [
    {
      name: `type: ${name}`,
      score: fits ? 1 : 0,
      weight: 1,
      severity: fits ? 'info' : 'error',
      message: fits ? `${name} is ${expected.type}` : `${name} reads as ${type}, the schema wants ${expected.type}`,
      failing: fits ? 0 : 1,
      examples: fits ? [] : [exampleAt(frame, name, firstPresent(column, frame.rows))].filter(() => frame.rows > 0),
    },
  ];
  if (!fits) return checks;
  checks.push(...missingChecks(frame, expected, column));
  if (expected.unique) checks.push(uniqueCheck(frame, name));
  checks.push(...rangeChecks(frame, expected, column), ...textChecks(frame, expected, column));
  return checks;
}

const firstPresent = (column: Column, rows: number): number => {
  for (let row = 0; row < rows; row++) if (!isMissing(column, row)) return row;
  return 0;
};

function missingChecks(frame: Frame, { name, nullable = true, maxMissing }: ColumnSchema, column: Column): QualityCheck[] {
  if (nullable && maxMissing === undefined) return [];
  const failures = collectFailures(frame, name, (row) => isMissing(column, row));
  const share = failures.applied === 0 ? 0 : failures.count / failures.applied;
  const limit = nullable ? (maxMissing ?? 1) : 0;
  const wanted = nullable ? `at most ${(limit * 100).toFixed(1)} % missing` : 'no missing value';
  const severity = share > limit ? 'error' : 'info';
  const check = shareCheck(
    `missing: ${name}`,
    severity,
    failures,
    (count) => `${name} is missing in ${rowsWord(count)} (${(share * 100).toFixed(2)} %); wanted: ${wanted}`,
    `${name} has no missing value`,
  );
  return [check];
}

/** Whether each value of a column stands in one row only; missing values do not count. */
export function uniqueCheck(frame: Frame, name: string): QualityCheck {
  const column = frame.column(name);
  const seen = new Set<number>();
  const failures = collectFailures(frame, name, (row) => {
    if (isMissing(column, row)) return undefined;
    const value = column.kind === 'text' ? column.codes[row] : column.values[row];
    if (seen.has(value)) return true;
    seen.add(value);
    return false;
  });
  return shareCheck(
    `unique: ${name}`,
    'error',
    failures,
    (count) => `${rowsWord(count)} repeat a value of ${name}`,
    `each value of ${name} is unique`,
  );
}

function rangeChecks(frame: Frame, { name, min, max }: ColumnSchema, column: Column): QualityCheck[] {
  if ((min === undefined && max === undefined) || column.kind === 'text') return [];
  const [low, high] = [min ?? -Infinity, max ?? Infinity];
  const wanted = min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} … ${max}`;
  const failures = collectFailures(frame, name, (row) => {
    const value = column.values[row];
    return Number.isNaN(value) ? undefined : value < low || value > high;
  });
  return [
    shareCheck(
      `range: ${name}`,
      'error',
      failures,
      (count) => `${name} is out of range in ${rowsWord(count)}; wanted: ${wanted}`,
      `${name} is within ${wanted}`,
    ),
  ];
}

function textChecks(frame: Frame, { name, categories, pattern }: ColumnSchema, column: Column): QualityCheck[] {
  if (column.kind !== 'text') return [];
  const { codes } = column;
  const perText = (fails: (text: string) => boolean): ((row: number) => boolean | undefined) => {
    const verdicts = column.dictionary.map(fails);
    return (row) => (codes[row] < 0 ? undefined : verdicts[codes[row]]);
  };
  const checks: QualityCheck[] = [];
  if (categories) {
    const allowed = new Set(categories);
    const failures = collectFailures(
      frame,
      name,
      perText((text) => !allowed.has(text)),
    );
    const words = (count: number): string =>
      `${rowsWord(count)} have a value of ${name} that is none of ${categories.slice(0, 12).join(', ')}`;
    checks.push(shareCheck(`categories: ${name}`, 'error', failures, words, `${name} has known categories only`));
  }
  if (pattern !== undefined) {
    const expression = wholePattern(pattern);
    const failures = collectFailures(
      frame,
      name,
      perText((text) => !expression.test(text)),
    );
    checks.push(
      shareCheck(
        `pattern: ${name}`,
        'error',
        failures,
        (count) => `${rowsWord(count)} have a value of ${name} that does not match ${pattern}`,
        `${name} matches ${pattern}`,
      ),
    );
  }
  return checks;
}
