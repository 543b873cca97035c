import { jsonValue } from '#store';
import type { Db, RowsOf, Tx } from '#store';
import { keysPerQuery } from '../tables.ts';
import type { TrainingTables } from '../tables.ts';
import type { DatasetInput, TrackedDataset } from './port.ts';

/** The tag of an input that says what the dataset was for. */
const contextTag = 'mlflow.data.context';

/** Notes that a run used datasets; one that it has used already stays as it was noted first. */
export async function insertDatasets(
  tx: Tx,
  { run, experiment, inputs }: { readonly run: number; readonly experiment: number; readonly inputs: readonly DatasetInput[] },
): Promise<void> {
  const tables = tx.tables<TrainingTables>();
  for (const { dataset, tags } of inputs) {
    const id = (await datasetId(tx, experiment, dataset)) ?? (await insertDataset(tx, experiment, dataset));
    await tables
      .insertInto('run_datasets')
      .values({ run, dataset: id, context: tags.find(({ key }) => key === contextTag)?.value ?? null, tags: jsonValue(tags) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

async function datasetId(tx: Tx, experiment: number, { name, digest }: TrackedDataset): Promise<number | undefined> {
  const row = await tx
    .tables<TrainingTables>()
    .selectFrom('tracked_datasets')
    .select('id')
    .where('experiment', '=', experiment)
    .where('name', '=', name)
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row?.id;
}

async function insertDataset(tx: Tx, experiment: number, dataset: TrackedDataset): Promise<number> {
  const { name, digest, sourceType, source, schema = null, profile = null } = dataset;
  const row = { experiment, name, digest, source_type: sourceType, source, schema, profile };
  await tx.tables<TrainingTables>().insertInto('tracked_datasets').values(row).execute();
  return (await datasetId(tx, experiment, dataset)) ?? 0;
}

const usesOfRuns: RowsOf = { table: 'run_datasets', select: ['run'], by: [{ name: 'run', type: 'integer' }] };

/** The datasets that runs used, by the run's position. */
export async function datasetsOfRuns(db: Db, runs: readonly number[]): Promise<ReadonlyMap<number, readonly DatasetInput[]>> {
  const used = await db.rowsOf(
    usesOfRuns,
    runs.map((run) => [run]),
  );
  const using = runs.filter((_, at) => used[at].length > 0);
  const found = new Map<number, DatasetInput[]>();
  for (let start = 0; start < using.length; start += keysPerQuery) {
    const rows = await db
      .tables<TrainingTables>()
      .selectFrom('run_datasets')
      .innerJoin('tracked_datasets', 'tracked_datasets.id', 'run_datasets.dataset')
      .select(['run', 'tags', 'name', 'digest', 'source_type', 'source', 'schema', 'profile'])
      .where('run', 'in', using.slice(start, start + keysPerQuery))
      .orderBy('run')
      .orderBy('dataset')
      .execute();
    for (const { run, tags, source_type: sourceType, schema, profile, ...dataset } of rows) {
      const input = {
        tags,
        dataset: { ...dataset, sourceType, ...(schema === null ? {} : { schema }), ...(profile === null ? {} : { profile }) },
      };
      const inputs = found.get(run);
      if (inputs === undefined) found.set(run, [input]);
      else inputs.push(input);
    }
  }
  return found;
}

/** Which datasets runs of these experiments used, and for what; newest first. @param experiments by number */
export async function datasetUses(
  db: Db,
  experiments: readonly number[],
  limit: number,
): Promise<readonly { readonly experiment: string; readonly name: string; readonly digest: string; readonly context?: string }[]> {
  if (experiments.length === 0) return [];
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('tracked_datasets')
    .innerJoin('run_datasets', 'run_datasets.dataset', 'tracked_datasets.id')
    .innerJoin('experiments', 'experiments.id', 'tracked_datasets.experiment')
    .select(['tracked_datasets.id', 'experiments.public_id as experiment', 'tracked_datasets.name', 'digest', 'context'])
    .distinct()
    .where('tracked_datasets.experiment', 'in', experiments)
    .orderBy('tracked_datasets.id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ experiment, name, digest, context }) => ({ experiment, name, digest, ...(context === null ? {} : { context }) }));
}
