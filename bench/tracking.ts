/*
 * Tracking and registry beside the newest `mlflow server` with its own settings, by raw HTTP over kept connections, on SQLite and on
 * PostgreSQL on both sides, rounds interleaved in one run. MLflow's server is measured without its stall of 44 ms (TCP_NODELAY on its
 * listener, bench/tracking/nodelay); how it is as shipped stands beside it where only the stall is told apart. The floor is a bare
 * node:http server that gives the answers that ours gave.
 * Usage: ./gyre bench tracking [--database sqlite|postgres] [--row PART-OF-NAME] [--quick] [--alone]
 * Without --database both; --quick on a tenth of the data; --alone without MLflow. The peer's versions stand in bench/requirements.txt;
 * GYRE_BENCH_VENV names the Python environment that has them (default: .venv of the checkout), GYRE_TEST_POSTGRES the PostgreSQL server.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { memoryMib } from './common/process.ts';
import { smallProject } from '../test/harness/projects-fixture.ts';
import { artifactRound, type ArtifactFigures } from './tracking/artifact.ts';
import { fillOurs, fillTheirs, newExperiment, newRun, peer, pointsOfOurs, pointsOfTheirs } from './tracking/data.ts';
import { caller } from './tracking/http.ts';
import { common, figuresOf, type Figures, type Filled, pageOf, rare, type Row, rowsOf } from './tracking/rows.ts';
import { type Server, settled, startFloor, startGyre, startMlflow } from './tracking/servers.ts';

const { values: options } = parseArgs({
  options: {
    database: { type: 'string' },
    row: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
  },
});
const sizes = options.quick
  ? { runs: 1000, manyRuns: 5000, points: 10_000, scale: 0.3 }
  : { runs: 10_000, manyRuns: 100_000, points: 100_000, scale: 1 };
const rows = rowsOf(sizes).filter(({ name }) => name.includes(options.row));
const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
/** Rows of single calls are warmed up by so many of them, or for so long: what V8 compiles as it runs is steady after some 1,200. */
const warmCalls = 1500;
const warmMs = 20_000;
let missed = 0;

