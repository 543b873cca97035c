import { sql } from 'kysely';
import type { Migration } from '#store';

/** The tables before this step, as far as rows are moved. */
interface Before {
  registered_models: { name: string; description: string; created_at: number; latest: number };
  model_versions: { position: number; created_at: number; run: string };
}
interface After extends Before {
  registered_models_next: Before['registered_models'] & { updated_at: number };
  model_versions_next: Record<string, unknown>;
}

const carried = [
  'id',
  'model',
  'version',
  'package',
  'files',
  'signature',
  'run',
  'test_report',
  'tests_passed',
  'charter',
  'created_at',
  'created_by',
] as const;

/** Versions that were trained elsewhere lack what the own trainers leave; models have tags; what was deleted leaves its record. */
export const broughtModels: Migration = {
  id: '0002-brought-models',
  async up(tx) {
    const { schema, types } = tx;
    await schema
      .createTable('registered_models_next')
      .addColumn('name', types.text, (column) => column.primaryKey())
      .addColumn('description', types.text, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull())
      .addColumn('latest', types.integer, (column) => column.notNull())
      .execute();
    await schema
      .createTable('model_versions_next')
      .addColumn('position', types.sequenceKey)
      .addColumn('id', types.text, (column) => column.notNull().unique())
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('source', types.text, (column) => column.notNull())
      .addColumn('location', types.text)
      .addColumn('package', types.text)
      .addColumn('files', types.json, (column) => column.notNull())
      .addColumn('signature', types.json)
      .addColumn('flavors', types.json)
      .addColumn('run', types.text)
      .addColumn('logged_model', types.text)
      .addColumn('test_report', types.text)
      .addColumn('tests_passed', types.boolean, (column) => column.notNull())
      .addColumn('charter', types.text)
      .addColumn('description', types.text, (column) => column.notNull())
      .addColumn('stage', types.text, (column) => column.notNull())
      .addColumn('run_link', types.text)
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull())
      .addColumn('created_by', types.json, (column) => column.notNull())
      .addUniqueConstraint('model_versions_numbered', ['model', 'version'])
      .execute();
    const db = tx.tables<After>();
    await db
      .insertInto('registered_models_next')
      .columns(['name', 'description', 'created_at', 'updated_at', 'latest'])
      .expression((make) =>
        make
          .selectFrom('registered_models')
          .select(['name', 'description', 'created_at'])
          .select((of) => of.ref('created_at').as('updated_at'))
          .select('latest'),
      )
      .execute();
    // Positions are given anew, in the same order: nothing refers to them but tokens of pages.
    await db
      .insertInto('model_versions_next')
      .columns([...carried, 'source', 'description', 'stage', 'updated_at'])
      .expression((make) =>
        make
          .selectFrom('model_versions')
          .select(carried.map((column) => sql.ref(column).as(column)))
          .select([
            sql`'runs:/' || replace(run, '-', '')`.as('source'),
            sql`''`.as('description'),
            sql`'None'`.as('stage'),
            sql.ref('created_at').as('updated_at'),
          ])
          .orderBy('position'),
      )
      .execute();
    for (const table of ['registered_models', 'model_versions']) {
      await schema.dropTable(table).execute();
      await schema.alterTable(`${table}_next`).renameTo(table).execute();
    }
    await schema.createIndex('model_versions_in_model').on('model_versions').columns(['model', 'position']).execute();
    await schema.createIndex('model_versions_of_package').on('model_versions').columns(['package', 'position']).execute();
    await schema.createIndex('model_versions_of_run').on('model_versions').columns(['run', 'position']).execute();
    await schema.createIndex('model_versions_by_update').on('model_versions').columns(['updated_at', 'model', 'version']).execute();
    await schema.createIndex('model_version_tags_by_key').on('model_version_tags').columns(['key', 'version']).execute();
    await schema
      .createTable('registered_model_tags')
      .addColumn('model', types.text, (column) => column.notNull())
      .addColumn('key', types.text, (column) => column.notNull())
      .addColumn('value', types.text, (column) => column.notNull())
      .addPrimaryKeyConstraint('registered_model_tags_key', ['model', 'key'])
      .execute();
    await schema.createIndex('registered_model_tags_by_key').on('registered_model_tags').columns(['key', 'model']).execute();
    await schema
      .createTable('deleted_model_versions')
      .addColumn('id', types.text, (column) => column.primaryKey())
      .addColumn('package', types.text)
      .addColumn('record', types.json, (column) => column.notNull())
      .addColumn('deleted_at', types.instant, (column) => column.notNull())
      .execute();
    await schema.createIndex('deleted_model_versions_of_package').on('deleted_model_versions').columns(['package']).execute();
  },
};
