import { withDuck } from './duck.ts';
import type { Duck, DuckOptions } from './duck.ts';
import { createFrame } from './frame.ts';
import type { TableSchema } from './frame.ts';
import { numberColumn } from './column.ts';
import { copyTo } from './parquet-writer.ts';
import { identifier, parquetAt, parquetSchema, sqlTypes } from './sql-columns.ts';

/** A column of marks has a bit for so many files. */
const bitsOfColumn = 8;

/** Takes the marks of the next rows: for each file 1 for a row that belongs to it. A row may be in several files, or in none. */
export type GiveMarks = (marks: readonly Uint8Array[]) => Promise<void>;

/**
 * Deals the rows of a Parquet file to other ones, in their order, without having them in memory: what does not fit into the engine's goes
 * to `spillFolder`. Each file has the very bytes that `writeParquet` makes of its rows.
 * @param source absolute, a file of ours @param targets absolute; none of them is there
 * @param each gives the marks of all rows, in order, some at a time
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION when a file cannot be written for another reason
 */
export async function divideParquet(
  source: string,
  targets: readonly string[],
  each: (give: GiveMarks) => Promise<void>,
  options: Omit<DuckOptions, 'threads'> = {},
): Promise<void> {
  const columns = Array.from({ length: Math.ceil(targets.length / bitsOfColumn) }, (_, i) => `#marks ${i}`);
  // one thread, so that rows keep their order
  await withDuck({ ...options, threads: 1, files: [source, ...targets] }, async (duck) => {
    await duck.run(`CREATE TABLE marks (${columns.map((name) => `${identifier(name)} UTINYINT`).join(', ')})`);
    await each((marks) => addMarks(duck, columns, marks));
    const schema = await parquetSchema(duck, source);
    for (const [i, target] of targets.entries()) {
      const bit = `(marks.${identifier(columns[Math.floor(i / bitsOfColumn)])} & ${1 << (i % bitsOfColumn)}) <> 0`;
      // a table of the rows alone: where rows are left out on the way, parts of the file would end elsewhere
      await duck.run(`CREATE TABLE part AS SELECT ${own(schema)} FROM ${parquetAt(source)} AS source POSITIONAL JOIN marks WHERE ${bit}`);
      await copyTo(duck, 'FROM part', target);
      await duck.run('DROP TABLE part');
    }
  });
}

async function addMarks(duck: Duck, columns: readonly string[], marks: readonly Uint8Array[]): Promise<void> {
  const rows = marks[0]?.length ?? 0;
  const bits = columns.map((name, at) => {
    const values = new Float64Array(rows);
    marks.slice(at * bitsOfColumn, (at + 1) * bitsOfColumn).forEach((ofFile, bit) => {
      for (let row = 0; row < rows; row++) if (ofFile[row] === 1) values[row] += 1 << bit;
    });
    return { name, column: numberColumn(values) };
  });
  await duck.append('marks', createFrame(bits, rows));
}

/** The columns as frames have them and `writeParquet` writes them. */
const own = (schema: TableSchema): string =>
  schema
    .map(({ name, type }) => {
      const column = `source.${identifier(name)}`;
      const value = type === 'instant' ? `make_timestamp_ms(epoch_ms(${column}::TIMESTAMP))` : column;
      return `${value}::${sqlTypes[type]} AS ${identifier(name)}`;
    })
    .join(', ');
