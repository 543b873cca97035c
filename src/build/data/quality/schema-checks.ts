import type { CheckLimits, ColumnSchema, TableSchema as ReviewedSchema } from '#contract';
import type { Frame, TableSchema } from '#tables';
import { parseRule, ruleOn } from '../rules.ts';
import type { Rule } from '../rules.ts';
import { wholePattern } from '../table-schema.ts';
import { instantOfMoment } from './moments.ts';
import { strictly, warning } from './limits.ts';
import type { Finding } from './limits.ts';
import { fails, markRows, passes, rowsWord, skipped } from './row-check.ts';
import type { RowCheck } from './row-check.ts';
import { always, categoriesSql, lengthSql, never, orderSql, patternSql, rangeSql, ruleSql } from './row-sql.ts';
import type { RowSql } from './row-sql.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import type { HashIndex } from './row-hash.ts';

/** What a table's shape says for itself, before any row is looked at. */
export interface TableShape {
  readonly schema: TableSchema;
  readonly rows: number;
}

/**
 * The expectations of a reviewed schema on a table of this shape, each as one check on rows; columns that the table lacks have none
 * (see `columnsFinding`).
 * @returns in the order: each column's own, keys, the rules between columns
 * @throws GyreError INVALID_ARGUMENT when a rule cannot be read
 */
export function schemaChecks(table: TableShape, schema: ReviewedSchema): RowCheck[] {
  const types = new Map(table.schema.map(({ name, type }) => [name, type]));
  const known = schema.columns.filter(({ name }) => types.has(name));
  return [
    ...known.flatMap((expected) => columnChecks(expected, types.get(expected.name) ?? expected.type, table.rows)),
    ...(schema.keys ?? [])
      .filter((columns) => columns.every((name) => types.has(name)))
      .map((columns) => uniqueCheck(columns, table.rows, strictly, `key: ${columns.join(' + ')}`)),
    ...ruleChecks(table, schema),
  ];
}

/** Whether the table has the columns that the schema wants, and no other. */
export function columnsFinding(table: TableShape, schema: ReviewedSchema): Finding {
  const present = new Set(table.schema.map(({ name }) => name));
  const expected = new Set(schema.columns.map(({ name }) => name));
  const lacking = schema.columns.filter(({ name, presence }) => presence !== 'optional' && !present.has(name)).map(({ name }) => name);
  const extra = [...present].filter((name) => !expected.has(name));
  const failing = lacking.length + extra.length;
  const words = [
    lacking.length > 0 ? `missing: ${lacking.join(', ')}` : '',
    extra.length > 0 ? `not in the schema: ${extra.join(', ')}` : '',
  ].filter((each) => each !== '');
  return {
    name: 'columns',
    score: 1 - Math.min(1, failing / expected.size),
    weight: 1,
    limits: strictly,
    message: failing > 0 ? `columns ${words.join('; ')}` : `all ${expected.size} columns of the schema are there, and no other`,
    failing,
    applied: expected.size,
    examples: [...lacking, ...extra].slice(0, 5).map((column) => ({ column, value: null })),
  };
}

function columnChecks(expected: ColumnSchema, type: ColumnSchema['type'], rows: number): RowCheck[] {
  const { name } = expected;
  const limits = expected.severity === 'warning' ? warning : strictly;
  const isFit = type === expected.type || (expected.type === 'number' && type === 'integer');
  const typed: RowCheck = {
    name: `type: ${name}`,
    column: name,
    reads: [name],
    limits,
    // all of its rows read as another type: that is no fault of any one row
    blamesRow: false,
    mark: (batch, marks) => marks.fill(isFit ? passes : fails, 0, batch.rows),
    sql: { fails: isFit ? never : always, present: [] },
    failed: () => `${name} reads as ${type}, the schema wants ${expected.type}`,
    passed: `${name} is ${expected.type}`,
  };
  if (!isFit) return [typed];
  return [
    typed,
    ...missingChecks(expected, limits),
    ...(expected.unique ? [uniqueCheck([name], rows, limits)] : []),
    ...rangeChecks(expected, type, limits),
    ...textChecks(expected, type, limits),
    ...orderChecks(expected, type, limits),
  ];
}

function missingChecks({ name, nullable = true, maxMissing }: ColumnSchema, limits: CheckLimits): RowCheck[] {
  if (nullable && maxMissing === undefined) return [];
  const most = nullable ? (maxMissing ?? 1) : 0;
  const wanted = nullable ? `at most ${(most * 100).toFixed(1)} % missing` : 'no missing value';
  return [missingCheck(name, limits.fail === undefined ? { warn: 1 - most } : { fail: 1 - most }, `; wanted: ${wanted}`)];
}

