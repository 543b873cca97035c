import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openStore } from '#store';
import { pipelinesContract } from './contract.ts';
import { itemsContract } from './items/contract.ts';
import { schedulesContract } from './schedules/contract.ts';

const onSqlite: Parameters<typeof pipelinesContract>[1] = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-pipelines-'));
  return { options: { url: `sqlite:${join(folder, 'gyre.db')}` }, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};
pipelinesContract('SQLite', onSqlite);
itemsContract('SQLite', onSqlite);
schedulesContract('SQLite', onSqlite);

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const isThere = await openStore({ url, schema: 'gyre_probe' }).then(
  async (store) => {
    await dropSchema('gyre_probe');
    await store[Symbol.asyncDispose]();
    return true;
  },
  () => false,
);

const noPostgres = isThere ? undefined : `no PostgreSQL at ${url}; GYRE_TEST_POSTGRES names one`;
const onPostgres: Parameters<typeof pipelinesContract>[1] = () => {
  const schema = `gyre_test_${randomUUID().replaceAll('-', '')}`;
  return Promise.resolve({ options: { url, schema }, [Symbol.asyncDispose]: () => dropSchema(schema) });
};
pipelinesContract('PostgreSQL', onPostgres, noPostgres);
itemsContract('PostgreSQL', onPostgres, noPostgres);
schedulesContract('PostgreSQL', onPostgres, noPostgres);

async function dropSchema(schema: string): Promise<void> {
  const store = await openStore({ url, schema });
  await store.write(async (tx) => {
    await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(tx.tables());
  }, {});
  await store[Symbol.asyncDispose]();
}
