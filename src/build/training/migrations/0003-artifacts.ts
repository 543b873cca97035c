import { sql } from 'kysely';
import type { SqlBool } from 'kysely';
import type { Migration } from '#store';

interface OldTables {
  experiments: { readonly id: number; readonly public_id: string };
  runs: { readonly id: string; readonly experiment: number; readonly started_at: number };
  run_artifacts: { readonly run: string; readonly path: string; readonly digest: string; readonly size: number };
  artifacts: {
    readonly folder: string;
    readonly name: string;
    readonly digest: string | null;
    readonly size: number;
    readonly stored_at: number;
  };
}

const rowsAtOnce = 500;
const uuidDashes = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;

/** The files of runs move into one tree that holds those of logged models and of clients as well. */
export const artifacts: Migration = {
  id: '0003-artifacts',
  async up(tx) {
    const { schema, types } = tx;
    await schema
      .createTable('artifacts')
      .addColumn('folder', types.text, (column) => column.notNull())
      .addColumn('name', types.text, (column) => column.notNull())
      // null: a folder
      .addColumn('digest', types.text)
      .addColumn('size', types.integer, (column) => column.notNull())
      .addColumn('stored_at', types.instant, (column) => column.notNull())
      .addPrimaryKeyConstraint('artifacts_key', ['folder', 'name'])
      .execute();
    await schema
      .createTable('artifact_uploads')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('path', types.text, (column) => column.notNull())
      .addColumn('key_digest', types.text, (column) => column.notNull())
      .addColumn('parts', types.integer, (column) => column.notNull())
      .addColumn('begun_at', types.instant, (column) => column.notNull())
      .addColumn('digest', types.text)
      .addColumn('size', types.integer, (column) => column.notNull())
      .execute();
    await schema.createIndex('artifact_uploads_by_age').on('artifact_uploads').columns(['begun_at']).execute();
    await schema
      .createTable('artifact_upload_parts')
      .addColumn('upload', types.text, (column) => column.notNull())
      .addColumn('part', types.integer, (column) => column.notNull())
      .addColumn('digest', types.text, (column) => column.notNull())
      .addColumn('size', types.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('artifact_upload_parts_key', ['upload', 'part'])
      .execute();

    const db = tx.tables<OldTables>();
    let after = { run: '', path: '' };
    for (;;) {
      const rows = await db
        .selectFrom('run_artifacts')
        .innerJoin('runs', 'runs.id', 'run_artifacts.run')
        .innerJoin('experiments', 'experiments.id', 'runs.experiment')
        .select([
          'run_artifacts.run',
          'run_artifacts.path',
          'run_artifacts.digest',
          'run_artifacts.size',
          'experiments.public_id as experiment',
          'runs.started_at',
        ])
        .where(sql<SqlBool>`(run_artifacts.run, run_artifacts.path) > (${after.run}, ${after.path})`)
        .orderBy('run_artifacts.run')
        .orderBy('run_artifacts.path')
        .limit(rowsAtOnce)
        .execute();
      for (const { run, path, digest, size, experiment, started_at } of rows) {
        const names = `${experiment}/${run.replace(uuidDashes, '$1$2$3$4$5')}/artifacts/${path}`.split('/');
        for (let depth = 1; depth <= names.length; depth++) {
          const isFile = depth === names.length;
          await db
            .insertInto('artifacts')
            .values({
              folder: names.slice(0, depth - 1).join('/'),
              name: names[depth - 1],
              digest: isFile ? digest : null,
              size: isFile ? size : 0,
              stored_at: started_at,
            })
            .onConflict((conflict) => conflict.columns(['folder', 'name']).doNothing())
            .execute();
        }
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < rowsAtOnce) break;
      after = { run: last.run, path: last.path };
    }
    await schema.dropTable('run_artifacts').execute();
  },
};
