import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { openStore } from '#store';
import { releaseContract } from './contract.ts';
import { deliveryContract } from './delivery/contract.ts';
import { rolloutContract } from './rollout/contract.ts';
import { decisionsContract } from './decisions/contract.ts';
import { policyContract } from './policy/contract.ts';
import { testRunsContract } from './tests/runs/contract.ts';
import type { StoreFixture } from './testing.ts';

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

const onPostgres = (): Promise<StoreFixture> => {
  const schema = `gyre_release_${randomUUID().replaceAll('-', '')}`;
  return Promise.resolve({
    open: () => openStore({ url, schema }),
    [Symbol.asyncDispose]: async () => {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`drop schema if exists ${client.escapeIdentifier(schema)} cascade`);
      await client.end();
    },
  });
};
const skip = (await answers()) ? false : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one';

releaseContract('PostgreSQL', onPostgres, skip);
rolloutContract('PostgreSQL', onPostgres, skip);
deliveryContract('PostgreSQL', onPostgres, skip);
decisionsContract('PostgreSQL', onPostgres, skip);
policyContract('PostgreSQL', onPostgres, skip);
testRunsContract('PostgreSQL', onPostgres, skip);
