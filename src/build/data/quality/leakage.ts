import type { FailingExample } from '#contract';
import { positionColumn, sqlName, takeRows } from '#tables';
import type { Frame, OpenTables } from '#tables';
import type { DealtBatch } from '../splits/deal.ts';
import { areAllDifferent, hashSql } from './ask-repeats.ts';
import { wholeTable } from './batches.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { unmeasured, warning } from './limits.ts';
import { exampleAt } from '../masking.ts';
import { examplesKept, shareFinding } from './row-check.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import { presentSql } from './row-sql.ts';
import { markMissing } from './schema-checks.ts';
import type { QualitySubject, SidesToCome } from './subject.ts';

/** So many rows that stand several times are dealt at most; of more a share, chosen by the hash of their values. */
const rowsDealt = 200_000;

/** Rows that stand several times, in the order of the table, with what they are dealt by. */
interface Repeated {
  readonly frame: Frame;
  readonly positions: ArrayLike<number>;
  /** Equal for rows that are alike. */
  readonly groups: ArrayLike<number>;
  /** Rows that were looked at: all with a key, or a share of them. */
  readonly applied: number;
  readonly isSampled: boolean;
}

/**
 * The same row on both sides of a split: what a model learned by heart is asked of it again. Rows are alike when they agree in every
 * column but the key; they are dealt as the split will deal them. Rows of two validation sets may be alike: nothing is learned there.
 */
export function leakage(
  { sides, request, masked, batches }: Pick<QualitySubject, 'sides' | 'request' | 'masked' | 'batches'>,
  features: readonly string[],
  most = rowsDealt,
): Collector {
  const name = 'no leak between parts';
  const { key } = request;
  if (request.split === undefined || sides === undefined) return known(unmeasured(name, 'no split was named'));
  const finding = { name, limits: warning, passed: 'no row of one part stands in another' };
  if (key === undefined) {
    const passed = `${finding.passed}: rows have no key and are dealt by all their values: equal rows are on one side`;
    return known(shareFinding({ ...finding, passed, failed: () => '' }, { count: 0, applied: batches.rows, examples: [] }));
  }
  if ('missing' in sides) return known(unmeasured(name, sides.missing));
  let found: Leaks = { count: 0, pairs: [], examples: [] };
  let looked = { applied: 0, isSampled: false };
  const look = (repeated: Repeated): void => {
    looked = repeated;
    found = leaksAmong(repeated, sides, (row, at) => exampleAt(repeated.frame, key, row, masked, at - row));
  };
  return {
    reads: [...new Set([...features, key, ...sides.dealer.reads])],
    // a table that no engine holds is one frame
    take: (frame) => look(repeatedIn(frame, features, key, most)),
    ask: async (tables) => look(await askRepeated(tables, features, key, [...new Set([key, ...sides.dealer.reads])], most)),
    findings: () => {
      const { count, pairs, examples } = found;
      const { applied, isSampled } = looked;
      const failed = (rows: number): string => `${rows} rows repeat a row of another part (${pairs.slice(0, 3).join('; ')})`;
      const shared = shareFinding({ ...finding, column: key, failed }, { count, applied, examples });
      return [isSampled ? { ...shared, sampled: applied } : shared];
    },
  };
}

interface Leaks {
  readonly count: number;
  /** Which sides, and how many rows, most first. */
  readonly pairs: readonly string[];
  readonly examples: readonly FailingExample[];
}

/** Holds each row against the first one of its group. */
function leaksAmong(
  { frame, positions, groups }: Repeated,
  { dealer, names, parts }: Exclude<SidesToCome, { readonly missing: string }>,
  exampleOf: (row: number, position: number) => FailingExample,
): Leaks {
  const dealt = dealer.deal(frame);
  const sideOfGroup = new Map<number, number>();
  const between = new Map<string, number>();
  const examples: FailingExample[] = [];
  let count = 0;
  for (let row = 0; row < frame.rows; row++) {
    const side = sideOf(dealt, row, parts);
    const first = sideOfGroup.get(groups[row]);
    if (first === undefined) sideOfGroup.set(groups[row], side);
    if (first === undefined || first === side || Math.min(first, side) >= parts) continue;
    count++;
    const pair = [first, side]
      .sort((left, right) => left - right)
      .map((at) => names[at])
      .join(' and ');
    between.set(pair, (between.get(pair) ?? 0) + 1);
    if (examples.length < examplesKept) examples.push({ ...exampleOf(row, positions[row]), note: `stands in ${pair}` });
  }
  const pairs = [...between].sort(([, left], [, right]) => right - left).map(([pair, rows]) => `${pair}: ${rows}`);
  return { count, pairs, examples };
}

