/*
 * One run that is very large: 10 million points, 12,000 metrics, 100,000 files. What it takes to log it, to ask for it, and to look at it.
 * Usage: ./gyre bench large-runs [points] [metrics] [files]; GYRE_BENCH_DATABASE names a PostgreSQL instead of SQLite, GYRE_SHOTS keeps pictures.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { ownRunId } from '#training';
import { type Up, up } from '../test/harness/gyre-fixture.ts';
import { smallProject } from '../test/harness/projects-fixture.ts';
import { openBrowser } from '../test/interop/browser.ts';
import { type Caller, caller, quantile, timed } from './tracking/http.ts';

const [points = 10_000_000, names = 12_000, files = 100_000] = process.argv.slice(2).map(Number);
const database = process.env['GYRE_BENCH_DATABASE'];
const schema = 'gyre_bench_large';
const api = '/api/2.0/mlflow';

const say = (what: string, words: string): void => console.log(`${what.padEnd(62)} ${words}`);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

async function measure<T>(what: string, times: number, work: () => Promise<T>): Promise<T> {
  const took: number[] = [];
  let answer = await work();
  for (let turn = 0; turn < times; turn++) {
    const startedMs = performance.now();
    answer = await work();
    took.push(performance.now() - startedMs);
  }
  say(what, `p50 ${quantile(took, 0.5).toFixed(1)} ms, max ${Math.max(...took).toFixed(1)} ms`);
  return answer;
}

/** The most memory that the server has held, and what it holds now. */
async function memory(server: Up, when: string): Promise<void> {
  const status = await readFile(`/proc/${server.running.pid}/status`, 'utf8');
  const kilobytes = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  say(`memory of the server, ${when}`, `${megabytes(kilobytes('VmRSS'))}, at most ${megabytes(kilobytes('VmHWM'))}`);
}

