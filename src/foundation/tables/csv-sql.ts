import type { CsvLayout } from './csv.ts';
import type { ColumnEvidence } from './inference.ts';
import { identifier, literal } from './sql-columns.ts';
import { maxRecordBytes } from './text-file.ts';

/*
 * `readCsv` said in the engine's SQL. `checked`: whatever the engine would take more kindly than `readCsv` (`1_000`, `+5`, `t`, `007`
 * as a number) is an error, so that the same file has the same rows in either reader. `proven`: our own scanner has read every value and
 * found it right; what is left is to convert them.
 */
export type CsvReading = 'checked' | 'proven';

/** The table function: every field as the text that it is, empty ones missing. The columns are named c0, c1, …. */
export function csvTable(path: string, columns: number, { delimiter }: CsvLayout): string {
  const names = Array.from({ length: columns }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const options = [
    'auto_detect = false',
    'header = true',
    `delim = ${literal(delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    `nullstr = ''`,
    'allow_quoted_nulls = true',
    'strict_mode = true',
    'null_padding = false',
    'ignore_errors = false',
    `max_line_size = ${maxRecordBytes}`,
    `buffer_size = ${maxRecordBytes}`,
    `columns = {${names}}`,
  ];
  return `read_csv(${literal(path)}, ${options.join(', ')})`;
}

/** What stands behind SELECT. */
export function csvColumns(columns: readonly ColumnEvidence[], layout: CsvLayout, how: CsvReading): string {
  return columns.map((column, i) => `${converted(column, `c${i}`, layout, how)} AS ${identifier(column.name)}`).join(', ');
}

function converted(column: ColumnEvidence, field: string, layout: CsvLayout, how: CsvReading): string {
  const bare = `trim(${field}, ' \t')`;
  const named = layout.missing === undefined ? '' : ` OR ${bare} IN (${[...layout.missing].map(literal).join(', ')})`;
  if (column.type === 'string') return `CASE WHEN ${bare} = ''${named} THEN NULL ELSE ${field} END`;
  const value = how === 'proven' ? bare : field;
  const point = layout.decimal === ',' ? `replace(${value}, ',', '.')` : value;
  const { cast, check } =
    column.type === 'instant' && how === 'proven' && column.order === undefined
      ? instantOfAnyForm(value)
      : conversions[column.type](point, value, column);
  const missing = how === 'proven' ? `${field} IS NULL OR ${bare} = ''${named}` : `${field} IS NULL${named}`;
  const holds = how === 'proven' ? `${cast} IS NOT NULL` : check;
  return `CASE WHEN ${missing} THEN NULL WHEN ${holds} THEN ${cast} ELSE error(${literal(`column ${column.name}`)}) END`;
}

interface Conversion {
  readonly cast: string;
  /** Holds for the texts that `readCsv` would read as this type, as far as the cast alone does not tell. */
  readonly check: string;
}

/** Instants as they usually are: what has more than milliseconds is cut off as a text, because a cast would round it. */
const toMillis = String.raw`\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})?)?`;
const toNanos = String.raw`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\.\d{4,9}(Z|[+-]\d{2}:\d{2})?`;
const withoutNanos = (text: string): string => String.raw`regexp_replace(${text}, '(\.\d{3})\d+', '\1')`;
const asInstant = (text: string): string => `CAST(TRY_CAST(${text} AS TIMESTAMPTZ) AS TIMESTAMP_MS)`;

/** Any instant that `parseInstant` reads: with seconds and the zone's colon put where they are not written. */
function instantOfAnyForm(text: string): Conversion {
  const seconds = String.raw`regexp_replace(${withoutNanos(text)}, '^(.{10}.\d\d:\d\d)($|Z|[+-])', '\1:00\2')`;
  const zone = String.raw`regexp_replace(${seconds}, '([+-]\d\d)(\d\d)$', '\1:\2')`;
  // a bare date ends like a zone without its colon
  return { cast: asInstant(`CASE WHEN length(${text}) = 10 THEN ${text} ELSE ${zone} END`), check: 'true' };
}

const conversions: Readonly<
  Record<Exclude<ColumnEvidence['type'], 'string'>, (point: string, text: string, column: ColumnEvidence) => Conversion>
> = {
  integer: (_, text) => {
    const cast = `TRY_CAST(${text} AS BIGINT)`;
    // written back it is the same text: no 007, no 1e3, no 5.0; and a float64 holds it exactly
    return { cast, check: `CAST(${cast} AS VARCHAR) = ${text} AND abs(${cast}) <= ${Number.MAX_SAFE_INTEGER}` };
  },
  number: (point, text) => {
    const cast = `TRY_CAST(${point} AS DOUBLE)`;
    const comma = point === text ? '' : ` AND NOT contains(${text}, '.')`;
    return { cast, check: `isfinite(${cast}) AND NOT contains(${text}, '_') AND NOT starts_with(${text}, '+')${comma}` };
  },
  boolean: (_, text) => ({ cast: `lower(${text}) = 'true'`, check: `lower(${text}) IN ('true', 'false')` }),
  instant: (_, text, { order }) => {
    if (order !== undefined) {
      const cast = `CAST(${datedInstant(text, order)} AS TIMESTAMP_MS)`;
      return { cast, check: `${cast} IS NOT NULL` };
    }
    const cast = `CASE WHEN length(${text}) > 23 THEN ${asInstant(withoutNanos(text))} ELSE ${asInstant(text)} END`;
    const isOne = `(regexp_full_match(${text}, ${literal(toMillis)}) OR regexp_full_match(${text}, ${literal(toNanos)}))`;
    return { cast, check: `${isOne} AND ${cast} IS NOT NULL` };
  },
};

/** A day with its year last, and perhaps a time. */
function datedInstant(text: string, order: 'day-first' | 'month-first'): string {
  const formats = ['.', '/', '-'].flatMap((sign) => {
    const day = order === 'day-first' ? `%d${sign}%m${sign}%Y` : `%m${sign}%d${sign}%Y`;
    return [day, ...['%H:%M', '%H:%M:%S', '%H:%M:%S.%g'].flatMap((time) => [`${day} ${time}`, `${day}T${time}`])];
  });
  return `try_strptime(${text}, [${formats.map(literal).join(', ')}])`;
}
