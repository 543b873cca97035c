import type { Feeds, SessionValue, Tensor } from '#onnx';
import { columnName } from './column-origins.ts';

/** A column of a table: one value a row in one of a model's tensors. */
export interface Column {
  readonly name: string;
  readonly input: string;
  /** Its place among the values of a row in the tensor. */
  readonly at: number;
}

/** The columns of feeds whose tensors are [rows] or [rows, width]; undefined when one has more axes. */
export function columnsOf(inputs: readonly SessionValue[], feeds: Feeds): readonly Column[] | undefined {
  const columns: Column[] = [];
  for (const { name } of inputs) {
    const shape = feeds[name]?.shape ?? [];
    if (shape.length === 0 || shape.length > 2) return undefined;
    const width = shape[1] ?? 1;
    for (let at = 0; at < width; at++) columns.push({ name: columnName(name, at, width), input: name, at });
  }
  return columns;
}

export function valueAt(feeds: Feeds, { input, at }: Pick<Column, 'input' | 'at'>, row: number): number | bigint | string {
  const { data, shape } = feeds[input];
  return data[row * (shape[1] ?? 1) + at];
}

/** A value as JSON says it: missing ones are null. */
export function shown(value: number | bigint | string): number | string | null {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'string') return value === '' ? null : value;
  return Number.isFinite(value) ? value : null;
}

/** Some rows of feeds, by position; a position may come more than once. */
export function takeRows(feeds: Feeds, rows: readonly number[]): Feeds {
  return mapTensors(feeds, (tensor) => gathered(tensor, rows));
}

/** Feeds of at least so many rows: the given ones, over and over. */
export function padded(feeds: Feeds, rows: number, least: number): Feeds {
  return takeRows(
    feeds,
    Array.from({ length: Math.max(rows, least) }, (_, row) => row % rows),
  );
}

/**
 * Every row of a background once for each set of known columns, with the values of one row in the known ones.
 * @param known for each set: whether column k is known
 */
export function mixedRows(
  columns: readonly Column[],
  row: Feeds,
  background: Feeds,
  backgroundRows: number,
  known: readonly (readonly boolean[])[],
): Feeds {
  const inputs = [...new Set(columns.map(({ input }) => input))];
  return Object.fromEntries(
    inputs.map((input) => {
      const own = columns.flatMap((column, k) => (column.input === input ? [{ at: column.at, k }] : []));
      const width = row[input].shape[1] ?? 1;
      const shape = [known.length * backgroundRows, ...row[input].shape.slice(1)];
      return [
        input,
        built(row[input], shape, (put) => {
          known.forEach((set, s) => {
            for (let b = 0; b < backgroundRows; b++)
              for (const { at, k } of own)
                put((s * backgroundRows + b) * width + at, set[k] ? row[input] : background[input], set[k] ? at : b * width + at);
          });
        }),
      ];
    }),
  );
}

function gathered(like: Tensor, rows: readonly number[]): Tensor {
  const width = like.shape.slice(1).reduce((size, axis) => size * axis, 1);
  return built(like, [rows.length, ...like.shape.slice(1)], (put) => {
    rows.forEach((row, to) => {
      for (let k = 0; k < width; k++) put(to * width + k, like, row * width + k);
    });
  });
}

/** A tensor of the kind of another one, its values put in one by one from tensors of that kind. */
function built(like: Tensor, shape: readonly number[], fill: (put: (at: number, from: Tensor, place: number) => void) => void): Tensor {
  const length = shape.reduce((size, axis) => size * axis, 1);
  if (like.type === 'STRING') {
    const texts = Array.from({ length }, () => '');
    fill((at, from, place) => (texts[at] = String(from.data[place])));
    return { type: 'STRING', shape, data: texts };
  }
  // An array of the same kind as the tensor's own: the values come from tensors of this type.
  const made: unknown = Reflect.construct(like.data.constructor, [length]);
  const data = made as Float64Array;
  fill((at, from, place) => (data[at] = from.data[place] as number));
  return { type: like.type, shape, data } as unknown as Tensor;
}

function mapTensors(feeds: Feeds, change: (tensor: Tensor) => Tensor): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, change(tensor)]));
}
