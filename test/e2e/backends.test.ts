import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import type { AuditVerification, NamedRow, PredictAnswer, Prediction } from '#contract';
import { done, facts, type Place, start, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { type Narration, narration } from '../harness/narration-fixture.ts';
import { copyOfExample, fewTrials } from '../harness/projects-fixture.ts';

const postgres = process.env.GYRE_TEST_POSTGRES ?? '';
// The test runner looks whether one answers, and hands in an empty address where none does.

interface Page<T> {
  readonly items: readonly T[];
}

/** A verdict and the figures that hang on data and seeds alone, not on how fast this machine answered. */
const verdictOf = (told: Narration): unknown => ({
  evaluation: told.station('evaluation'),
  comparison: told.station('comparison'),
  spans: spansOf(told),
});
const spansOf = (told: Narration): unknown => ['before', 'during', 'after', 'same rows'].map((station) => told.station(station));

describe('the demo elsewhere: its records in PostgreSQL, its data plane on its own', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let onSqlite: Narration;

  before(async () => {
    folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    onSqlite = narration(await done(['demo', '--exit', '-C', example.folder], place));
  });
  after(() => folder[Symbol.asyncDispose]());

  test(
    'on PostgreSQL comes to the same figures and verdicts as on SQLite, and is told again from there',
    { skip: postgres === '' ? 'no PostgreSQL: set GYRE_TEST_POSTGRES' : false },
    async () => {
      const schema = `gyre_e2e_${randomBytes(6).toString('hex')}`;
      const client = new Client({ connectionString: postgres });
      await client.connect();
      try {
        const there: Place = {
          cwd: place.cwd,
          env: { ...place.env, GYRE_DATABASE: postgres, GYRE_DATABASE_SCHEMA: schema, GYRE_DATA: '.gyre-pg' },
        };
        const words = ['demo', '--exit', '-C', place.cwd];
        const told = narration(await done(words, there));
        assert.deepEqual(verdictOf(told), verdictOf(onSqlite));
        const { rows } = await client.query<{ n: string }>(`select count(*) as n from "${schema}".predictions`);
        const days = told.text.match(/^ {2}day \d+/gm)?.length ?? 0;
        assert.equal(Number(rows[0]?.n), days * 160, 'the records are in the schema');
        assert.ok(!(await readdir(join(place.cwd, '.gyre-pg'))).includes('gyre.db'), 'and nowhere else');
        const again = narration(await done(words, there));
        assert.deepEqual(spansOf(again), spansOf(told));
        assert.match(again.station('training')[0], /^\(cached\)/);
        const audit = await facts<AuditVerification>(['audit', 'verify'], there);
        assert.ok(audit.intact && audit.entries > 100, audit.message);
      } finally {
        await client.query(`drop schema if exists "${schema}" cascade`);
        await client.end();
      }
    },
  );

  test('a data plane started by hand in another folder serves what is live, and what it logged can be filed', async () => {
    await using elsewhere = await temporaryFolder();
    const data = join(place.cwd, '.gyre');
    const spool = join(elsewhere.path, 'log');
    const known = await newestPredictions(place);
    const words = ['--manifest', join(data, 'planes/production/manifest.json'), '--blobs', join(data, 'blobs')];
    const key = ['--public-key', join(data, 'secrets/manifest-key.pub.pem')];
    let answer: PredictAnswer;
    {
      await using plane = start(['serve', ...words, ...key, '--port', '0', '--spool', spool], { cwd: elsewhere.path });
      const [, generation, address] = await plane.line(/generation (\d+)\) at (\S+) and grpc:\S+$/);
      assert.equal(generation, '2');
      const rows: NamedRow[] = known.map(({ inputs }) => inputs);
      const response = await fetch(`${address}/predict/churn`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows, keys: known.map((_, at) => `by-hand-${at}`), eventTime: '2026-06-01T00:00:00Z' }),
      });
      assert.equal(response.status, 200);
      answer = (await response.json()) as PredictAnswer;
      assert.equal(answer.version, '2');
      plane.kill('SIGTERM');
      assert.equal((await plane.ended).code, 0, (await plane.ended).stderr);
    }
    const segments = (await readdir(spool)).filter((name) => name.endsWith('.seg'));
    assert.equal(segments.length, 1, 'one finished segment');
    // The platform files what it finds in its own spool when it starts.
    await mkdir(join(data, 'planes/production/spool'), { recursive: true });
    for (const name of segments) await copyFile(join(spool, name), join(data, 'planes/production/spool', name));
    for (const [at, { id, probabilities }] of answer.predictions.entries()) {
      const { prediction } = await facts<{ prediction: Prediction }>(['prediction', 'show', id], place);
      assert.equal(prediction.key, `by-hand-${at}`);
      assert.deepEqual(prediction.inputs, known[at].inputs);
      assert.deepEqual(prediction.outputs, known[at].outputs, 'the same row, the same answer');
      assert.ok(probabilities !== undefined);
    }
  });
});

async function newestPredictions(place: Place): Promise<readonly Prediction[]> {
  await using house = await up(place);
  const { items } = await house.get<Page<Prediction>>('predictions?environment=production&first=newest&limit=3');
  return items;
}
