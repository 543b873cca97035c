import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { registryContract } from './store-contract.ts';
import { webhooksContract } from './webhooks/contract.ts';

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function whyNot(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const skip = await whyNot();

const fixture = () => {
  const schema = `gyre_registry_${randomUUID().replaceAll('-', '')}`;
  return Promise.resolve({
    options: { url, schema },
    [Symbol.asyncDispose]: async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.end();
    },
  });
};

registryContract('PostgreSQL', fixture, skip);
webhooksContract('PostgreSQL', fixture, skip);
