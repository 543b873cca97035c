import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createFrame, instantColumn, numberColumn, runSql, textColumn, writeParquet } from './index.ts';
import type { SqlLimits, SqlResult } from './index.ts';
import { withDuck } from './duck.ts';
import { readQuery } from './sql-guard.ts';

const limits: SqlLimits = { maxRows: 100, maxBytes: 100_000, memoryLimitMib: 128, processMib: 256, timeoutMs: 60_000 };

describe('a person’s SQL', () => {
  let folder = '';
  let path = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-sql-'));
    path = join(folder, 'rows.parquet');
    const table = createFrame([
      { name: 'id', type: 'integer', column: numberColumn(Float64Array.from([1, 2, 3, 4])) },
      { name: 'x', column: numberColumn(Float64Array.from([0.5, Number.NaN, 2.5, 1])) },
      { name: 'mail', column: textColumn(['ada@a.example', 'bob@b.example', null, 'eve@e.example']) },
      { name: 'at', column: instantColumn(Float64Array.from([0, 1000, Number.NaN, -1])) },
      { name: 'ok', type: 'boolean', column: numberColumn(Float64Array.from([1, 0, Number.NaN, 1])) },
    ]);
    await writeParquet(table, path);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const projection = `id, x, CASE WHEN mail IS NULL THEN NULL ELSE '***' END AS mail, "at", ok`;
  const ask = (sql: string, bounds: Partial<SqlLimits> = {}): Promise<SqlResult> =>
    runSql(sql, (names) => Promise.resolve(names.map((name) => ({ name, path, projection }))), { ...limits, ...bounds });

  test('answers over tables by name: joins, windows, common tables, recursion, lists', async () => {
    assert.deepEqual(await ask('SELECT * FROM people ORDER BY id LIMIT 2'), {
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'x', type: 'DOUBLE' },
        { name: 'mail', type: 'VARCHAR' },
        { name: 'at', type: 'TIMESTAMP' },
        { name: 'ok', type: 'BOOLEAN' },
      ],
      rows: [
        [1, 0.5, '***', '1970-01-01T00:00:00.000Z', true],
        [2, null, '***', '1970-01-01T00:00:01.000Z', false],
      ],
      truncated: false,
    });
    const sql = `
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3), big AS MATERIALIZED (FROM people WHERE x > 0.6)
      SELECT n.i, sum(b.x) OVER (ORDER BY n.i), [v * 2 FOR v IN [1, 2]][2], CASE WHEN exists(FROM people p WHERE p.id = n.i AND ok) THEN 1 END,
        1.25::DECIMAL(5, 2), 9007199254740993, DATE '2026-01-31', {'a': 1}
      FROM n LEFT JOIN big b ON b.id = n.i, unnest(['u']) AS t(u) WHERE n.i IN (SELECT id FROM "people@702a45d5") ORDER BY 1 -- done`;
    assert.deepEqual((await ask(sql)).rows, [
      [1, null, 4, 1, 1.25, '9007199254740993', '2026-01-31T00:00:00.000Z', "{'a': 1}"],
      [2, null, 4, null, 1.25, '9007199254740993', '2026-01-31T00:00:00.000Z', "{'a': 1}"],
      [3, 2.5, 4, null, 1.25, '9007199254740993', '2026-01-31T00:00:00.000Z', "{'a': 1}"],
    ]);
    const fine = [
      'SELECT DISTINCT ON (ok) ok, max(x) FILTER (id > 1), quantile_cont(x, 0.5), count(DISTINCT mail) FROM people GROUP BY ALL ORDER BY ALL LIMIT 50%',
      "SELECT COLUMNS(* EXCLUDE (\"at\")), x IS DISTINCT FROM 3, mail LIKE '%a%', x BETWEEN 1 AND 2, CAST(id AS VARCHAR) FROM people EXCEPT SELECT id, x, mail, ok, true, true, true, '' FROM people",
      'SELECT row_number() OVER w, lag(x) OVER w FROM people WINDOW w AS (PARTITION BY ok ORDER BY id DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) QUALIFY row_number() OVER w = 1',
      'SUMMARIZE people',
      'DESCRIBE people',
      'FROM people SELECT list(id ORDER BY x), histogram(ok), date_trunc(\'month\', max("at")), strftime(max("at"), \'%Y\')',
      "VALUES (1, 'a'), (2, NULL)",
      'SELECT * FROM people a ASOF JOIN people b ON a.id >= b.id POSITIONAL JOIN people c',
      'SELECT * FROM people TABLESAMPLE 2 ROWS',
      'SELECT ok, GROUPING(ok), count(*) FROM people GROUP BY ROLLUP (ok)',
      'SELECT * FROM range(3), generate_series(1, 2)',
    ];
    for (const query of fine.slice(0, 3)) await ask(query).catch((error: unknown) => assert.fail(`${query}: ${String(error)}`));
    await withDuck({ files: [path] }, async (duck) => {
      await duck.run(`CREATE VIEW people AS SELECT ${projection} FROM read_parquet('${path}')`);
      for (const query of fine) {
        const [[text]] = await duck.rows(
          `SELECT json_serialize_sql('${query.replaceAll("'", "''")}', skip_null := true, skip_empty := true)`,
        );
        assert.doesNotThrow(() => readQuery(JSON.parse(String(text))), query);
        await duck.run(query).catch((error: unknown) => assert.fail(`${query}: ${String(error)}`));
      }
    });
  });

  test('sees no file, address, catalogue, setting or variable, and writes nothing', async () => {
    const attacks = [
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM READ_TEXT('/etc/passwd')",
      "SELECT * FROM read_blob('/etc/passwd')",
      "SELECT * FROM '/etc/passwd'",
      `SELECT * FROM '${path}'`,
      `SELECT * FROM read_parquet('${path}')`,
      `WITH "${path}" AS (SELECT 1) SELECT * FROM "${path}"`,
      `SELECT (SELECT mail FROM read_parquet('${path}') LIMIT 1) FROM people`,
      `SELECT * FROM people WHERE id IN (FROM parquet_metadata('${path}') SELECT row_group_id)`,
      "SELECT * FROM 'https://example.com/a.parquet'",
      "SELECT * FROM read_parquet('s3://bucket/a.parquet')",
      "SELECT * FROM glob('/*')",
      "SELECT * FROM sniff_csv('/etc/passwd')",
      `COPY people TO '${join(folder, 'out.csv')}'`,
      `COPY (SELECT 1) TO '${join(folder, 'out.parquet')}'`,
      `EXPORT DATABASE '${folder}'`,
      `ATTACH '${join(folder, 'x.db')}' AS x`,
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      'RESET lock_configuration',
      'PRAGMA database_list',
      'CALL pragma_version()',
      'CREATE TABLE t AS SELECT 1',
      'DROP VIEW people',
      'INSERT INTO people VALUES (1)',
      'CREATE MACRO f() AS 1',
      "SELECT 1; COPY people TO 'x'",
      "SELECT getenv('HOME')",
      "SELECT current_setting('allowed_paths')",
      "SELECT GETVARIABLE('x')",
      'SELECT * FROM duckdb_settings()',
      'SELECT * FROM duckdb_views()',
      'SELECT * FROM information_schema.tables',
      'SELECT * FROM pg_catalog.pg_views',
      'SELECT pg_get_viewdef(1)',
      'SHOW TABLES',
      "SELECT * FROM query('SELECT 1')",
      "SELECT * FROM query_table('people')",
      "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
      'SELECT * FROM main.people',
      'SELECT * FROM people AT (VERSION => 1)',
      'EXPLAIN SELECT 1',
      'PREPARE q AS SELECT 1',
    ];
    await withDuck({ files: [] }, async (duck) => {
      for (const sql of attacks) {
        const [[text]] = await duck.rows(
          `SELECT json_serialize_sql('${sql.replaceAll("'", "''")}', skip_null := true, skip_empty := true)`,
        );
        assert.throws(
          () => readQuery(JSON.parse(String(text))),
          (error: Error & { code?: string }) => /PERMISSION_DENIED|INVALID_ARGUMENT/.test(error.code ?? ''),
          sql,
        );
      }
    });
    for (const sql of [attacks[0], attacks[4], attacks[13]]) await assert.rejects(ask(sql), { code: 'PERMISSION_DENIED' });
    assert.deepEqual(await readdir(folder), ['rows.parquet']);
  });

  test('is run by an engine that is confined, too, should a query ever get past its reader', async () => {
    const escapes = [
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM read_blob('/etc/passwd')",
      "SELECT * FROM '/etc/hosts.csv'",
      "SELECT * FROM glob('/*')",
      "SELECT * FROM read_parquet('https://example.com/a.parquet')",
      `COPY (SELECT 1) TO '${join(folder, 'out.csv')}'`,
      `COPY (SELECT 1) TO '${path}'`,
      `ATTACH '${join(folder, 'x.db')}' AS x`,
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      "SET allowed_paths = ['/etc/passwd']",
      'RESET lock_configuration',
    ];
    await withDuck({ files: [path] }, async (duck) => {
      for (const sql of escapes) await assert.rejects(duck.run(sql), sql);
    });
    assert.deepEqual(await readdir(folder), ['rows.parquet']);
  });

  test('cannot look behind a masked column', async () => {
    const probes = [
      "SELECT count(*) FROM people WHERE mail LIKE 'ada%'",
      "SELECT count(*) FROM people WHERE mail < 'b'",
      'SELECT count(*) FROM people WHERE length(mail) > 3',
      "SELECT count(*) FROM people GROUP BY mail HAVING mail <> '***'",
      "SELECT max(mail) FROM people WHERE mail IS NOT NULL AND mail <> '***'",
    ];
    for (const sql of probes) {
      const { rows } = await ask(sql);
      // all of the three that are there, or none: no value is told from another
      assert.ok(
        rows.length === 0 || [0, 3, null].includes(rows[0][0] === null ? null : Number(rows[0][0])),
        `${sql}: ${JSON.stringify(rows)}`,
      );
    }
    await assert.rejects(ask('SELECT file_row_number FROM people'), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(ask('SELECT mail::INTEGER FROM people'), (error: Error) => !error.message.includes('ada'));
  });

  test('that is wrong is refused with the parser’s words', async () => {
    await assert.rejects(ask('SELEC 1'), { code: 'INVALID_ARGUMENT', message: /syntax error at or near "SELEC" \(character 1\)/ });
    await assert.rejects(ask('SELECT 1; SELECT 2'), { code: 'INVALID_ARGUMENT', message: /2 statements/ });
    await assert.rejects(ask(''), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(ask('SELECT nope FROM people'), { code: 'INVALID_ARGUMENT', message: /nope/ });
    await assert.rejects(
      ask(`SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`),
      (error: Error & { code?: string }) => error.code !== undefined,
    );
  });

  test('ends with its time, with its memory, and with its caller', async () => {
    const forever = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t';
    await assert.rejects(ask(forever, { timeoutMs: 1500 }), { code: 'DEADLINE_EXCEEDED', message: /1500 ms/ });
    await assert.rejects(ask('SELECT list_sum(range(1000000000))'), { code: 'RESOURCE_EXHAUSTED' });
    await assert.rejects(ask("SELECT length(repeat('x', 3000000000))"), { code: /RESOURCE_EXHAUSTED|INVALID_ARGUMENT/ });
    await assert.rejects(ask('SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) FROM range(30000000))'), {
      code: 'RESOURCE_EXHAUSTED',
    });
    const gone = new AbortController();
    const asked = ask(forever, { signal: gone.signal });
    gone.abort();
    await assert.rejects(asked, { code: 'CANCELLED' });
  });

  test('gives as many rows and bytes as an answer may have', async () => {
    const many = await ask('SELECT * FROM range(1000000)', { maxRows: 10 });
    assert.deepEqual([many.rows.length, many.truncated], [10, true]);
    const wide = await ask("SELECT repeat('x', 1000) FROM range(1000)", { maxBytes: 5000 });
    assert.deepEqual([wide.rows.length, wide.truncated], [4, true]);
  });
});