async function databaseBytes(server: Up): Promise<number> {
  if (database === undefined) {
    const found = (await readdir(server.dataFolder)).filter((name) => name.startsWith('gyre.db'));
    const sizes = await Promise.all(found.map(async (name) => (await stat(join(server.dataFolder, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  }
  const client = new pg.Client(database);
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>(
      "select coalesce(sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)), 0)::text as bytes from pg_tables where schemaname = $1",
      [schema],
    );
    return Number(rows[0].bytes);
  } finally {
    await client.end();
  }
}

async function createRun(http: Caller, name: string): Promise<string> {
  const { run } = await http.json<{ run: { info: { run_id: string } } }>('POST', `${api}/runs/create`, {
    experiment_id: '0',
    run_name: name,
  });
  return run.info.run_id;
}

const batch = 1000;

async function manyPoints(http: Caller, server: Up): Promise<void> {
  const before = await databaseBytes(server);
  const id = await createRun(http, 'many points');
  const { tookMs, errors, timesMs } = await timed(points / batch, 8, async (turn) => {
    const metrics = Array.from({ length: batch }, (_, k) => {
      const step = turn * batch + k;
      return { key: 'loss', step, timestamp: 1_700_000_000_000 + step * 10, value: Math.exp(-step / 1e6) + (step % 97) / 1e4 };
    });
    await http.json('POST', `${api}/runs/log-batch`, { run_id: id, metrics });
  });
  if (errors.length > 0) throw new Error(errors[0]);
  say(
    `${points} points of one metric by log-batch`,
    `${((points / tookMs) * 1000).toFixed(0)}/s, p99 ${quantile(timesMs, 0.99).toFixed(0)} ms`,
  );
  const grown = (await databaseBytes(server)) - before;
  say('the database has grown by', `${megabytes(grown)}, ${(grown / points).toFixed(0)} bytes a point`);
  await memory(server, 'points logged');
  await measure('run get', 20, () => http.json('GET', `${api}/runs/get?run_id=${id}`));
  const filter = 'metrics.loss < 2';
  await measure('search by that metric', 20, () =>
    http.json('POST', `${api}/runs/search`, { experiment_ids: ['0'], filter, order_by: ['metrics.loss DESC'] }),
  );
  const first = `${api}/metrics/get-history?run_id=${id}&metric_key=loss&max_results=25000`;
  const { next_page_token: token } = await measure('history, first page of 25,000', 5, () =>
    http.json<{ next_page_token?: string }>('GET', first),
  );
  if (token !== undefined)
    await measure('history, second page of 25,000', 5, () => http.json('GET', `${first}&page_token=${encodeURIComponent(token)}`));
  await measure('history, 2,500 places (get-history-bulk-interval)', 3, () =>
    http.json('GET', `${api}/metrics/get-history-bulk-interval?run_ids=${id}&metric_key=loss&max_results=2500`),
  );
  await measure('chart: 500 places with least and greatest (runs/series)', 3, () =>
    http.json('POST', '/api/v1/runs/series', { runs: [ownRunId(id)], key: 'loss' }),
  );
  await memory(server, 'points asked for');
  await log(http, id);
}

/** One more point, while the run is as large as it is. */
async function log(http: Caller, id: string): Promise<void> {
  let step = points;
  await measure('one more point', 50, () =>
    http.json('POST', `${api}/runs/log-metric`, { run_id: id, key: 'loss', value: 1, timestamp: 1_800_000_000_000, step: step++ }),
  );
}

async function manyNames(http: Caller, server: Up): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const name of ['many metrics', 'many metrics again']) {
    const id = await createRun(http, name);
    ids.push(id);
    const startedMs = performance.now();
    for (let at = 0; at < names; at += batch) {
      const metrics = Array.from({ length: Math.min(batch, names - at) }, (_, k) => ({
        key: `layer_${Math.floor((at + k) / 100)}/weight_${(at + k) % 100}/norm`,
        value: (at + k) / 7,
        timestamp: 1_700_000_000_000,
        step: 0,
      }));
      await http.json('POST', `${api}/runs/log-batch`, { run_id: id, metrics });
    }
    say(`${names} metrics of one run`, `${(performance.now() - startedMs).toFixed(0)} ms`);
  }
  const [id] = ids;
  const run = await measure('run get', 10, () => http.json('GET', `${api}/runs/get?run_id=${id}`));
  say('  its size', megabytes(JSON.stringify(run).length));
  await measure('search, with both runs in the answer', 10, () =>
    http.json('POST', `${api}/runs/search`, { experiment_ids: ['0'], max_results: 100 }),
  );
  await measure('keys to choose from', 10, () => http.json('POST', '/api/v1/runs/keys', { experiments: ['0'] }));
  await memory(server, 'metrics asked for');
  return ids;
}

async function manyFiles(http: Caller, server: Up): Promise<string> {
  const id = await createRun(http, 'many files');
  const root = `0/${id}/artifacts`;
  const half = Math.floor(files / 2);
  const put = (path: string) => async (): Promise<void> => {
    const { status, body } = await http.call('PUT', `/api/2.0/mlflow-artifacts/artifacts/${root}/${path}`, Buffer.from(`the file ${path}`));
    if (status !== 200) throw new Error(`${path}: ${status} ${body.toString()}`);
  };
  const startedMs = performance.now();
  const flat = await timed(half, 16, (turn) => put(`flat/${String(turn).padStart(6, '0')}.txt`)());
  const deep = await timed(files - half, 16, (turn) => put(`deep/${Math.floor(turn / 500)}/${turn % 500}.txt`)());
  if (flat.errors.length + deep.errors.length > 0) throw new Error([...flat.errors, ...deep.errors][0]);
  say(
    `${files} files of one run`,
    `${((files / (performance.now() - startedMs)) * 1000).toFixed(0)}/s, p99 ${quantile(flat.timesMs, 0.99).toFixed(0)} ms`,
  );
  const listed = await measure('list of a folder with half of them, as MLflow asks', 3, () =>
    http.json<{ files: readonly unknown[] }>('GET', `${api}/artifacts/list?run_id=${id}&path=flat`),
  );
  say('  files in the answer', String(listed.files.length));
  await measure('list of a folder of folders', 10, () => http.json('GET', `${api}/artifacts/list?run_id=${id}&path=deep`));
  await measure('our list: first 1,000 of the folder', 10, () =>
    http.json('GET', `/api/v1/runs/${ownRunId(id)}/artifacts?folder=flat&limit=1000`),
  );
  await measure('our list: first 1,000 of all', 10, () => http.json('GET', `/api/v1/runs/${ownRunId(id)}/artifacts?limit=1000`));
  await measure('one of them', 20, async () =>
    http.call('GET', `/get-artifact?run_uuid=${id}&path=flat/${String(half - 1).padStart(6, '0')}.txt`),
  );
  await memory(server, 'files listed');
  return id;
}

async function look(server: Up, metrics: readonly string[], withFiles: string): Promise<void> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('pageerror', (error) => say('  the page failed', error.message));
    const open = async (what: string, path: string, ready: string): Promise<void> => {
      const startedMs = performance.now();
      await page.goto(`${server.address}${path}`);
      await page.locator(ready).first().waitFor({ timeout: 120_000 });
      const nodes = await page.evaluate<number>('document.querySelectorAll("*").length');
      // A frame comes only when the page has nothing else to do.
      await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
      say(what, `${(performance.now() - startedMs).toFixed(0)} ms, ${nodes} elements`);
      await shot(page, what.replaceAll(/\W+/g, '-'));
    };
    await open('page of the run with many metrics', `/runs/${ownRunId(metrics[0])}`, 'main .cards');
    await open('page that compares two of them', `/compare?runs=${metrics.map(ownRunId).join(',')}`, 'main .cards');
    await open('table of runs', '/experiments/0', '.run-grid tbody a');
    await open('page of the run with many files', `/runs/${ownRunId(withFiles)}?folder=flat`, 'main .cards');
  } finally {
    await browser.close();
  }
}

async function shot(page: { screenshot(options: { path: string; fullPage: boolean }): Promise<unknown> }, name: string): Promise<void> {
  const folder = process.env['GYRE_SHOTS'];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-large-'));
try {
  const env = database === undefined ? {} : { GYRE_DATABASE: database, GYRE_DATABASE_SCHEMA: schema };
  await using server = await up({ cwd: await smallProject(folder), env });
  using http = caller({ name: 'gyre', address: server.address, connections: 16 });
  await memory(server, 'at rest');
  const withMetrics = names > 0 ? await manyNames(http, server) : [];
  const withFiles = files > 0 ? await manyFiles(http, server) : '';
  if (names > 0 && files > 0) await look(server, withMetrics, withFiles);
  if (points > 0) await manyPoints(http, server);
} finally {
  await rm(folder, { recursive: true, force: true });
  if (database !== undefined) {
    const client = new pg.Client(database);
    await client.connect();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  }
}