/** The part of a row, or behind the parts the first set that takes it. */
function sideOf({ parts: partOf, sets }: DealtBatch, row: number, parts: number): number {
  return partOf[row] >= 0 ? partOf[row] : parts + sets.findIndex((marks) => marks[row] === 1);
}

function repeatedIn(frame: Frame, features: readonly string[], key: string, most: number): Repeated {
  const { high, low } = hashRows(frame, features);
  const missing = new Uint8Array(frame.rows);
  markMissing(frame, key, missing);
  const index = hashIndex();
  const groups = new Float64Array(frame.rows);
  const counts: number[] = [];
  for (let row = 0; row < frame.rows; row++) {
    if (missing[row] !== 0) continue;
    groups[row] = index.add(high[row], low[row]);
    counts[groups[row]] = (counts[groups[row]] ?? 0) + 1;
  }
  const isSeveral = (row: number): boolean => missing[row] === 0 && counts[groups[row]] > 1;
  const positions = Int32Array.from({ length: frame.rows }, (_, row) => row);
  const several = positions.filter(isSeveral);
  const stride = Math.max(1, Math.ceil(several.length / most));
  const isLooked = (row: number): boolean => stride === 1 || high[row] % stride === 0;
  const dealt = stride === 1 ? several : several.filter(isLooked);
  return {
    frame: takeRows(frame, dealt),
    positions: dealt,
    groups: Float64Array.from(dealt, (row) => groups[row]),
    applied: positions.reduce((sum, row) => sum + (missing[row] === 0 && isLooked(row) ? 1 : 0), 0),
    isSampled: stride > 1,
  };
}

async function askRepeated(
  tables: OpenTables,
  features: readonly string[],
  key: string,
  columns: readonly string[],
  most: number,
): Promise<Repeated> {
  const { rows, missing } = await tables.counts(wholeTable);
  const withKey = rows - (missing.get(key) ?? 0);
  const [position, has] = [sqlName(positionColumn), presentSql([key])];
  const shown = [position, ...columns.map(sqlName)].join(', ');
  if (await areAllDifferent(tables, { repeats: features, missing: 'alike' }, rows)) {
    const frame = await tables.frame(`SELECT ${shown} FROM ${wholeTable} LIMIT 0`);
    return { frame, positions: [], groups: [], applied: withKey, isSampled: false };
  }
  const hashed = `SELECT ${hashSql(features)} AS "#h" FROM ${wholeTable} WHERE ${has}`;
  const several = `SELECT "#h", count(*) AS "#n", row_number() OVER () AS "#group" FROM (${hashed}) GROUP BY "#h" HAVING count(*) > 1`;
  const [found] = await tables.numbers(`SELECT coalesce(sum("#n"), 0) FROM (${several})`);
  const stride = Math.max(1, Math.ceil(found / most));
  const share = `${hashSql(features)} % ${stride} = 0`;
  const applied = stride === 1 ? [withKey] : await tables.numbers(`SELECT count(*) FROM ${wholeTable} WHERE ${has} AND ${share}`);
  const frame = await tables.frame(
    `SELECT ${shown}, "#group" FROM (SELECT ${shown}, ${hashSql(features)} AS "#h" FROM ${wholeTable} WHERE ${has} AND ${share})
     JOIN (SELECT * FROM (${several}) WHERE "#h" % ${stride} = 0) USING ("#h") ORDER BY ${position}`,
  );
  return {
    frame,
    positions: frame.numbers(positionColumn),
    groups: frame.numbers('#group'),
    applied: applied[0],
    isSampled: stride > 1,
  };
}
