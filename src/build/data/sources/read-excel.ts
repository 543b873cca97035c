import { basename } from 'node:path';
import { GyreError, isGyreError, messageOf } from '#core';
import { changedError, standingOf } from './file-standing.ts';
import { rowsThroughText } from './rows-text.ts';
import type { RowColumn, RowValue } from './rows-text.ts';
import type { DatasetSource, OpenSource } from './source.ts';

/** A sheet is read as a whole, and unfolds to many times its size. */
const maxExcelBytes = 64 * 2 ** 20;

/** A sheet of an Excel file (.xlsx), whose first row names the columns. */
export function openExcel({ path, sheet }: Extract<DatasetSource, { kind: 'excel' }>, address: string): OpenSource {
  const name = basename(path);
  return {
    kind: 'excel',
    address,
    ...(sheet === undefined ? {} : { query: sheet }),
    look: () => standingOf(path),
    read: async (folder, reading) => {
      const { stamp, size } = await standingOf(path);
      if (size > maxExcelBytes)
        throw new GyreError(
          'RESOURCE_EXHAUSTED',
          `${name} has ${size} bytes; Excel files up to ${maxExcelBytes / 2 ** 20} MiB are read: save it as CSV`,
        );
      const rows = await rowsOf(path, name, sheet);
      const [header, ...body] = rows;
      if (header === undefined) throw new GyreError('FAILED_PRECONDITION', `${name}: the sheet is empty; its first row names the columns`);
      const width = header.findLastIndex((cell) => cell !== null) + 1;
      const columns = header.slice(0, width).map((cell): RowColumn => ({ name: cell === null ? '' : textOf(cell).trim() }));
      const beside = body.findIndex((row) => row.slice(width).some((cell) => cell !== null));
      if (beside >= 0)
        throw new GyreError(
          'INVALID_ARGUMENT',
          `${name}, row ${beside + 2}: a value stands beside the ${width} columns that the first row names`,
        );
      const values = body.map((row) => Array.from({ length: width }, (_, i): RowValue => row[i] ?? null));
      const read = await rowsThroughText({ folder, name, columns }, values, reading);
      if ((await standingOf(path)).stamp !== stamp) throw changedError(name);
      return read;
    },
  };
}

const textOf = (cell: RowValue): string => (cell instanceof Date ? cell.toISOString() : String(cell));

function cellOf(cell: unknown): RowValue {
  if (typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean' || cell instanceof Date) return cell;
  return null;
}

async function rowsOf(path: string, name: string, sheet: string | undefined): Promise<RowValue[][]> {
  const { default: readWorkbook } = await import('read-excel-file/node');
  try {
    const sheets = await readWorkbook(path);
    const found = sheet === undefined ? sheets[0] : sheets.find((each) => each.sheet === sheet);
    if (found !== undefined) return found.data.map((row) => row.map(cellOf));
    const names = sheets.map((each) => `"${each.sheet}"`).join(', ');
    throw new GyreError('NOT_FOUND', `${name} has no sheet "${sheet}"; it has ${names}`, { sheet });
  } catch (error) {
    if (isGyreError(error)) throw error;
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${name} cannot be read as an Excel file (.xlsx): ${messageOf(error)}`,
      { path },
      { cause: error },
    );
  }
}
