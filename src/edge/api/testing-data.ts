import type { Bench } from './testing.ts';

/** Ingests the project's customers. @returns the version's digest */
export async function ingestCustomers({ ask, tokens }: Pick<Bench, 'ask' | 'tokens'>): Promise<string> {
  const response = await ask('/api/v1/datasets', { method: 'POST', token: tokens['data-scientist'], body: { dataset: 'customers' } });
  return ((await response.json()) as { version: { digest: string } }).version.digest;
}
