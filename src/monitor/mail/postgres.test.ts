import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { openStore } from '#store';
import { mailContract } from './contract.ts';

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

mailContract(
  'PostgreSQL',
  () => {
    const schema = `gyre_mail_${randomUUID().replaceAll('-', '')}`;
    return Promise.resolve({
      open: () => openStore({ url, schema }),
      [Symbol.asyncDispose]: async () => {
        const client = new Client({ connectionString: url });
        await client.connect();
        await client.query(`drop schema if exists ${client.escapeIdentifier(schema)} cascade`);
        await client.end();
      },
    });
  },
  (await answers()) ? false : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one',
);