/** Missing values of a column. @param wanted what the limit is, in words */
export function missingCheck(name: string, limits: CheckLimits, wanted = ''): RowCheck {
  return {
    name: `missing: ${name}`,
    column: name,
    reads: [name],
    limits,
    // where some may be missing, none of them is to blame
    blamesRow: 'when_every_row_must_pass',
    mark: (batch, marks) => markMissing(batch, name, marks),
    sql: { misses: name },
    failed: (count, applied) => `${name} is missing in ${rowsWord(count)} (${((count / applied) * 100).toFixed(2)} %)${wanted}`,
    passed: `${name} has no missing value`,
  };
}

export function markMissing(batch: Frame, name: string, marks: Uint8Array): void {
  const column = batch.column(name);
  if (column.kind === 'text') {
    const { codes } = column;
    for (let row = 0; row < batch.rows; row++) marks[row] = codes[row] < 0 ? fails : passes;
    return;
  }
  const { values } = column;
  // only NaN differs from itself
  for (let row = 0; row < batch.rows; row++) marks[row] = values[row] === values[row] ? passes : fails;
}

/**
 * Whether no row repeats the values that an earlier one has in these columns, by 64-bit hash (see `hashRows`). A row that misses one of
 * them does not count.
 */
export function uniqueCheck(columns: readonly string[], rows: number, limits: CheckLimits, name?: string): RowCheck {
  const what = columns.join(' + ');
  let seen: HashIndex | undefined;
  return {
    name: name ?? `unique: ${what}`,
    ...(columns.length === 1 ? { column: columns[0] } : { column: columns[columns.length - 1] }),
    reads: columns,
    limits,
    sql: { repeats: columns, missing: 'left_out' },
    mark: (batch, marks) => {
      seen ??= hashIndex(rows);
      const { high, low } = hashRows(batch, columns);
      const missing = new Uint8Array(batch.rows);
      const absent = new Uint8Array(batch.rows);
      for (const column of columns) {
        markMissing(batch, column, missing);
        for (let row = 0; row < batch.rows; row++) absent[row] |= missing[row];
      }
      for (let row = 0; row < batch.rows; row++) {
        if (absent[row] !== 0) {
          marks[row] = skipped;
          continue;
        }
        const before = seen.size;
        marks[row] = seen.add(high[row], low[row]) < before ? fails : passes;
      }
    },
    failed: (count) => `${rowsWord(count)} repeat a value of ${what}`,
    passed: `each value of ${what} is unique`,
  };
}

function rangeChecks(expected: ColumnSchema, type: ColumnSchema['type'], limits: CheckLimits): RowCheck[] {
  const { name } = expected;
  const isInstant = type === 'instant';
  const [from, to] = isInstant ? [expected.earliest, expected.latest] : [expected.min, expected.max];
  if ((from === undefined && to === undefined) || type === 'string' || type === 'boolean') return [];
  const low = from === undefined ? -Infinity : typeof from === 'string' ? instantOfMoment(from) : from;
  const high = to === undefined ? Infinity : typeof to === 'string' ? instantOfMoment(to) : to;
  const wanted =
    from === undefined
      ? isInstant
        ? `until ${to}`
        : `at most ${to}`
      : to === undefined
        ? isInstant
          ? `from ${from} on`
          : `at least ${from}`
        : `${from} … ${to}`;
  return [
    {
      name: `range: ${name}`,
      column: name,
      reads: [name],
      limits,
      mark: (batch, marks) => {
        const column = batch.column(name);
        if (column.kind === 'text') return;
        const { values } = column;
        for (let row = 0; row < batch.rows; row++) {
          const value = values[row];
          marks[row] = value < low || value > high ? fails : value === value ? passes : skipped;
        }
      },
      sql: rangeSql(name, type, low, high),
      failed: (count) => `${name} is out of range in ${rowsWord(count)}; wanted: ${wanted}`,
      passed: `${name} is within ${wanted}`,
    },
  ];
}

function textChecks(expected: ColumnSchema, type: ColumnSchema['type'], limits: CheckLimits): RowCheck[] {
  if (type !== 'string') return [];
  const { name, categories, pattern, minLength, maxLength } = expected;
  const checks: RowCheck[] = [];
  const add = (
    kind: string,
    isWrong: (text: string) => boolean,
    sql: RowSql | undefined,
    failed: (count: number) => string,
    passed: string,
  ): void => {
    checks.push({
      name: `${kind}: ${name}`,
      column: name,
      reads: [name],
      limits,
      mark: (batch, marks) => markTexts(batch, name, marks, isWrong),
      sql,
      failed,
      passed,
    });
  };
  if (categories) {
    const allowed = new Set(categories);
    const shown = categories.slice(0, 12).join(', ') + (categories.length > 12 ? ', …' : '');
    add(
      'categories',
      (text) => !allowed.has(text),
      categoriesSql(name, categories),
      (count) => `${rowsWord(count)} have a value of ${name} that is none of ${shown}`,
      `${name} has known categories only`,
    );
  }
  if (pattern !== undefined) {
    const expression = wholePattern(pattern);
    add(
      'pattern',
      (text) => !expression.test(text),
      patternSql(name, pattern),
      (count) => `${rowsWord(count)} have a value of ${name} that does not match ${pattern}`,
      `${name} matches ${pattern}`,
    );
  }
  if (minLength !== undefined || maxLength !== undefined) {
    const [least, most] = [minLength ?? 0, maxLength ?? Infinity];
    const wanted = maxLength === undefined ? `at least ${least}` : `${least} … ${most}`;
    const isWrong = (text: string): boolean => {
      // the usual text has no character of two code units: its length needs no counting
      const length = /[\ud800-\udbff]/.test(text) ? codePoints(text) : text.length;
      return length < least || length > most;
    };
    const failed = (count: number): string => `${rowsWord(count)} have a value of ${name} whose length is not ${wanted} characters`;
    add('length', isWrong, lengthSql(name, least, most), failed, `${name} has ${wanted} characters`);
  }
  return checks;
}

