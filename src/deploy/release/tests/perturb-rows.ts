import type { InputColumn, NamedRow } from '#contract';
import type { Random } from '#core';
import { perturbPicture, pictureChangeSays, pictureChanges } from '#images';

/** Rows with something changed, and what may become of their answers. */
export interface Perturbation {
  readonly name: string;
  readonly says: string;
  /**
   * same: to the tolerance of golden requests. steady: within what the project allows. answered: with a number, or with 4xx; the class may well be another.
   */
  readonly asks: 'same' | 'steady' | 'answered';
  readonly rows: readonly NamedRow[];
  /** Of each row that is sent, its place among those that it was made of; default: the same. */
  readonly places?: readonly number[];
}

/** Perturbations whose answers may well be others: these rows are nobody's. */
export const mayChange: readonly string[] = ['out of range', 'unseen categories'];

/** Of a column's standard deviation: what instruments and typing differ by, not another customer. */
const noiseShare = 0.05;
const missingShare = 0.1;
/** Beyond the least and the greatest value that training has seen, of their distance. */
const beyond = 0.5;
const unheardOf = '(unheard of)';

/**
 * The same rows with what production does to rows: noise in numbers, missing values, numbers out of the range of training, categories that nobody has
 * seen, and another order. A perturbation that no column allows is left out.
 */
export function perturbRows(inputs: readonly InputColumn[], rows: readonly NamedRow[], random: Random): readonly Perturbation[] {
  const numbers = inputs.filter(({ datatype, type }) => datatype === 'FP64' && type !== 'boolean');
  const texts = inputs.filter(({ datatype, image }) => datatype === 'BYTES' && image === undefined);
  const optional = inputs.filter(({ required, image }) => !required && image === undefined);
  const perturbations: Perturbation[] = [];
  if (numbers.length > 0) {
    const spreads = new Map(numbers.map(({ name }) => [name, spreadOf(rows, name)]));
    const noisy = (column: InputColumn, value: number): number => {
      const moved = value + noiseShare * (spreads.get(column.name) ?? 0) * random.normal();
      return column.type === 'integer' ? Math.round(moved) : moved;
    };
    perturbations.push({
      name: 'noise',
      says: `normal noise of ${noiseShare} standard deviations on ${counted(numbers.length, 'number')}`,
      asks: 'steady',
      rows: rows.map((row) => changed(row, numbers, (value, column) => (typeof value === 'number' ? noisy(column, value) : value))),
    });
    const ranges = new Map(numbers.map((column) => [column.name, rangeOf(column, rows)]));
    perturbations.push({
      name: 'out of range',
      says: `every number beyond what training has seen, by ${beyond} of its range`,
      asks: 'answered',
      rows: rows.map((row, at) =>
        changed(row, numbers, (value, { name, type }) => {
          const [least, greatest] = ranges.get(name) ?? [0, 0];
          const distance = beyond * Math.max(1, greatest - least);
          const far = at % 2 === 0 ? greatest + distance : least - distance;
          return typeof value !== 'number' ? value : type === 'integer' ? Math.round(far) : far;
        }),
      ),
    });
  }
  if (optional.length > 0) {
    perturbations.push({
      name: 'missing values',
      says: `one of ten values missing in ${counted(optional.length, 'column')} that may lack them`,
      asks: 'steady',
      rows: rows.map((row) => changed(row, optional, (value) => (random.next() < missingShare ? null : value))),
    });
  }
  if (texts.length > 0) {
    perturbations.push({
      name: 'unseen categories',
      says: `one text of each row is one that training has never seen, in turn over ${counted(texts.length, 'column')}`,
      asks: 'answered',
      rows: rows.map((row, at) => ({ ...row, [texts[at % texts.length].name]: unheardOf })),
    });
  }
  const places = rows.map((_, at) => at);
  random.shuffle(places);
  perturbations.push({
    name: 'another order',
    says: 'the same rows in another order, and their columns too',
    asks: 'same',
    rows: places.map((place) => Object.fromEntries(Object.entries(rows[place]).reverse())),
    places,
  });
  return perturbations;
}

/** Rows with pictures (base64), each picture changed as cameras, light and the way of a file do. */
export async function perturbPictures(inputs: readonly InputColumn[], rows: readonly NamedRow[]): Promise<readonly Perturbation[]> {
  const pictures = inputs.filter(({ image }) => image !== undefined);
  const perturbations: Perturbation[] = [];
  for (const name of pictures.length === 0 ? [] : pictureChanges) {
    const changedRows: NamedRow[] = [];
    for (const row of rows) {
      const other: Record<string, string> = {};
      for (const { name: column } of pictures) {
        const bytes = Buffer.from(String(row[column]), 'base64');
        other[column] = Buffer.from(await perturbPicture(bytes, name)).toString('base64');
      }
      changedRows.push({ ...row, ...other });
    }
    perturbations.push({ name, says: pictureChangeSays[name], asks: 'steady', rows: changedRows });
  }
  return perturbations;
}

function changed(
  row: NamedRow,
  columns: readonly InputColumn[],
  change: (value: NamedRow[string], column: InputColumn) => NamedRow[string],
): NamedRow {
  return { ...row, ...Object.fromEntries(columns.map((column) => [column.name, change(row[column.name] ?? null, column)])) };
}

function numbersOf(rows: readonly NamedRow[], name: string): readonly number[] {
  return rows.map((row) => row[name]).filter((value) => typeof value === 'number');
}

function spreadOf(rows: readonly NamedRow[], name: string): number {
  const values = numbersOf(rows, name);
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length));
}

/** As training has seen it, else as these rows have it. */
function rangeOf({ name, range }: InputColumn, rows: readonly NamedRow[]): readonly [number, number] {
  if (range !== undefined) return [range[0], range[1]];
  const values = numbersOf(rows, name);
  return values.reduce<readonly [number, number]>(
    ([least, greatest], value) => [Math.min(least, value), Math.max(greatest, value)],
    [values[0] ?? 0, values[0] ?? 0],
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
