import type { Actor, PackageFile, Signature } from '#contract';
import { sha256 } from '#core';
import type { Tx } from '#store';

interface Earlier {
  registered_models: Record<string, unknown>;
  model_versions: Record<string, unknown>;
}

/** For tests: two versions of a model as the first migration's tables held them. */
export async function fillEarlierTables(
  tx: Tx,
  { files, signature, by }: { readonly files: readonly PackageFile[]; readonly signature: Signature; readonly by: Actor },
): Promise<void> {
  const tables = tx.tables<Earlier>();
  await tables.insertInto('registered_models').values({ name: 'churn', description: 'd', created_at: 5, latest: 2 }).execute();
  for (const version of [1, 2]) {
    await tables
      .insertInto('model_versions')
      .values({
        id: `v${version}`,
        model: 'churn',
        version,
        package: sha256(String(version)),
        files,
        signature,
        run: '0198f0a0-0000-7000-8000-000000000001',
        test_report: 'report-1',
        tests_passed: true,
        charter: sha256('charter'),
        created_at: 7,
        created_by: by,
      })
      .execute();
  }
}
