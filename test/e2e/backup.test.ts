import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import pg from 'pg';
import type { AuditEntry, Backup, BackupList } from '#contract';
import { done, eventually, temporaryFolder, type Place, type Up, up } from '../harness/gyre-fixture.ts';
import { get, post, untilGone } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { s3Missing, testBucket } from '../harness/s3-bucket-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const writers = 4;

async function inPostgres(query: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.query(query);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const noPostgres = await inPostgres('select 1').then(
  () => false,
  (error: unknown) => `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`,
);

interface Written {
  readonly id: string;
  readonly value: number;
  readonly file: string;
}

/** Logs runs with a metric and a file until it is told to stop. */
async function write(address: string, writer: number, written: Written[], goesOn: () => boolean): Promise<void> {
  for (let at = 0; goesOn(); at++) {
    const { run } = await post<{ run: { info: { run_id: string } } }>(address, 'runs/create', { experiment_id: '0' });
    const one: Written = { id: run.info.run_id, value: writer * 10_000 + at, file: `file ${at} of writer ${writer}` };
    await post(address, 'runs/log-batch', { run_id: one.id, metrics: [{ key: 'm', value: one.value, timestamp: 1, step: 0 }] });
    const path = `0/${one.id}/artifacts/notes.txt`;
    const { status } = await untilGone(`${address}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body: one.file });
    assert.equal(status, 200);
    written.push(one);
  }
}

async function requireThere(house: Up, written: readonly Written[]): Promise<void> {
  for (const { id, value, file } of written) {
    const { run } = await get<{ run: { data: { metrics: readonly { readonly value: number }[] } } }>(
      house.address,
      `runs/get?run_id=${id}`,
    );
    assert.equal(run.data.metrics[0]?.value, value);
    const { body } = await untilGone(`${house.address}/get-artifact?run_uuid=${id}&path=notes.txt`);
    assert.equal(body.toString(), file);
  }
}

/** Makes a backup by the API while runs are logged. @returns what was acknowledged before it began */
async function backUpUnderWrites(house: Up): Promise<readonly Written[]> {
  const written: Written[] = [];
  let goesOn = true;
  const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(house.address, writer, written, () => goesOn)));
  await eventually('some is written', () => written.length >= 20);
  const before = [...written];
  const { status, body } = await house.post<Backup>('backups');
  assert.deepEqual([status, body.state], [202, 'running'], JSON.stringify(body));
  const found = (): Promise<Backup> => house.get<Backup>(`backups/${body.id}`);
  await eventually('the backup is whole', async () => (await found()).state === 'whole', 60_000);
  assert.ok(written.length > before.length, 'writing went on');
  goesOn = false;
  await writing;
  assert.equal((await house.post(`backups/${body.id}/verify`)).status, 202);
  await eventually('it is checked, and whole', async () => {
    const { state, verifiedAt } = await found();
    return state === 'whole' && verifiedAt !== undefined;
  });
  return before;
}

describe('a backup that is made by the API while runs are logged', () => {
  test('is restored to a platform that has all that was acknowledged before it began', async () => {
    await using folder = await temporaryFolder();
    const place: Place = { cwd: await smallProject(folder.path) };
    let before: readonly Written[];
    {
      await using house = await up(place);
      before = await backUpUnderWrites(house);
      const { items, besideData } = await house.get<BackupList>('backups');
      assert.deepEqual([items.length, besideData], [1, true]);
      const entries = async () => (await house.get<{ items: readonly AuditEntry[] }>(`audit?subject=${items[0].id}`)).items;
      await eventually('the audit log has it', async () => (await entries()).length === 2);
      assert.equal((await house.stop()).code, 0);
    }
    const data = join(folder.path, 'restored');
    await done(['restore', join(place.cwd, '.gyre/backups'), '--data', data], place);
    await checkStore(data);
    await using again = await up({ ...place, env: { GYRE_DATA: data } });
    await requireThere(again, before);
    await done(['audit', 'verify'], { ...place, env: { GYRE_DATA: data } });
  });

  test('on PostgreSQL as well, into another schema and into SQLite', { skip: noPostgres }, async () => {
    await using folder = await temporaryFolder();
    const schemas = [0, 1].map(() => `gyre_test_${randomUUID().replaceAll('-', '')}`);
    const backups = join(folder.path, 'elsewhere');
    const cwd = await smallProject(folder.path);
    const inSchema = (at: number): Readonly<Record<string, string>> => ({
      GYRE_DATABASE: postgres,
      GYRE_DATABASE_SCHEMA: schemas[at],
      GYRE_BACKUPS: backups,
    });
    try {
      let before: readonly Written[];
      {
        await using house = await up({ cwd, env: inSchema(0) });
        before = await backUpUnderWrites(house);
        assert.equal((await house.stop()).code, 0);
      }
      const data = join(folder.path, 'on-sqlite');
      await done(['restore', backups, '--data', data], { cwd });
      await checkStore(data, { fromPostgres: true });
      await done(['audit', 'verify'], { cwd, env: { GYRE_DATA: data } });
      const onPostgres: Record<string, string> = { ...inSchema(1), GYRE_DATA: join(folder.path, 'on-postgres') };
      await done(['restore', backups], { cwd, env: onPostgres });
      for (const env of [{ GYRE_DATA: data }, onPostgres]) {
        await using again = await up({ cwd, env });
        await requireThere(again, before);
      }
    } finally {
      for (const schema of schemas) await inPostgres(`drop schema if exists "${schema}" cascade`);
    }
  });

  test('with blobs in a bucket, which are copied, and restored into another bucket and into a folder', { skip: s3Missing }, async () => {
    await using folder = await temporaryFolder();
    const [one, other] = [await testBucket(), await testBucket()];
    const cwd = await smallProject(folder.path);
    const on = ({ bucket, endpoint, accessKeyId, secretAccessKey }: typeof one): Readonly<Record<string, string>> => ({
      GYRE_BLOBS: `s3://${bucket}/blobs`,
      GYRE_S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const backups = join(folder.path, 'elsewhere');
    let before: readonly Written[];
    {
      await using house = await up({ cwd, env: { ...on(one), GYRE_BACKUPS: backups } });
      before = await backUpUnderWrites(house);
      assert.equal((await house.stop()).code, 0);
    }
    for (const [name, blobs] of [
      ['in-folder', {}],
      ['in-bucket', on(other)],
    ] as const) {
      const env = { ...blobs, GYRE_DATA: join(folder.path, name) };
      await done(['restore', backups], { cwd, env });
      await using again = await up({ cwd, env });
      await requireThere(again, before);
    }
  });
});
