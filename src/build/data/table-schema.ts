import type { TableSchema } from '#contract';
import { isMissing } from '#tables';
import type { ColumnType, Frame } from '#tables';
import { suggestPersonal } from './personal/suggest.ts';

/** String columns with at most so many different values are taken for categories. */
const mostCategories = 20;

/**
 * The schema that a table suggests, as a start for a reviewed one: types, which columns are complete, the categories of string columns
 * with few values, 0 as least value where nothing is negative, `unique` for the key, and what looks like data of persons.
 */
export function inferSchema(frame: Frame, options: { readonly key?: string } = {}): TableSchema {
  const suggested = new Map(suggestPersonal(frame).map(({ column, tag }) => [column, tag]));
  return {
    columns: frame.schema.map(({ name, type }) => {
      const column = frame.column(name);
      let missing = 0;
      for (let row = 0; row < frame.rows; row++) if (isMissing(column, row)) missing++;
      const isKey = name === options.key;
      const tag = suggested.get(name);
      return {
        name,
        type,
        nullable: missing > 0 && !isKey,
        ...(isKey ? { unique: true } : {}),
        // the values of persons are not written into a file
        ...(isKey || tag !== undefined ? {} : categoriesOf(frame, name, type)),
        ...(isKey ? {} : leastOf(frame, name, type)),
        ...(tag === undefined ? {} : { [tag]: true }),
      };
    }),
  };
}

function categoriesOf(frame: Frame, name: string, type: ColumnType): { categories?: string[] } {
  if (type !== 'string') return {};
  const { codes, dictionary } = frame.texts(name);
  const used = [...new Set(codes)].filter((code) => code >= 0).map((code) => dictionary[code]);
  // more values than a tenth of the rows are no categories, but a small table's free texts
  return used.length > 0 && used.length <= mostCategories && used.length * 10 <= Math.max(frame.rows, 20)
    ? { categories: used.sort() }
    : {};
}

function leastOf(frame: Frame, name: string, type: ColumnType): { min?: number; max?: number } {
  if (type !== 'integer' && type !== 'number') return {};
  const values = frame.numbers(name);
  if (type === 'integer' && values.every((value) => Number.isNaN(value) || value === 0 || value === 1)) return { min: 0, max: 1 };
  return values.every((value) => Number.isNaN(value) || value >= 0) ? { min: 0 } : {};
}

/** The bare shape of a frame as a schema: names and types. */
export function plainSchema(frame: Frame): TableSchema {
  return { columns: frame.schema.map(({ name, type }) => ({ name, type })) };
}

/** A pattern that the whole value must match. */
export function wholePattern(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}