function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1) count++;
  return count;
}

/** Judges each text that occurs once for the batch. */
export function markTexts(batch: Frame, name: string, marks: Uint8Array, isWrong: (text: string) => boolean): void {
  const column = batch.column(name);
  if (column.kind !== 'text') return;
  const { codes, dictionary } = column;
  const known = new Uint8Array(dictionary.length).fill(255);
  for (let row = 0; row < batch.rows; row++) {
    const code = codes[row];
    if (code < 0) {
      marks[row] = skipped;
      continue;
    }
    if (known[code] === 255) known[code] = isWrong(dictionary[code]) ? fails : passes;
    marks[row] = known[code];
  }
}

const orderWords = { rising: 'rises or stays', strictly_rising: 'rises', falling: 'falls or stays' } as const;

function orderChecks({ name, order }: ColumnSchema, type: ColumnSchema['type'], limits: CheckLimits): RowCheck[] {
  if (order === undefined) return [];
  let last: number | string | undefined;
  const isWrong = (before: number | string, value: number | string): boolean =>
    order === 'rising' ? value < before : order === 'falling' ? value > before : value <= before;
  return [
    {
      name: `order: ${name}`,
      column: name,
      reads: [name],
      limits,
      mark: (batch, marks) => {
        const column = batch.column(name);
        markRows(batch.rows, marks, (row) => {
          const value = column.kind === 'text' ? column.dictionary[column.codes[row]] : column.values[row];
          if (value === undefined || Number.isNaN(value)) return undefined;
          const wrong = last !== undefined && isWrong(last, value);
          last = value;
          return wrong;
        });
      },
      sql: orderSql(name, type, order),
      failed: (count) => `in ${rowsWord(count)} ${name} does not follow the row before: it ${orderWords[order]} from row to row`,
      passed: `${name} ${orderWords[order]} from row to row`,
    },
  ];
}

function ruleChecks(table: TableShape, schema: ReviewedSchema): RowCheck[] {
  const types = new Map(table.schema.map(({ name, type }) => [name, type]));
  const shape = {
    names: [...types.keys()],
    has: (name: string) => types.has(name),
    typeOf: (name: string) => types.get(name) ?? 'string',
  };
  const optional = new Set(schema.columns.filter(({ presence }) => presence === 'optional').map(({ name }) => name));
  const isAbsent = (name: string): boolean => optional.has(name) && !types.has(name);
  return (schema.rules ?? []).flatMap((written): RowCheck[] => {
    const {
      rule: text,
      when,
      severity,
    } = typeof written === 'string' ? { rule: written } : { when: undefined, severity: undefined, ...written };
    const rule = parseRule(text, shape, isAbsent);
    const condition = when === undefined ? undefined : parseRule(when, shape, isAbsent);
    const columns = [...new Set([...rule.columns, ...(condition?.columns ?? [])])];
    if (columns.some(isAbsent)) return [];
    const said = when === undefined ? rule.text : `${rule.text} when ${when}`;
    return [
      {
        name: `rule: ${said}`,
        column: rule.columns[0],
        reads: columns,
        limits: severity === 'warning' ? warning : strictly,
        mark: (batch, marks) => markRule(batch, marks, rule, condition),
        sql: ruleSql(rule, condition, shape.typeOf),
        failed: (count) => `${rowsWord(count)} break ${said}`,
        passed: `${said} holds`,
      },
    ];
  });
}

function markRule(batch: Frame, marks: Uint8Array, rule: Rule, condition: Rule | undefined): void {
  const holds = ruleOn(batch, rule);
  const applies = condition && ruleOn(batch, condition);
  markRows(batch.rows, marks, (row) => {
    if (applies && applies(row) !== true) return undefined;
    const verdict = holds(row);
    return verdict === undefined ? undefined : !verdict;
  });
}
