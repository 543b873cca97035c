import { cellOf } from './column.ts';
import type { Frame } from './frame.ts';

/**
 * Writes a frame as CSV (RFC 4180 with LF): a header, fields quoted where needed, missing values blank, instants in ISO 8601.
 * The same rows give the same text; `readCsv` gives the rows back.
 */
export function writeCsv(frame: Frame): string {
  const columns = frame.schema.map(({ name, type }) => ({ type, column: frame.column(name) }));
  const lines = [frame.names.map(quoted).join(',')];
  for (let row = 0; row < frame.rows; row++) {
    const cells = columns.map(({ column, type }) => {
      const cell = cellOf(column, type, row);
      return cell === null ? '' : typeof cell === 'string' ? quoted(cell) : String(cell);
    });
    // a lone missing value would be a blank line, which readers skip
    lines.push(cells.length === 1 && cells[0] === '' ? '""' : cells.join(','));
  }
  return `${lines.join('\n')}\n`;
}

const quoted = (text: string): string => (/[",\n\r;\t|]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
