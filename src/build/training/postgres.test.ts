import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from 'pg';
import type { TransformStep } from '#contract';
import { seeded } from '#core';
import { createFrame, numberColumn, textColumn } from '#tables';
import { artifactsContract } from './artifacts/contract.ts';
import { commentsContract } from './comments/contract.ts';
import { runLogContract } from './contract.ts';
import { loggedModelsContract } from './logged-models/contract.ts';
import { retentionContract } from './retention/contract.ts';
import { by, code, environment, filesOf, openRooms } from './testing.ts';
import type { Rooms } from './testing.ts';
import { sharedContract } from './shared/contract.ts';
import { trackingContract } from './tracking/contract.ts';
import { runTableContract } from './tracking/table-contract.ts';

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function answers(): Promise<boolean> {
  if (url === '') return false;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

const skip = (await answers()) ? false : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one';

/** Rooms in a schema of their own, which is dropped with them. */
async function openOnPostgres(schema: string): Promise<Rooms> {
  const rooms = await openRooms({ url, schema });
  return {
    ...rooms,
    async [Symbol.asyncDispose]() {
      await rooms[Symbol.asyncDispose]();
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`drop schema if exists ${client.escapeIdentifier(schema)} cascade`);
      await client.end();
    },
  };
}

const random = seeded(41);
const x = Float64Array.from({ length: 300 }, () => random.normal());
const frame = createFrame([
  { name: 'x', column: numberColumn(x) },
  { name: 'group', column: textColumn(Array.from(x, (_, at) => 'abc'[at % 3])) },
  { name: 'bought', column: textColumn(Array.from(x, (one) => (one + random.normal() > 0 ? 'yes' : 'no'))) },
]);
const spec: TransformStep = {
  of: 'points',
  target: 'bought',
  transform: { numeric: { scale: 'standard' }, categorical: { encode: 'target' } },
};

/** Fits, searches and trains again over one store. @returns what must not depend on it */
async function train(opening: Promise<Rooms>): Promise<unknown> {
  await using rooms = await opening;
  const { features, training, data } = rooms;
  const { version } = await data.createFromRows({ dataset: 'points', frame, source: 'made by the test', by });
  const transform = await features.fit({ name: 'points', spec, train: [{ version: version.digest, weight: 1 }], by });
  const { study, best } = await training.trainStudy({
    name: 'points',
    trainer: 'gbdt',
    params: { iterations: 30 },
    search: { algorithm: 'random', trials: 3, space: { learning_rate: { log: [0.05, 0.3] } } },
    seed: 3,
    transform: transform.digest,
    validation: version.digest,
    code,
    environment,
    by,
  });
  const again = await training.execute(best.id);
  const { items } = await training.listRuns({ study: study.id });
  const losses = await training.metricHistory(best.id, 'validation_loss');
  assert.deepEqual(await training.getStudy(study.id), study);
  assert.equal((await features.list()).items[0].digest, transform.digest);
  return {
    transform: transform.digest,
    onnx: again.digest,
    recorded: await filesOf(rooms, best),
    runs: items.map(({ trial, parameters, metrics }) => ({ trial, parameters, metrics })),
    losses: losses.items,
  };
}

trackingContract('PostgreSQL', () => openOnPostgres(`gyre_tracking_${process.pid}`), skip);
commentsContract('PostgreSQL', () => openOnPostgres(`gyre_comments_${process.pid}`), skip);
loggedModelsContract('PostgreSQL', () => openOnPostgres(`gyre_logged_models_${process.pid}`), skip);
runTableContract('PostgreSQL', () => openOnPostgres(`gyre_table_${process.pid}`), skip);
sharedContract('PostgreSQL', () => openOnPostgres(`gyre_shared_${process.pid}`), skip);
runLogContract('PostgreSQL', () => openOnPostgres(`gyre_runs_${process.pid}`), skip);
retentionContract('PostgreSQL', () => openOnPostgres(`gyre_retention_${process.pid}`), skip);
artifactsContract('PostgreSQL', () => openOnPostgres(`gyre_artifacts_${process.pid}`), skip);

describe('studies on PostgreSQL', { skip }, () => {
  test('leave the same bytes and figures as on SQLite', async () => {
    assert.deepEqual(await train(openOnPostgres(`gyre_study_${process.pid}`)), await train(openRooms()));
  });
});
