import type { InputColumn } from './features.ts';
import type { NamedRow } from './prediction.ts';

/** One column of a request as an Open Inference Protocol tensor of shape [rows, 1]. */
export type EncodedColumn =
  | { readonly datatype: 'FP64'; readonly shape: readonly [number, number]; readonly data: Float64Array }
  | { readonly datatype: 'BYTES'; readonly shape: readonly [number, number]; readonly data: readonly string[] };

export interface EncodeOptions {
  /** Columns that a row may have beside the model's inputs, such as its key; all others are refused. */
  readonly ignore?: readonly string[];
}

/**
 * Rows that do not fit a model's inputs. It has the code INVALID_ARGUMENT, as errors of ours do, and no other dependency:
 * this file also runs in a browser.
 */
export class RowError extends Error {
  override readonly name = 'GyreError';
  readonly code = 'INVALID_ARGUMENT' as const;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.details = details;
  }
}

/**
 * Encodes rows with named columns as the tensors that a model takes: one of shape [rows, 1] for each input.
 * Numbers and booleans become FP64 (NaN = missing), instants UTC milliseconds, strings BYTES ('' = missing). A category that training
 * never saw passes: the model knows what to do with it. Every row names every input; `null` says that its value is not known.
 * @param inputs the model's raw columns
 * @param rows any number of rows, also none
 * @throws RowError (INVALID_ARGUMENT) naming row (0-based), column, what was found and what is wanted: for an absent or an extra column, a null
 * where training defined no imputation, a value of the wrong type
 */
export function encodeRows(
  inputs: readonly InputColumn[],
  rows: readonly NamedRow[],
  options: EncodeOptions = {},
): Record<string, EncodedColumn> {
  refuseExtra(inputs, rows, new Set(options.ignore));
  return Object.fromEntries(inputs.map((input) => [input.name, encodeColumn(input, rows)]));
}

function refuseExtra(inputs: readonly InputColumn[], rows: readonly NamedRow[], ignored: ReadonlySet<string>): void {
  const known = new Set(inputs.map(({ name }) => name));
  for (const [row, record] of rows.entries()) {
    const extra = Object.keys(record).filter((name) => !known.has(name) && !ignored.has(name));
    if (extra.length === 0) continue;
    throw new RowError(`row ${row} has ${plural(extra)} that the model does not take; it takes ${plural([...known])}`, { row, extra });
  }
}

function encodeColumn(input: InputColumn, rows: readonly NamedRow[]): EncodedColumn {
  const shape = [rows.length, 1] as const;
  if (input.datatype === 'BYTES') {
    return { datatype: 'BYTES', shape, data: rows.map((row, at) => textOf(input, present(input, row, at), at)) };
  }
  const data = new Float64Array(rows.length);
  for (const [at, row] of rows.entries()) data[at] = numberOf(input, present(input, row, at), at);
  return { datatype: 'FP64', shape, data };
}

type Value = NamedRow[string];

function present(input: InputColumn, row: NamedRow, at: number): Value {
  const value = Object.hasOwn(row, input.name) ? row[input.name] : undefined;
  if (value === undefined) {
    const missing = input.required ? '' : '; null says that its value is not known';
    throw new RowError(`row ${at} lacks the column "${input.name}" (${wanted[input.type]}${missing})`, { row: at, column: input.name });
  }
  if (value === null && input.required) {
    throw new RowError(`row ${at}, column "${input.name}": null was found, but the model needs ${wanted[input.type]} here`, {
      row: at,
      column: input.name,
    });
  }
  return value;
}

function textOf(input: InputColumn, value: Value, at: number): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  throw mistyped(input, value, at);
}

function numberOf(input: InputColumn, value: Value, at: number): number {
  if (value === null) return Number.NaN;
  if (typeof value === 'boolean' && input.type !== 'instant') return Number(value);
  if (typeof value === 'number' && Number.isFinite(value) && (input.type !== 'boolean' || value === 0 || value === 1)) return value;
  if (typeof value === 'string' && input.type === 'instant') {
    const instant = instantOf(value);
    if (instant !== undefined) return instant;
  }
  throw mistyped(input, value, at);
}

const wanted: Readonly<Record<InputColumn['type'], string>> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'a string',
  instant: 'an ISO 8601 instant or UTC milliseconds',
};

function mistyped(input: InputColumn, value: Value, at: number): RowError {
  const shown = typeof value === 'string' ? `the string ${JSON.stringify(value.slice(0, 60))}` : `the ${typeof value} ${String(value)}`;
  return new RowError(`row ${at}, column "${input.name}": ${shown} was found, ${wanted[input.type]} is wanted`, {
    row: at,
    column: input.name,
    found: typeof value,
    wanted: input.type,
  });
}

const isoInstant = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** ISO 8601 as UTC milliseconds; what has no zone is UTC. Undefined when it is no instant: `Date.parse` alone takes 2024-02-30 as March 1. */
function instantOf(text: string): number | undefined {
  const found = isoInstant.exec(text);
  if (!found) return undefined;
  const [, year, month, day, zone] = found;
  const lastDay = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  if (Number(day) > lastDay) return undefined;
  const withT = text.replace(' ', 'T').replace(/([+-]\d{2})(\d{2})$/, text.includes(':') ? '$1:$2' : '$&');
  const instant = Date.parse(zone === undefined && text.length > 10 ? `${withT}Z` : withT);
  return Number.isNaN(instant) ? undefined : instant;
}

function plural(names: readonly string[]): string {
  const shown = names.slice(0, 30).map((name) => `"${name}"`);
  const rest = names.length > 30 ? ` and ${names.length - 30} more` : '';
  return `${names.length === 1 ? 'the column' : 'the columns'} ${shown.join(', ')}${rest}`;
}
