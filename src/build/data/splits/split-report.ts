import type { Split, SplitColumn, SplitComparison, SplitReport, SplitStrategy } from '#contract';
import { benjaminiHochberg } from '#stats';
import { concatRows, dropColumns, positionColumn, sqlName, takeRows } from '#tables';
import type { Frame } from '#tables';
import { wholeTable } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { testColumn } from './column-test.ts';
import type { Side } from './column-test.ts';
import { byChance } from './deal.ts';
import { keyColumns, keyReader } from './hash-split.ts';
import { unitReader } from './units.ts';

/** Chance that any column of one comparison is said to differ where none does. */
export const splitAlpha = 0.01;
/** Rows of one side that are looked at; of more, a sample that depends on the rows' positions alone. */
const mostRows = 100_000;
/** With fewer groups or places on a side a test would hardly ever see a difference. */
const leastUnits = 20;

/** The rows of one part or validation set. */
export interface NamedRows {
  readonly name: string;
  readonly kind: 'part' | 'set';
  readonly strategy: SplitStrategy;
  readonly open: () => Promise<Batches>;
}

/** The parts and sets of a split, in order. @param open opens the rows of a version */
export function sidesOf(split: Split, open: (version: string) => Promise<Batches>): NamedRows[] {
  const { strategy = byChance, parts, sets = [] } = split;
  return [
    ...parts.map(({ part, version }): NamedRows => ({ name: part, kind: 'part', strategy, open: () => open(version) })),
    ...sets.map((set): NamedRows => ({ name: set.set, kind: 'set', strategy: set.strategy, open: () => open(set.version) })),
  ];
}

/** Holds each part and validation set of a split against its first part, column by column, in bounded memory. */
export async function reportOfSplit(split: Split, sides: readonly NamedRows[]): Promise<SplitReport> {
  const [first, ...others] = sides;
  const reference = await openSide(await first.open());
  const total = [...split.parts, ...(split.sets ?? [])].reduce((sum, { rows }) => sum + rows, 0);
  const comparisons: SplitComparison[] = [];
  for (const side of others)
    comparisons.push(
      await compareSides(split, { ...first, opened: reference }, { ...side, opened: await openSide(await side.open()) }, total),
    );
  const biased = comparisons.filter(({ verdict }) => verdict === 'biased').map(({ name }) => name);
  const message =
    biased.length > 0
      ? `${biased.join(', ')}: not like ${first.name}, although dealt by chance`
      : comparisons.length === 0
        ? 'one part alone: there is nothing to compare'
        : 'what was dealt by chance is alike on all sides';
  return { split: split.id, version: split.version, alpha: splitAlpha, correction: 'benjamini_hochberg', comparisons, message };
}

/** The rows of one side: all of them, and those that are looked at side by side. */
interface OpenSide {
  readonly batches: Batches;
  readonly frame: Frame;
  /** The position of each row of the frame among all. */
  readonly positions: Int32Array;
}

interface OpenRows extends Pick<NamedRows, 'name' | 'kind' | 'strategy'> {
  readonly opened: OpenSide;
}

/** Multiplies positions so that they are spread evenly over 32 bits (Knuth's multiplicative hash). */
const spread = 0x9e3779b1;

async function openSide(batches: Batches): Promise<OpenSide> {
  const kept = Math.ceil((mostRows / batches.rows) * 2 ** 32);
  if (kept < 2 ** 32 && batches.ask) {
    const position = sqlName(positionColumn);
    const frame = await batches.ask((tables) =>
      tables.frame(
        `SELECT * FROM ${wholeTable} WHERE ((${position} + 1)::UBIGINT * ${spread}) % ${2 ** 32} < ${kept} ORDER BY ${position}`,
      ),
    );
    return { batches, frame: dropColumns(frame, [positionColumn]), positions: Int32Array.from(frame.numbers(positionColumn)) };
  }
  const frames: Frame[] = [];
  const positions: number[] = [];
  await batches.each(
    batches.schema.map(({ name }) => name),
    (batch, firstRow) => {
      const rows = Int32Array.from({ length: batch.rows }, (_, row) => row).filter(
        (row) => Math.imul(firstRow + row + 1, spread) >>> 0 < kept,
      );
      for (const row of rows) positions.push(firstRow + row);
      frames.push(rows.length === batch.rows ? batch : takeRows(batch, rows));
    },
  );
  return { batches, frame: concatRows(frames), positions: Int32Array.from(positions) };
}

