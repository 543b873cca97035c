/** MLflow's REST calls, made to a server that may be killed meanwhile. */
import assert from 'node:assert/strict';

/** The connection ended; anything else is a finding. */
export class Gone extends Error {}

export async function post<T>(address: string, verb: string, message: object): Promise<T> {
  const answer = await untilGone(`${address}/api/2.0/${verb.startsWith('mlflow-artifacts') ? verb : `mlflow/${verb}`}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  const said = JSON.parse(answer.body.toString() || '{}') as T;
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}

export async function get<T>(address: string, path: string): Promise<T> {
  const response = await fetch(`${address}/api/2.0/mlflow/${path}`);
  const said = (await response.json()) as T;
  assert.equal(response.status, 200, JSON.stringify(said));
  return said;
}

/** An answer with its whole body. @throws Gone when the server ended before it was here */
export async function untilGone(
  address: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly body: Buffer; readonly headers: Headers }> {
  try {
    const response = await fetch(address, init);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()), headers: response.headers };
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && 'code' in error && error.code === 'ECONNRESET'))
      throw new Gone('the server is gone', { cause: error });
    throw error;
  }
}
