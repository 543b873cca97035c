import type { ApplicationTestRun } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  application_test_runs: {
    readonly position?: number;
    readonly id: string;
    /** The data folder of the process that tests. */
    readonly owner: string;
    readonly state: ApplicationTestRun['state'];
    readonly run: ApplicationTestRun;
  };
}

/** Keeps a run as it stands now. */
export async function keepTestRun(tx: Tx, { run, owner }: { readonly run: ApplicationTestRun; readonly owner: string }): Promise<void> {
  const { id, state } = run;
  await tx
    .tables<Tables>()
    .insertInto('application_test_runs')
    .values({ id, owner, state, run })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, run }))
    .execute();
}

export async function testRunOf(db: Db, id: string): Promise<ApplicationTestRun | undefined> {
  const found = await db.tables<Tables>().selectFrom('application_test_runs').select('run').where('id', '=', id).executeTakeFirst();
  return found?.run;
}

/** Those of an owner that wait or go on. */
export async function openTestRunsOf(db: Db, owner: string): Promise<readonly ApplicationTestRun[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('application_test_runs')
    .select('run')
    .where('owner', '=', owner)
    .where('state', 'in', ['queued', 'running'])
    .orderBy('position')
    .execute();
  return found.map(({ run }) => run);
}

/** Newest first. */
export async function listTestRuns(db: Db, limit: number): Promise<readonly ApplicationTestRun[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('application_test_runs')
    .select('run')
    .orderBy('position', 'desc')
    .limit(limit)
    .execute();
  return found.map(({ run }) => run);
}