async function compareSides(split: Split, reference: OpenRows, here: OpenRows, total: number): Promise<SplitComparison> {
  const { strategy } = here;
  const unit = strategy.strategy === 'group' ? 'group' : strategy.strategy === 'location' ? 'place' : 'row';
  const units =
    unit === 'row'
      ? undefined
      : { reference: await unitsIn(split, reference.opened, strategy), here: await unitsIn(split, here.opened, strategy) };
  const left = sideOf(reference.opened.frame, units?.reference);
  const right = sideOf(here.opened.frame, units?.here);
  const tested = unit === 'row' || Math.min(left.independent.length, right.independent.length) >= leastUnits;
  const names = reference.opened.frame.names.filter((name) => name !== split.key);
  const tests = names.map((name) => testColumn(name, left, right, tested));
  const adjusted = adjustedOf(tests.map(({ pValue }) => pValue));
  const columns = names.map((column, i): SplitColumn => {
    const at = adjusted[i];
    const differs = at !== null && at <= splitAlpha;
    return { column, ...tests[i], adjusted: at, differs, byDesign: strategy.columns.includes(column) };
  });
  const shared = units === undefined ? undefined : sharedOf(units.reference.all, units.here.all);
  const comparison = {
    name: here.name,
    kind: here.kind,
    strategy,
    rows: here.opened.batches.rows,
    share: here.opened.batches.rows / total,
    reference: { name: reference.name, rows: reference.opened.batches.rows },
    tested: { unit, here: right.independent.length, reference: left.independent.length } as const,
    ...(shared === undefined ? {} : { shared }),
    columns,
  };
  const verdict = verdictOf(strategy, columns);
  return { ...comparison, verdict, message: messageOf({ ...comparison, verdict }) };
}

/** The groups or places of a side: all of them, and those of the rows that are looked at. */
interface Units {
  readonly all: ReadonlySet<string>;
  readonly ofRows: readonly string[];
}

async function unitsIn(split: Split, { batches, frame, positions }: OpenSide, strategy: SplitStrategy): Promise<Units> {
  const all = new Set<string>();
  const ofRows: string[] = [];
  const names = batches.schema.map(({ name }) => name);
  let at = 0;
  await batches.each([...new Set([...strategy.columns, ...keyColumns(names, split.key)])], (batch, firstRow) => {
    const unitAt = unitReader(batch, strategy, keyReader(batch, split.key));
    for (let row = 0; row < batch.rows; row++) {
      const unit = unitAt(row);
      all.add(unit);
      if (at >= frame.rows || positions[at] !== firstRow + row) continue;
      ofRows.push(unit);
      at++;
    }
  });
  return { all, ofRows };
}

/** Of groups and places one row each is independent of the others. */
function sideOf(frame: Frame, units: Units | undefined): Side {
  const rows = Int32Array.from({ length: frame.rows }, (_, row) => row);
  if (units === undefined) return { frame, rows, independent: rows };
  const seen = new Set<string>();
  const independent = rows.filter((row) => {
    if (seen.has(units.ofRows[row])) return false;
    seen.add(units.ofRows[row]);
    return true;
  });
  return { frame, rows, independent };
}

function adjustedOf(pValues: readonly (number | null)[]): (number | null)[] {
  const known = pValues.filter((pValue) => pValue !== null);
  const adjusted = benjaminiHochberg(known);
  let at = 0;
  return pValues.map((pValue) => (pValue === null ? null : adjusted[at++]));
}

function sharedOf(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  let shared = 0;
  for (const unit of right) if (left.has(unit)) shared++;
  return shared;
}

function verdictOf({ strategy }: SplitStrategy, columns: readonly SplitColumn[]): SplitComparison['verdict'] {
  const judged = columns.filter(({ byDesign }) => !byDesign);
  if (judged.some(({ differs }) => differs)) return strategy === 'random' || strategy === 'stratified' ? 'biased' : 'shifted';
  return judged.some(({ adjusted }) => adjusted !== null) ? 'alike' : 'untested';
}

function messageOf({ name, strategy, reference, tested, shared, columns, verdict }: Omit<SplitComparison, 'message'>): string {
  const differing = columns.filter(({ differs, byDesign }) => differs && !byDesign).map(({ column }) => column);
  const list = differing.length > 5 ? `${differing.slice(0, 5).join(', ')} and ${differing.length - 5} more` : differing.join(', ');
  const designed = strategy.columns.length === 0 ? '' : `; ${strategy.columns.join(', ')}: as the strategy makes it`;
  const units = (number: number): string => `${number} ${tested.unit}${number === 1 ? '' : 's'}`;
  const both = shared === undefined ? '' : `; ${units(shared)} on both sides`;
  const what = {
    random: 'rows by chance',
    stratified: `rows by chance in each value of ${strategy.columns.join(', ')}`,
    group: 'other groups',
    time: 'later rows',
    location: 'other places',
  }[strategy.strategy];
  switch (verdict) {
    case 'biased':
      return `${name} (${what}) is not like ${reference.name} in ${list}: choose another salt, or look for keys that carry these${both}`;
    case 'shifted':
      return `${name} (${what}) differs from ${reference.name} in ${list}: expect other figures there${designed}${both}`;
    case 'alike':
      return `${name} (${what}) is like ${reference.name} in all that was tested${designed}${both}`;
    case 'untested':
      return `${name} (${what}): ${units(tested.here)} against ${tested.reference} are too few for a test${designed}${both}`;
  }
}
