import { GyreError, isGyreError, messageOf } from '#core';
import { engineError, withDuck } from './duck.ts';
import type { Duck } from './duck.ts';
import type { Cell } from './column.ts';
import { cellReader, chunkRows } from './sql-cells.ts';
import { identifier, literal, parquetAt } from './sql-columns.ts';
import { readQuery } from './sql-guard.ts';
import type { SqlBounds, SqlReply, SqlRequest, SqlResult } from './sql-messages.ts';

/*
 * The process that runs one query of a person. It has no environment, and it ends itself when it grows beyond its bounds: an allocation
 * of the engine that its own limit does not count then takes down nobody else.
 */

let query: { readonly sql: string; readonly bounds: SqlBounds } | undefined;

process.on('message', (request: SqlRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});
// whoever asked is gone
process.on('disconnect', () => process.exit(0));

async function answer(request: SqlRequest): Promise<SqlReply> {
  try {
    if (request.kind === 'read') {
      query = request;
      watchMemory(request.bounds.processMib);
      return { kind: 'tables', names: await tablesOf(request.sql) };
    }
    if (query === undefined) throw new GyreError('INTERNAL', 'tables came before the query');
    return { kind: 'result', result: await run(query.sql, query.bounds, request) };
  } catch (error) {
    return { kind: 'failure', code: isGyreError(error) ? error.code : 'INTERNAL', message: messageOf(error) };
  }
}

async function tablesOf(sql: string): Promise<readonly string[]> {
  return withDuck({ files: [], threads: 1 }, async (duck) => {
    const [[text]] = await duck.rows(`SELECT json_serialize_sql(${literal(sql)}, skip_null := true, skip_empty := true)`);
    const parsed: unknown = JSON.parse(String(text));
    return readQuery(parsed).tables;
  });
}

async function run(sql: string, bounds: SqlBounds, { tables }: Extract<SqlRequest, { kind: 'run' }>): Promise<SqlResult> {
  return withDuck({ files: tables.map(({ path }) => path), memoryLimitMib: bounds.memoryLimitMib }, async (duck) => {
    for (const { name, path, projection } of tables)
      await duck.run(`CREATE VIEW ${identifier(name)} AS SELECT ${projection} FROM ${parquetAt(path)}`);
    try {
      return await fetched(duck, sql, bounds);
    } catch (cause) {
      throw engineError('INVALID_ARGUMENT', 'the query failed', cause);
    }
  });
}

async function fetched(duck: Duck, sql: string, { maxRows, maxBytes }: SqlBounds): Promise<SqlResult> {
  const result = await duck.result(sql);
  const types = result.columnTypes();
  const readers = types.map(cellReader);
  const columns = result.columnNames().map((name, i) => ({ name, type: String(types[i]) }));
  const rows: Cell[][] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return { columns, rows, truncated: false };
    for (const row of chunkRows(chunk, readers)) {
      bytes += JSON.stringify(row).length;
      if (rows.length === maxRows || bytes > maxBytes) return { columns, rows, truncated: true };
      rows.push(row);
    }
  }
}

const watchEveryMs = 20;

function watchMemory(processMib: number): void {
  const limit = process.memoryUsage.rss() + processMib * 2 ** 20;
  setInterval(() => {
    if (process.memoryUsage.rss() <= limit) return;
    const reply: SqlReply = {
      kind: 'failure',
      code: 'RESOURCE_EXHAUSTED',
      message: `the query needs more than the ${processMib} MiB that it may have`,
    };
    process.send?.(reply, () => process.kill(process.pid, 'SIGKILL'));
  }, watchEveryMs);
}
