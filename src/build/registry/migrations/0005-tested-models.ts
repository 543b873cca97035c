import { sql } from 'kysely';
import type { Migration } from '#store';

/** Whether a model has a version that Gyre tested is asked at each change of an alias, also of a model with very many that it did not. */
export const testedModels: Migration = {
  id: '0005-tested-models',
  async up({ schema }) {
    await schema
      .createIndex('model_versions_tested')
      .on('model_versions')
      .column('model')
      .where(sql.ref('test_report'), 'is not', null)
      .execute();
  },
};
