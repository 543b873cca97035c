import { GyreError } from '#core';

/**
 * The records of a CSV text (RFC 4180), each a list of fields; empty lines are none.
 * @throws GyreError INVALID_ARGUMENT naming the line of a quote that does not end, or of what follows one
 */
export function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  let line = 1;
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  const end = (): void => {
    if (fields.length > 1 || fields[0] !== '') records.push(fields);
    fields = [];
    line += 1;
  };
  while (at < text.length) {
    if (text[at] === '"') {
      const [field, next] = quoted(text, at + 1, line);
      fields.push(field);
      at = next;
    } else {
      const next = text.slice(at).search(/[,\r\n]/);
      const stop = next < 0 ? text.length : at + next;
      fields.push(text.slice(at, stop));
      at = stop;
    }
    if (at >= text.length) break;
    if (text[at] === ',') {
      at += 1;
      if (at === text.length) fields.push('');
      continue;
    }
    at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1;
    end();
  }
  if (fields.length > 0) end();
  return records;
}

function quoted(text: string, from: number, line: number): readonly [string, number] {
  let field = '';
  let at = from;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new GyreError('INVALID_ARGUMENT', `line ${line}: a quoted field does not end`, { line });
    field += text.slice(at, quote);
    if (text[quote + 1] !== '"') {
      const next = text[quote + 1];
      if (next !== undefined && !/[,\r\n]/.test(next))
        throw new GyreError('INVALID_ARGUMENT', `line ${line}: something follows a quoted field that is no comma`, { line });
      return [field, quote + 1];
    }
    field += '"';
    at = quote + 2;
  }
}
