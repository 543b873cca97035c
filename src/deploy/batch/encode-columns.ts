import { encodeRows, RowError } from '#contract';
import type { InputColumn, NamedRow } from '#contract';
import { cellOf } from '#tables';
import type { Column, ColumnType, Frame } from '#tables';

/** Why a row cannot be given to the model. */
export interface Refusal {
  /** As the data plane would say it to a request of this row alone, without the row's number. */
  readonly text: string;
  /** The same without values, to be counted. */
  readonly kind: string;
}

/** A column as the model takes it; rows that were refused hold a value that means nothing. */
export type EncodedValues = Float64Array<ArrayBuffer> | string[];

type Cell = NamedRow[string];

/**
 * Encodes a column of a batch for an input of a model, as `encodeRows` does it row by row: the same values, refused for the same reasons.
 * @param untyped whether the column's values came as text without types: then a text that reads as a number is one
 * @param refuse told of each row that is refused
 */
export function encodeBatchColumn(
  input: InputColumn,
  batch: Frame,
  untyped: boolean,
  refuse: (row: number, refusal: Refusal) => void,
): EncodedValues {
  if (!batch.has(input.name)) {
    const { refusal } = encodeCell(input, undefined);
    if (refusal !== undefined) for (let row = 0; row < batch.rows; row++) refuse(row, refusal);
    return input.datatype === 'BYTES' ? new Array<string>(batch.rows).fill('') : new Float64Array(batch.rows);
  }
  const column = batch.column(input.name);
  const type = batch.typeOf(input.name);
  if (input.datatype === 'FP64' && column.kind !== 'text' && isPlain(input, type)) return plainNumbers(input, column.values, type, refuse);
  return column.kind === 'text' ? encodeTexts(input, column, untyped, refuse) : encodeCells(input, column, type, refuse);
}

/** Whether a number of this column type is the input's own value, NaN and infinities aside. */
function isPlain({ type: wanted }: InputColumn, type: ColumnType): boolean {
  if (wanted === 'instant') return type === 'instant' || type === 'number' || type === 'integer';
  if (wanted === 'boolean') return type === 'boolean';
  return type !== 'instant';
}

function plainNumbers(
  input: InputColumn,
  values: Float64Array,
  type: ColumnType,
  refuse: (row: number, refusal: Refusal) => void,
): Float64Array<ArrayBuffer> {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    // NaN and infinities are the only numbers whose difference with themselves is no 0
    if (value - value === 0 || (!input.required && Number.isNaN(value))) continue;
    const { refusal } = encodeCell(input, Number.isNaN(value) ? null : type === 'boolean' ? value !== 0 : value);
    if (refusal !== undefined) refuse(row, refusal);
  }
  // a column of a batch is its own array: it may be handed on
  return values.buffer instanceof ArrayBuffer && values.byteLength === values.buffer.byteLength
    ? new Float64Array(values.buffer)
    : Float64Array.from(values);
}

/** Each distinct text is encoded once. */
function encodeTexts(
  input: InputColumn,
  { codes, dictionary }: Extract<Column, { kind: 'text' }>,
  untyped: boolean,
  refuse: (row: number, refusal: Refusal) => void,
): EncodedValues {
  const known = dictionary.map((text): EncodedCell | undefined => (input.datatype === 'BYTES' ? { value: text } : undefined));
  const missing = encodeCell(input, null);
  const into: EncodedValues = input.datatype === 'BYTES' ? new Array<string>(codes.length).fill('') : new Float64Array(codes.length);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row];
    const { value, refusal } =
      code < 0 ? missing : (known[code] ??= encodeCell(input, untyped ? typed(input, dictionary[code]) : dictionary[code]));
    if (refusal !== undefined) refuse(row, refusal);
    else if (value !== undefined) into[row] = value;
  }
  return into;
}

function encodeCells(input: InputColumn, column: Column, type: ColumnType, refuse: (row: number, refusal: Refusal) => void): EncodedValues {
  const rows = column.kind === 'text' ? column.codes.length : column.values.length;
  const into: EncodedValues = input.datatype === 'BYTES' ? new Array<string>(rows).fill('') : new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const { value, refusal } = encodeCell(input, cellOf(column, type, row));
    if (refusal !== undefined) refuse(row, refusal);
    else if (value !== undefined) into[row] = value;
  }
  return into;
}

interface EncodedCell {
  readonly value?: number | string;
  readonly refusal?: Refusal;
}

/** @param cell undefined where there is no such column */
function encodeCell(input: InputColumn, cell: Cell | undefined): EncodedCell {
  try {
    const { data } = encodeRows([input], [cell === undefined ? {} : { [input.name]: cell }])[input.name];
    return { value: data[0] };
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    const text = error.message.replace(/^row 0,? /, '');
    const { found, wanted } = error.details;
    return {
      refusal: {
        text,
        kind: found === undefined ? text : `column "${input.name}": a ${String(found)} was found that is no ${String(wanted)}`,
      },
    };
  }
}

const numberText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** What a text of a source without types says, where the model wants no text. */
function typed({ type }: InputColumn, text: string): Cell {
  const trimmed = text.trim();
  if (type === 'boolean' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  return numberText.test(trimmed) ? Number(trimmed) : text;
}
