/** Looks at a data folder whose process is gone: is anything in it half, missing or changed? */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { blobHolders } from '#governance';

type Row = Readonly<Record<string, unknown>>;

/** Queries that give digests which must be blobs. */
const blobDigests: Readonly<Record<string, string>> = {
  'rows files': 'select rows_digest from dataset_versions',
  'source files': "select json_extract(value, '$.sha256') from dataset_versions, json_each(manifest, '$.files')",
  transforms: 'select digest from transforms',
  'transform graphs': "select json_extract(record, '$.graph') from transforms",
  artifacts: 'select digest from artifacts where digest is not null',
  'parts of uploads': 'select digest from artifact_upload_parts',
  'test reports': 'select digest from test_reports',
  'files of packages': "select json_extract(value, '$.digest') from model_versions, json_each(files)",
  'application tests': "select json_extract(record, '$.digest') from application_tests",
  manifests: "select json_extract(record, '$.manifest') from deployments where json_extract(record, '$.manifest') is not null",
};

/** Queries that give what must not be: each row is a record that speaks of nothing, or of half of something. */
const mustBeEmpty: Readonly<Record<string, string>> = {
  'parts of splits without a dataset version':
    "select json_extract(value, '$.version') from dataset_splits, json_each(split, '$.parts') where json_extract(value, '$.version') not in (select digest from dataset_versions)",
  'inputs of runs that are no dataset version and no transform':
    "select json_extract(value, '$.digest') from runs, json_each(inputs) where json_extract(value, '$.digest') not in (select digest from dataset_versions) and json_extract(value, '$.digest') not in (select digest from transforms)",
  'finished runs of studies without both artifacts':
    "select id from runs where status = 'FINISHED' and study is not null and (select count(*) from artifacts where digest is not null and folder = experiment || '/' || replace(id, '-', '') || '/artifacts') < 2",
  'finished runs of studies without metrics':
    "select id from runs where status = 'FINISHED' and study is not null and position not in (select run from metric_latest)",
  'test reports of runs that are not finished, and of no version':
    "select id from test_reports where run not in (select id from runs where status = 'FINISHED') and run not in (select id from model_versions union select id from deleted_model_versions)",
  'tested model versions without run or report':
    "select id from model_versions where test_report is not null and (brought is null and run not in (select id from runs where status = 'FINISHED') or test_report not in (select id from test_reports))",
  'aliases without a version':
    'select alias from model_aliases where not exists (select 1 from model_versions v where v.model = model_aliases.model and v.version = model_aliases.version)',
  'deployments without a version': 'select id from deployments where model_version not in (select id from model_versions)',
  'environments with two live deployments':
    "select environment from deployments where state = 'live' group by environment having count(*) > 1",
  'succeeded pipeline runs with a step that is not':
    "select p.id from pipeline_runs p join step_runs s on s.pipeline_run = p.id where p.state = 'succeeded' and s.state not in ('succeeded', 'cached')",
  'succeeded steps without outputs': "select id from step_runs where state in ('succeeded', 'cached') and outputs is null",
  'dataset versions without an event':
    "select digest from dataset_versions where digest not in (select subject from events where type like '%dataset.versioned%')",
  'model versions without an event':
    "select id from model_versions where id not in (select json_extract(data, '$.id') from events) and id not in (select subject from events)",
  'audit entries of no event': "select position from audit_entries where json_extract(entry, '$.event') not in (select id from events)",
  'gaps in the audit log':
    'select position from audit_entries where position > 1 and position - 1 not in (select position from audit_entries)',
  'predictions twice under one key and instant':
    'select key from predictions where key is not null group by environment, key, event_time having count(*) > 1',
};

/**
 * Checks a folder that no process holds.
 * @param fromPostgres its records were once in PostgreSQL, where a write that met a conflict leaves a gap in the positions of events
 * @throws AssertionError that names the record or blob
 */
export async function checkStore(dataFolder: string, { fromPostgres = false } = {}): Promise<void> {
  const blobs = await checkBlobs(join(dataFolder, 'blobs/sha256'));
  const database = new DatabaseSync(join(dataFolder, 'gyre.db'));
  try {
    assert.deepEqual(valuesOf(database, 'pragma integrity_check'), ['ok']);
    assert.deepEqual(database.prepare('pragma foreign_key_check').all(), []);
    const tables = new Set(valuesOf(database, "select name from sqlite_master where type = 'table'"));
    // Killed before the tables were made: then there is nothing to look at.
    if (!tables.has('audit_entries')) return;
    for (const [what, query] of Object.entries(blobDigests)) {
      const missing = valuesOf(database, query).filter((digest) => !blobs.has(String(digest)));
      assert.deepEqual(missing, [], `${what} whose bytes are not there`);
    }
    checkHolders(database, blobs);
    for (const [what, query] of Object.entries(mustBeEmpty)) {
      if (fromPostgres && what === 'gaps in the audit log') continue;
      assert.deepEqual(valuesOf(database, query), [], what);
    }
  } finally {
    database.close();
  }
}

/** What tells of the past, or only remembers what files held, keeps no blob. */
const history: readonly string[] = [
  'events',
  'deleted_model_versions',
  'audit_entries',
  'audit_head',
  'dataset_image_files',
  'dataset_image_thumbnails',
  'dataset_ingestions',
  'artifact_uploads',
];

/**
 * Garbage collection keeps what `blobHolders` lead to, and nothing else: the digest of a stored blob in any other column may be lost.
 * A column that is new and refers to blobs belongs into its room's `blob-holders.ts`.
 */
function checkHolders(database: DatabaseSync, blobs: ReadonlySet<string>): void {
  const known = new Set(blobHolders.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`)));
  for (const table of valuesOf(database, "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'").map(String)) {
    if (history.includes(table)) continue;
    for (const column of valuesOf(database, `select name from pragma_table_info('${table}')`).map(String)) {
      if (known.has(`${table}.${column}`)) continue;
      const lost = digestsOf(database, table, column).filter((digest) => blobs.has(digest));
      assert.deepEqual(
        lost,
        [],
        `${table}.${column} refers to blobs that garbage collection may delete: say so in its room's blob-holders.ts`,
      );
    }
  }
}

function digestsOf(database: DatabaseSync, table: string, column: string): readonly string[] {
  return valuesOf(database, `select "${column}" from "${table}"`).flatMap(
    (value) => String(value).match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g) ?? [],
  );
}

/** Rows of one column. */
export function query(dataFolder: string, sql: string): readonly unknown[] {
  const database = new DatabaseSync(join(dataFolder, 'gyre.db'));
  try {
    return valuesOf(database, sql);
  } finally {
    database.close();
  }
}

function valuesOf(database: DatabaseSync, sql: string): readonly unknown[] {
  return database
    .prepare(sql)
    .all()
    .map((row: Row) => Object.values(row)[0]);
}

async function checkBlobs(folder: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const prefix of await readdir(folder).catch(() => [])) {
    for (const rest of await readdir(join(folder, prefix))) {
      const digest = createHash('sha256')
        .update(await readFile(join(folder, prefix, rest)))
        .digest('hex');
      assert.equal(digest, prefix + rest, `blob ${prefix + rest} holds other bytes`);
      found.add(digest);
    }
  }
  return found;
}
