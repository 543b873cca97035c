/*
 * Gyre for a test that wants an empty one: opens the platform on an empty data folder each time it is asked, in one process, because a
 * process of its own for each of some hundred tests takes longer than the tests.
 * Reads one JSON value a line: {"open": "sqlite" | "postgres", "port": n, "environment": {…}} or {"close": "http://…"}.
 * Writes one a line: {"address", "token"}, {"closed"} or {"error"}.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import { openForVerb } from '#app';
import { openStore } from '#store';
import { smallProject } from '../../harness/projects-fixture.ts';

interface Open {
  readonly open: 'sqlite' | 'postgres';
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Close {
  readonly close: string;
}

const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const root = await mkdtemp(join(tmpdir(), 'gyre-upstream-'));
const projectFolder = await smallProject(root, { rows: 20 });
const running = new Map<string, AsyncDisposable>();
let opened = 0;

async function open({ open: database, port = 0, environment = {} }: Open): Promise<unknown> {
  opened += 1;
  const schema = `gyre_upstream_${process.pid}_${opened}`;
  const data = join(root, `data-${opened}`);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(data, { recursive: true, force: true }));
  if (database === 'postgres') stack.defer(() => dropSchema(schema));
  const app = stack.use(
    await openForVerb({
      projectFolder,
      flags: { data, port },
      environment: { ...environment, ...(database === 'postgres' ? { GYRE_DATABASE: postgres, GYRE_DATABASE_SCHEMA: schema } : {}) },
    }),
  );
  running.set(app.address, stack.move());
  return { address: app.address, token: app.token };
}

async function close(address: string): Promise<unknown> {
  await running.get(address)?.[Symbol.asyncDispose]();
  running.delete(address);
  return { closed: address };
}

async function dropSchema(schema: string): Promise<void> {
  await using store = await openStore({ url: postgres, schema });
  await store.write((tx) => sql`drop schema ${sql.id(schema)} cascade`.execute(tx.tables()), undefined);
}

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line) as Open | Close;
    const answer = await ('close' in asked ? close(asked.close) : open(asked)).catch((error: unknown) => ({ error: String(error) }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
} finally {
  for (const address of running.keys()) await close(address);
  await rm(root, { recursive: true, force: true });
}
