/** An mlruns folder as MLflow's file store writes it, for tests. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

type Files = Readonly<Record<string, string>>;

const meta = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? `'${value}'` : String(value)}\n`)
    .join('');

export const runIds = { first: 'a'.repeat(32), gone: 'b'.repeat(32), thrown: 'c'.repeat(32) } as const;

export const modelId = `m-${'e'.repeat(32)}`;

/** One experiment with a run, a deleted run and a dataset; another in the trash; a registered model with three versions. */
export function mlrunsFiles(): Files {
  const run = (id: string, experiment: string, more: Readonly<Record<string, unknown>> = {}): string =>
    meta({
      run_id: id,
      run_name: `run ${id[0]}`,
      experiment_id: experiment,
      lifecycle_stage: 'active',
      status: 3,
      start_time: 1000,
      end_time: 2000,
      user_id: 'ada',
      ...more,
    });
  const model = 'models/churn';
  const version = (number: number, stage: string): string =>
    meta({
      name: 'churn',
      version: number,
      current_stage: stage,
      source: `runs:/${runIds.first}/model`,
      run_id: runIds.first,
      description: `version ${number}`,
    });
  return {
    '0/meta.yaml': meta({ experiment_id: '0', name: 'Default', lifecycle_stage: 'active' }),
    '7/meta.yaml': meta({ experiment_id: '7', name: 'churn', lifecycle_stage: 'active' }),
    '7/tags/team': 'risk',
    [`7/${runIds.first}/meta.yaml`]: run(runIds.first, '7'),
    [`7/${runIds.first}/metrics/loss/train`]: '1000 1.0 0\n1001 0.5 1\n1002 nan 2\n1003 -inf 3\n',
    [`7/${runIds.first}/metrics/old`]: '1000 3.5\n',
    [`7/${runIds.first}/params/depth`]: '3',
    [`7/${runIds.first}/params/note`]: 'two\nlines',
    [`7/${runIds.first}/tags/mlflow.runName`]: 'run a',
    [`7/${runIds.first}/tags/mlflow.source.name`]: 'train.py',
    [`7/${runIds.first}/artifacts/plots/roc.txt`]: 'a curve',
    [`7/${runIds.first}/inputs/i1/meta.yaml`]: `${meta({ source_type: 'DATASET', source_id: 'd1', destination_type: 'RUN', destination_id: 'd1' })}tags:\n  mlflow.data.context: training\n`,
    '7/datasets/d1/meta.yaml': meta({ name: 'customers', digest: 'f00d', source_type: 'http', source: 'https://example.test/c.csv' }),
    [`7/${runIds.first}/outputs/${modelId}/meta.yaml`]: meta({ source_type: 'RUN_OUTPUT', destination_type: 'MODEL_OUTPUT', step: 2 }),
    [`7/models/${modelId}/meta.yaml`]: meta({
      model_id: modelId,
      name: 'forest',
      experiment_id: '7',
      source_run_id: runIds.first,
      status: 2,
      creation_timestamp: 1500,
    }),
    [`7/models/${modelId}/params/depth`]: '3',
    [`7/models/${modelId}/tags/kind`]: 'forest',
    [`7/models/${modelId}/metrics/auc`]: `1003 nan 0 ${runIds.first}\n1004 0.9 1 ${runIds.first} customers f00d\n`,
    [`7/models/${modelId}/artifacts/MLmodel`]: 'flavors: {}',
    [`7/${runIds.gone}/meta.yaml`]: run(runIds.gone, '7', { lifecycle_stage: 'deleted', status: 4 }),
    '.trash/8/meta.yaml': meta({ experiment_id: '8', name: 'thrown away', lifecycle_stage: 'deleted' }),
    [`.trash/8/${runIds.thrown}/meta.yaml`]: run(runIds.thrown, '8'),
    [`${model}/meta.yaml`]: meta({ name: 'churn', description: 'who leaves' }),
    [`${model}/tags/owner`]: 'ada',
    [`${model}/aliases/best`]: '3',
    [`${model}/version-1/meta.yaml`]: version(1, 'None'),
    [`${model}/version-2/meta.yaml`]: version(2, 'Deleted_Internal'),
    [`${model}/version-3/meta.yaml`]: version(3, 'Staging'),
    [`${model}/version-3/tags/passed`]: 'yes',
  };
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}
