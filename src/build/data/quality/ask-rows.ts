import { setImmediate as nextTurn } from 'node:timers/promises';
import { positionColumn, sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { areAllDifferent, lookForRepeats, repeatsOf } from './ask-repeats.ts';
import type { RepeatsLook } from './ask-repeats.ts';
import { wholeTable } from './batches.ts';
import { countPresent, never } from './row-sql.ts';
import type { ConditionSql, RepeatsSql, RowSql } from './row-sql.ts';

/** What an engine says of a check. */
export interface Asked {
  readonly count: number;
  readonly applied: number;
  /** The first rows that fail, in order, with `positionColumn` and the columns asked for. */
  readonly examples?: Frame;
  /** The positions of all rows that fail, rising, where they were asked for. */
  readonly positions?: Float64Array;
}

export interface RowQuestion<S extends RowSql = RowSql> {
  readonly sql: S;
  /** Columns that the examples show. */
  readonly columns: readonly string[];
  /** How many rows that fail are shown as examples. */
  readonly examples: number;
  /** Whether the positions of all rows that fail are wanted; false without it. */
  readonly all?: boolean;
}

interface Waiting<S extends RowSql = RowSql> extends RowQuestion<S> {
  answer(found: Asked | Promise<Asked>): void;
  fail(reason: unknown): void;
}

/** A look at the table; what it gives back is done while the engine has its next look, and may ask for another one. */
export type Look = () => Promise<(() => Look | undefined) | undefined>;

const desks = new WeakMap<OpenTables, Waiting[]>();

/**
 * Counts the rows that fail a check and fetches the first of them. Questions that are put in the same turn are answered together, with as
 * few looks at the file as they need.
 */
export function askRows(tables: OpenTables, question: RowQuestion): Promise<Asked> {
  const { promise, resolve, reject } = Promise.withResolvers<Asked>();
  const waiting = { ...question, answer: resolve, fail: reject };
  const desk = desks.get(tables);
  if (desk !== undefined) desk.push(waiting);
  else {
    const questions = [waiting];
    desks.set(tables, questions);
    queueMicrotask(() => {
      desks.delete(tables);
      answerAll(tables, questions).catch((error: unknown) => questions.forEach(({ fail }) => fail(error)));
    });
  }
  return promise;
}

async function answerAll(tables: OpenTables, questions: readonly Waiting[]): Promise<void> {
  let looks = looksFor(tables, questions);
  while (looks.length > 0) {
    const rest: Promise<Look | undefined>[] = [];
    for (const look of looks) {
      const after = await look();
      if (after !== undefined) rest.push(nextTurn().then(after));
    }
    looks = (await Promise.all(rest)).filter((look) => look !== undefined);
  }
}

function looksFor(tables: OpenTables, questions: readonly Waiting[]): Look[] {
  const looks: Look[] = [];
  const scans = new Map<string, Waiting<ConditionSql>[]>();
  const repeats: Waiting<RepeatsSql>[] = [];
  for (const waiting of questions) {
    const { sql } = waiting;
    if ('repeats' in sql) repeats.push({ ...waiting, sql });
    else if ('misses' in sql) looks.push(() => lookForMissing(tables, waiting, sql.misses));
    else if (sql.scans === undefined) looks.push(() => lookForAny(tables, [{ ...waiting, sql }]));
    else {
      const columns = JSON.stringify(sql.scans);
      scans.set(columns, [...(scans.get(columns) ?? []), { ...waiting, sql }]);
    }
  }
  // what is done with their answers takes longest: they come first
  const first = repeats.map((waiting): Look => {
    const columns = JSON.stringify(waiting.sql.repeats);
    const others = scans.get(columns) ?? [];
    scans.delete(columns);
    return () => lookForRepeated(tables, waiting, others);
  });
  return [...first, ...looks, ...[...scans.values()].map((scan) => () => lookForAny(tables, scan))];
}

async function lookForMissing(tables: OpenTables, question: Waiting, column: string): Promise<undefined> {
  const { rows, missing } = await tables.counts(wholeTable);
  const [count, condition] = [missing.get(column) ?? 0, `${sqlName(column)} IS NULL`];
  const { columns, examples, all } = question;
  if (count === 0) question.answer({ count, applied: rows, ...(all ? { positions: new Float64Array() } : {}) });
  else if (all) question.answer(withExamples(tables, question, { applied: rows, positions: await positionsOf(tables, condition) }));
  else {
    // the engine keeps the order of the file
    const shown = [positionColumn, ...columns].map(sqlName).join(', ');
    const first = await tables.frame(`SELECT ${shown} FROM ${wholeTable} WHERE ${condition} LIMIT ${examples}`);
    question.answer({ count, applied: rows, examples: first });
  }
}

/** Answers conditions on the same columns in one look, of which only rows that fail any of them come further. */
async function lookForAny(tables: OpenTables, questions: readonly Waiting<ConditionSql>[]): Promise<undefined> {
  const few: Waiting<ConditionSql>[] = [];
  for (const question of questions) {
    const { sql, all } = question;
    const applied = await countApplied(tables, sql);
    if (sql.fails === never) question.answer({ count: 0, applied, ...(all ? { positions: new Float64Array() } : {}) });
    else if (all) {
      const positions = await positionsOf(tables, sql.fails, sql.from);
      question.answer(withExamples(tables, question, { applied, positions }));
    } else few.push(question);
  }
  if (few.length === 0) return;
  const [{ sql }] = few;
  const position = sqlName(positionColumn);
  const most = Math.max(...few.map(({ examples }) => examples));
  const marked = few.map(({ sql: { fails } }, i) => `(${fails}) AS "#fails ${i}"`).join(', ');
  const any = few.map(({ sql: { fails } }) => `(${fails})`).join(' OR ');
  const figures = few.flatMap((_, i) => [
    `count(*) FILTER ("#fails ${i}") AS n${i}`,
    `min(${position}, ${most}) FILTER ("#fails ${i}") AS p${i}`,
  ]);
  const flat = few.flatMap((_, i) => [`n${i}`, ...Array.from({ length: most }, (_place, at) => `p${i}[${at + 1}]`)]);
  const numbers = await tables.numbers(
    `SELECT ${flat.join(', ')} FROM (SELECT ${figures.join(', ')} FROM (SELECT ${position}, ${marked} FROM ${sql.from ?? wholeTable} WHERE ${any}))`,
  );
  for (const [i, question] of few.entries()) {
    const [count, ...positions] = numbers.slice(i * (most + 1), (i + 1) * (most + 1));
    const applied = await countApplied(tables, question.sql);
    const first = Float64Array.from(positions.filter((each) => !Number.isNaN(each)));
    question.answer({ count, applied, ...(await examplesAt(tables, question, first)) });
  }
}

/** Whether rows repeat each other; where their column comes as a whole, other conditions on it are answered on the way. */
async function lookForRepeated(
  tables: OpenTables,
  question: Waiting<RepeatsSql>,
  others: readonly Waiting<ConditionSql>[],
): ReturnType<Look> {
  const { sql, all } = question;
  const { rows } = await tables.counts(wholeTable);
  const applied = sql.missing === 'alike' ? rows : await countPresent(tables, sql.repeats);
  // what others ask as well is found out once
  const found =
    sql.missing === 'alike' && others.length === 0
      ? await areAllDifferent(tables, sql, applied).then((are): RepeatsLook => ({ areAllDifferent: () => are }))
      : await lookForRepeats(
          tables,
          sql,
          applied,
          others.map(({ sql: { fails } }) => fails),
        );
  const open: Waiting<ConditionSql>[] = [];
  for (const [i, other] of others.entries()) {
    if (found.counts?.[i] === 0 && !other.all) other.answer({ count: 0, applied: await countApplied(tables, other.sql) });
    else open.push(other);
  }
  return () => {
    const isClean = found.areAllDifferent();
    if (isClean) question.answer({ count: 0, applied, ...(all ? { positions: new Float64Array() } : {}) });
    if (isClean && open.length === 0) return undefined;
    return async () => {
      if (!isClean) {
        const { count, positions } = await repeatsOf(tables, sql, all ? Infinity : question.examples);
        const some = await examplesAt(tables, question, positions);
        question.answer({ count, applied, ...some, ...(all ? { positions } : {}) });
      }
      return open.length === 0 ? undefined : lookForAny(tables, open);
    };
  };
}

async function withExamples(
  tables: OpenTables,
  question: RowQuestion,
  { applied, positions }: { readonly applied: number; readonly positions: Float64Array },
): Promise<Asked> {
  return { count: positions.length, applied, positions, ...(await examplesAt(tables, question, positions)) };
}

async function positionsOf(tables: OpenTables, condition: string, from = wholeTable): Promise<Float64Array> {
  return (await tables.frame(`SELECT ${sqlName(positionColumn)} FROM ${from} WHERE ${condition}`)).numbers(positionColumn);
}

/** The first of these rows; what the file says of the positions of its parts leads to them. */
async function examplesAt(
  tables: OpenTables,
  { columns, examples }: RowQuestion,
  positions: Float64Array,
): Promise<Pick<Asked, 'examples'>> {
  if (positions.length === 0 || examples === 0) return {};
  const position = sqlName(positionColumn);
  const shown = [positionColumn, ...columns].map(sqlName).join(', ');
  const at = positions.subarray(0, examples).join(', ');
  return { examples: await tables.frame(`SELECT ${shown} FROM ${wholeTable} WHERE ${position} IN (${at}) ORDER BY ${position}`) };
}

async function countApplied(tables: OpenTables, { present, when }: ConditionSql): Promise<number> {
  return countPresent(tables, present, when);
}
