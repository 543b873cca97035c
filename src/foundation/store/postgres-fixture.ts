import pg from 'pg';

/** Where tests find PostgreSQL. */
export const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Why tests cannot have PostgreSQL; false when they can. */
export async function whyNoPostgres(): Promise<string | false> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return false;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  } finally {
    await client.end().catch(() => undefined);
  }
}
