import type { NamedRow } from '#contract';

/**
 * Rows of a file that somebody chose: a JSON array of rows, a row of JSON in each line, or CSV with the columns' names in its first line. In CSV a
 * column is one of numbers where each of its values is one, and what is empty is missing.
 * @returns the rows, or in words why there are none
 */
export function rowsOfFile(name: string, text: string): readonly NamedRow[] | string {
  const rows = /\.csv$/i.test(name) ? rowsOfCsv(text) : rowsOfJson(text);
  if (rows === undefined)
    return `${name} holds no rows: a JSON array of rows, a row of JSON in each line, or CSV with names in its first line.`;
  if (rows.length === 0) return `${name} holds no row.`;
  return rows;
}

function rowsOfJson(text: string): readonly NamedRow[] | undefined {
  const read = (part: string): unknown => {
    try {
      return JSON.parse(part);
    } catch {
      return undefined;
    }
  };
  const whole = read(text);
  const items: readonly unknown[] = Array.isArray(whole)
    ? whole
    : text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(read);
  return items.every(isRow) ? items : undefined;
}

function isRow(value: unknown): value is NamedRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((cell) => cell === null || ['string', 'number', 'boolean'].includes(typeof cell));
}

function rowsOfCsv(text: string): readonly NamedRow[] | undefined {
  const [names, ...lines] = fieldsOf(text);
  if (names === undefined || lines.some((line) => line.length !== names.length)) return undefined;
  const isNumeric = names.map((_, at) => lines.every((line) => line[at].trim() === '' || Number.isFinite(Number(line[at]))));
  return lines.map((line) =>
    Object.fromEntries(names.map((name, at) => [name, line[at].trim() === '' ? null : isNumeric[at] ? Number(line[at]) : line[at]])),
  );
}

/** By RFC 4180: fields with quotes may hold commas, line ends and doubled quotes. */
function fieldsOf(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  for (const [, quoted, plain, end] of text.replace(/^\uFEFF/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    const isEnd = end === '';
    if (isEnd && line.length === 0 && (plain ?? '') === '' && quoted === undefined) break;
    line.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    lines.push(line);
    line = [];
    if (isEnd) break;
  }
  return lines;
}