function say(row: string, figures: string, isGood?: boolean): void {
  if (isGood === false) missed += 1;
  console.log(`${isGood === undefined ? '    ' : isGood ? 'PASS' : 'MISS'}  ${row.padEnd(50)} ${figures}`);
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;

/** A database of its own on the PostgreSQL server, for as long as it is used. */
async function newDatabase(name: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const admin = new pg.Client({ connectionString: postgres });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

interface Contender {
  readonly server: Server;
  readonly filled: Filled;
}

/** @param database MLflow’s, which is filled past its server; none for ours, which takes what clients send */
async function fill(server: Server, database?: string): Promise<Contender> {
  using call = caller({ name: server.name, address: server.address, connections: 64, ...tokenOf(server) });
  const experiment = await newExperiment(call, `bench of ${server.name}`);
  const isAsShipped = server.name === 'mlflow as shipped';
  // A page of the many runs takes MLflow's server minutes: it has those that are measured on both sides.
  const isAsked = ({ name, onlyOurs }: Row, count: number): boolean =>
    name.includes(`of ${count} runs`) && (database === undefined || onlyOurs !== true);
  const wanted = [sizes.runs, sizes.manyRuns].filter((count) => !isAsShipped && rows.some((row) => isAsked(row, count)));
  const runs = new Map<number, string>();
  for (const count of wanted) {
    const one = await newExperiment(call, `${count} runs for ${server.name}`);
    await (database === undefined ? fillOurs(call, one, count) : fillTheirs(database, one, count));
    runs.set(count, one);
  }
  const longRun = await newRun(call, experiment);
  if (!isAsShipped && rows.some(({ name }) => name.includes('points'))) {
    await (database === undefined
      ? pointsOfOurs(call, longRun, 'long', sizes.points)
      : pointsOfTheirs(database, longRun, 'long', sizes.points));
  }
  const modelRun = await newRun(call, experiment);
  const { run } = await call.json<{ readonly run: { readonly info: { readonly artifact_uri: string } } }>(
    'GET',
    `/api/2.0/mlflow/runs/get?run_id=${modelRun}`,
  );
  const modelSource = `${run.info.artifact_uri}/model`;
  const folder = modelSource.replace(/^mlflow-artifacts:\/+/, '');
  await call.call('PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/MLmodel`, Buffer.from('flavors: {}\n'));
  const model = `model of ${server.name}`;
  if (rows.some(({ name }) => /version|alias/.test(name))) {
    await call.json('POST', '/api/2.0/mlflow/registered-models/create', { name: model });
    for (let version = 0; version < 2; version++)
      await call.json('POST', '/api/2.0/mlflow/model-versions/create', { name: model, source: modelSource, run_id: modelRun });
  }
  return { server, filled: { experiment, runs, longRun, model, modelSource, modelRun } };
}

function tokenOf({ token }: Server): { readonly token?: string } {
  return token === undefined ? {} : { token };
}

/** What ours answered last to each call, for the floor to answer. */
type Recording = Map<string, Buffer>;

async function measure(row: Row, contenders: readonly Contender[], floor: Server): Promise<ReadonlyMap<string, Figures>> {
  const [ours] = contenders;
  const recording: Recording = new Map();
  const taken = new Map<string, Awaited<ReturnType<Row['run']>>[]>();
  const round = async ({ server, filled }: Contender, times: number, keep: boolean): Promise<void> => {
    using call = caller({
      name: server.name,
      address: server.address,
      connections: row.connections,
      ...tokenOf(server),
      ...(server === ours.server ? { record: (method, path, { body }) => void recording.set(`${method} ${path}`, body) } : {}),
    });
    const timing = await row.run(call, filled, times);
    if (keep) taken.set(server.name, [...(taken.get(server.name) ?? []), timing]);
  };
  // What was just loaded is slower, the more so where code is compiled as it runs: each side is warmed up alike, and that is not counted.
  for (const contender of contenders) {
    const startedMs = performance.now();
    let calls = 0;
    do {
      const times = Math.max(row.connections, row.timesPerRound);
      await round(contender, times, false);
      calls += times;
    } while (row.connections === 1 && calls < warmCalls && performance.now() - startedMs < warmMs);
  }
  using recorder = caller({ name: floor.name, address: floor.address, connections: 1 });
  for (const [key, body] of recording) await recorder.json('PATCH', '/record', [key, body.toString('base64')]);
  const all = [...contenders, { server: floor, filled: ours.filled }];
  for (let turn = 0; turn < row.rounds; turn++) for (const contender of all) await round(contender, row.timesPerRound, true);
  return new Map([...taken].map(([name, rounds]) => [name, figuresOf(rounds, row.unit?.perOperation ?? 1)]));
}

function report(database: string, row: Row, figures: ReadonlyMap<string, Figures>): void {
  const ours = figures.get('gyre');
  const theirs = figures.get('mlflow');
  assert.ok(ours);
  const told = [...figures].map(([name, one]) => {
    const errors = one.errors.length === 0 ? '' : ` ${one.errors.length} ERRORS (${one.errors[0].slice(0, 120)})`;
    const rate = row.compare === 'perSecond' ? `${one.perSecond.toFixed(0)} ${row.unit?.name ?? ''}/s, ` : '';
    return `${name} ${rate}p50 ${ms(one.p50Ms)}, p99 ${ms(one.p99Ms)}${errors}`;
  });
  const ratio = theirs === undefined ? undefined : row.compare === 'p50' ? theirs.p50Ms / ours.p50Ms : ours.perSecond / theirs.perSecond;
  const judged = [
    ...(row.atLeast === undefined || ratio === undefined ? [] : [ratio >= row.atLeast]),
    ...(row.p50BelowMs === undefined ? [] : [ours.p50Ms < row.p50BelowMs]),
    ...(row.p99BelowMs === undefined ? [] : [ours.p99Ms < row.p99BelowMs, ours.errors.length === 0]),
  ];
  const targets = [
    ...(row.atLeast === undefined ? [] : [`at least ${row.atLeast}x`]),
    ...(row.p50BelowMs === undefined ? [] : [`p50 below ${row.p50BelowMs} ms`]),
    ...(row.p99BelowMs === undefined ? [] : [`p99 below ${row.p99BelowMs} ms, no errors`]),
  ];
  say(
    `${database}: ${row.name}`,
    `${ratio === undefined ? '' : `${ratio.toFixed(1)}x, `}target ${targets.join(', ')} | ${told.join(' | ')}`,
    judged.length === 0 ? undefined : judged.every(Boolean),
  );
}

interface Idle {
  readonly readyMs: number;
  readonly mib: number;
}

/** What a server needs while nobody asks it anything, once what begins with it is done. */
async function idleOf(server: Server): Promise<Idle> {
  await settled([server]);
  return { readyMs: server.readyMs, mib: memoryMib(server.pid) };
}

function reportServers(database: string, ours: Idle, theirs?: Idle): void {
  const lines = [
    { what: 'start to first 200', of: ({ readyMs }: Idle) => readyMs, shown: ms },
    { what: 'idle memory', of: ({ mib }: Idle) => mib, shown: (mib: number) => `${mib.toFixed(0)} MiB` },
  ];
  for (const { what, of, shown } of lines) {
    const told = `gyre ${shown(of(ours))}${theirs === undefined ? '' : ` | mlflow ${shown(of(theirs))}`}`;
    const ratio = theirs === undefined ? undefined : of(theirs) / of(ours);
    const judged = ratio === undefined ? '' : `${ratio.toFixed(1)}x, `;
    say(`${database}: ${what}`, `${judged}target at least 10x | ${told}`, ratio === undefined ? undefined : ratio >= 10);
  }
}

async function reportArtifact(database: string, contenders: readonly Contender[]): Promise<void> {
  const bytes = options.quick ? 20_000_000 : 200_000_000;
  const best = new Map<string, ArtifactFigures>();
  for (let turn = 0; turn < 3; turn++) {
    for (const { server, filled } of contenders) {
      const folder = filled.modelSource.replace(/^mlflow-artifacts:\/+/, '');
      const figures = await artifactRound(server, `${folder}/large-${turn}.bin`, bytes);
      const known = best.get(server.name);
      if (known === undefined || figures.upMs + figures.downMs < known.upMs + known.downMs) best.set(server.name, figures);
    }
  }
  const told = [...best].map(
    ([name, { upMs, downMs, grownMib }]) => `${name} up ${ms(upMs)}, down ${ms(downMs)}, memory +${grownMib.toFixed(0)} MiB`,
  );
  const [ours, theirs] = [best.get('gyre'), best.get('mlflow')];
  const isGood = ours === undefined || theirs === undefined ? undefined : ours.upMs <= theirs.upMs && ours.downMs <= theirs.downMs;
  say(`${database}: artifact of ${bytes / 1e6} MB`, `target no slower | ${told.join(' | ')}`, isGood);
}

async function reportClient(database: string, contenders: readonly Contender[]): Promise<void> {
  const servers = contenders.map(({ server, filled }) => ({
    address: server.address,
    token: server.token ?? '',
    experiment: filled.experiment,
  }));
  const { p50Ms } = await peer<{ readonly p50Ms: readonly number[] }>({ client: servers, rounds: options.quick ? 20 : 60 });
  const told = contenders.map(({ server }, index) => `${server.name} p50 ${ms(p50Ms[index])}`);
  say(`${database}: the same by MLflow's Python client`, told.join(' | '));
}

/** What is open while two databases are compared. */
let opened: AsyncDisposableStack | undefined;

async function compare(database: 'sqlite' | 'postgres'): Promise<void> {
  await using stack = new AsyncDisposableStack();
  opened = stack;
  const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-tracking-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const projectFolder = await smallProject(folder, { rows: 20 });
  const databaseOf = async (name: string): Promise<string> => stack.use(await newDatabase(`bench_${name}_${process.pid}`)).url;
  const begin = async (server: Promise<Server>): Promise<Server> => stack.use(await server);
  const ours = await begin(startGyre(folder, projectFolder, database === 'postgres' ? await databaseOf('gyre') : undefined));
  const idle = await idleOf(ours);
  const contenders: Contender[] = [await fill(ours)];
  const floor = await begin(startFloor(folder));
  if (!options.alone) {
    const addressOf = async (name: string): Promise<string> =>
      database === 'sqlite' ? `sqlite:///${join(folder, `${name}.db`)}` : (await databaseOf(name)).replace('postgres://', 'postgresql://');
    const address = await addressOf('mlflow');
    const theirs = await begin(startMlflow(join(folder, 'mlflow'), address, false));
    reportServers(database, idle, await idleOf(theirs));
    contenders.push(await fill(theirs, address));
    const shipped = await addressOf('shipped');
    contenders.push(await fill(await begin(startMlflow(join(folder, 'shipped'), shipped, true)), shipped));
    for (const count of contenders[1].filled.runs.keys()) await agree(contenders, count);
  } else reportServers(database, idle);
  await settled(contenders.map(({ server }) => server));
  const usual = contenders.filter(({ server }) => server.name !== 'mlflow as shipped');
  const sidesOf = (row: Row): readonly Contender[] =>
    row.onlyOurs === true ? contenders.slice(0, 1) : row.asShipped === true ? contenders : usual;
  for (const row of rows) report(database, row, await measure(row, sidesOf(row), floor));
  if ('artifact'.includes(options.row)) {
    await reportArtifact(database, usual).catch((error: unknown) => say(`${database}: artifact`, String(error), false));
  }
  if ('client'.includes(options.row)) await reportClient(database, usual);
}

/** Nothing is compared that does not find the same. */
async function agree(contenders: readonly Contender[], count: number): Promise<void> {
  for (const { filter, order } of [common, rare]) {
    const pages = [];
    for (const { server, filled } of contenders.slice(0, 2)) {
      using call = caller({ name: server.name, address: server.address, connections: 1, ...tokenOf(server) });
      pages.push(await pageOf(call, filled.runs.get(count) ?? '', filter, order, 100));
    }
    assert.deepEqual(pages[1], pages[0], `the sides find other runs with ${filter}`);
  }
}

// Servers and databases go also when it is stopped.
let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopping ??= opened?.disposeAsync()));
try {
  for (const database of ['sqlite', 'postgres'] as const) {
    if (options.database === undefined || options.database === database) await compare(database);
  }
} catch (error) {
  if (stopping === undefined) throw error;
  await stopping;
  process.exit(130);
}
console.log(missed === 0 ? 'every target is met' : `${missed} targets are missed`);
process.exitCode = missed === 0 ? 0 : 1;
