import { fork } from 'node:child_process';
import { GyreError } from '#core';
import type { SqlBounds, SqlReply, SqlRequest, SqlResult, SqlTable } from './sql-messages.ts';

export interface SqlLimits extends SqlBounds {
  readonly timeoutMs: number;
  /** Ends the query. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a person's SQL over Parquet files, in a process of its own that knows these files alone and dies with the query. Only a query is
 * run; it can name tables, and neither files nor addresses nor settings (`sql-guard.ts`).
 * @param tables is asked once for the tables that the query names
 * @throws GyreError INVALID_ARGUMENT when the SQL is wrong, PERMISSION_DENIED when it is no query or asks for what it may not see,
 * DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED
 */
export async function runSql(
  sql: string,
  tables: (names: readonly string[]) => Promise<readonly SqlTable[]>,
  { timeoutMs, signal, ...bounds }: SqlLimits,
): Promise<SqlResult> {
  signal?.throwIfAborted();
  const child = fork(new URL('./sql-child.ts', import.meta.url), {
    execArgv: [],
    // nothing of our environment: it may hold secrets
    env: process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<SqlResult>();
  const send = (request: SqlRequest): void => {
    child.send(request, (error) => {
      if (error) reject(error);
    });
  };
  child.on('message', (reply: SqlReply) => {
    if (reply.kind === 'result') resolve(reply.result);
    else if (reply.kind === 'failure') reject(new GyreError(reply.code, reply.message));
    else void tables(reply.names).then((found) => send({ kind: 'run', tables: found }), reject);
  });
  child.on('error', reject);
  child.on('exit', (_code, killedBy) => {
    reject(
      new GyreError('RESOURCE_EXHAUSTED', `the process that ran the query ended (${killedBy ?? 'by itself'}): it needed too much memory`),
    );
  });
  const timer = setTimeout(() => {
    reject(
      new GyreError('DEADLINE_EXCEEDED', `the query took longer than ${timeoutMs} ms: ask for less, or give it more time`, { timeoutMs }),
    );
  }, timeoutMs);
  const stop = (): void => reject(new GyreError('CANCELLED', 'the query was stopped'));
  signal?.addEventListener('abort', stop, { once: true });
  send({ kind: 'read', sql, bounds });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}
