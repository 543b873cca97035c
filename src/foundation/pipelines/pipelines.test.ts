import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openStore } from '#store';
import { pipelinesContract } from './contract.ts';

pipelinesContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-pipelines-'));
  return { options: { url: `sqlite:${join(folder, 'gyre.db')}` }, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
});

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const isThere = await openStore({ url, schema: 'gyre_probe' }).then(
  async (store) => {
    await dropSchema('gyre_probe');
    await store[Symbol.asyncDispose]();
    return true;
  },
  () => false,
);

pipelinesContract(
  'PostgreSQL',
  () => {
    const schema = `gyre_test_${randomUUID().replaceAll('-', '')}`;
    return Promise.resolve({ options: { url, schema }, [Symbol.asyncDispose]: () => dropSchema(schema) });
  },
  isThere ? undefined : `no PostgreSQL at ${url}; GYRE_TEST_POSTGRES names one`,
);

async function dropSchema(schema: string): Promise<void> {
  const store = await openStore({ url, schema });
  await store.write(async (tx) => {
    await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(tx.tables());
  }, {});
  await store[Symbol.asyncDispose]();
}
