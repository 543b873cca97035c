import { sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { wholeTable } from './quality/batches.ts';

const topValues = 20;

export interface TextFigures {
  readonly count: number;
  readonly distinct: number;
  readonly top: readonly { readonly value: string; readonly count: number }[];
  readonly minLength: number;
  readonly maxLength: number;
}

/** How many values a text column has, how many different ones, the most frequent ones, and lengths in UTF-16 code units. */
export function textProfile(frame: Frame, name: string): TextFigures {
  const { codes, dictionary } = frame.texts(name);
  const counts = new Map<string, number>();
  const byCode = new Float64Array(dictionary.length);
  for (const code of codes) if (code >= 0) byCode[code]++;
  let [minLength, maxLength, count] = [Infinity, 0, 0];
  dictionary.forEach((text, code) => {
    if (byCode[code] === 0) return;
    counts.set(text, (counts.get(text) ?? 0) + byCode[code]);
    count += byCode[code];
    minLength = Math.min(minLength, text.length);
    maxLength = Math.max(maxLength, text.length);
  });
  const top = [...counts]
    .sort(([a, left], [b, right]) => right - left || Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .slice(0, topValues)
    .map(([value, times]) => ({ value, count: times }));
  return { count, distinct: counts.size, top, minLength, maxLength };
}

/** Like `textProfile`, of a table that an engine holds. */
export async function askTextProfile(tables: OpenTables, name: string): Promise<TextFigures> {
  const column = sqlName(name);
  // characters beyond 16 bits have four bytes, and are two code units
  const wide = `length(regexp_replace(value, '[^\\x{10000}-\\x{10FFFF}]', '', 'g'))`;
  const units = `length(value) + CASE WHEN strlen(value) = length(value) THEN 0 ELSE ${wide} END`;
  const counted = `SELECT ${column} AS value, count(*) AS times FROM ${wholeTable} WHERE ${column} IS NOT NULL GROUP BY 1`;
  const figures = `SELECT sum(times)::DOUBLE AS "count", count(*)::DOUBLE AS "distinct", min(${units})::DOUBLE AS least, max(${units})::DOUBLE AS most FROM counted`;
  const frame = await tables.frame(
    `WITH counted AS MATERIALIZED (${counted})
     SELECT value, times::DOUBLE AS times, "count", "distinct", least, most FROM (${figures}) CROSS JOIN (
       SELECT value, times FROM counted ORDER BY times DESC, value LIMIT ${topValues}) ORDER BY times DESC, value`,
  );
  if (frame.rows === 0) return { count: 0, distinct: 0, top: [], minLength: Infinity, maxLength: 0 };
  const { codes, dictionary } = frame.texts('value');
  const times = frame.numbers('times');
  const first = (figure: string): number => frame.numbers(figure)[0];
  return {
    count: first('count'),
    distinct: first('distinct'),
    top: [...codes].map((code, row) => ({ value: dictionary[code], count: times[row] })),
    minLength: first('least'),
    maxLength: first('most'),
  };
}
