/*
 * The table of runs with 100,000 runs in a real browser: what the server takes for the order, for rows, groups and lines, and how long frames
 * take while the table scrolls. Usage: node bench/run-table.ts [runs]; GYRE_SHOTS keeps pictures.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openFsBlobs } from '#blobs';
import { seeded, systemClock, uuidV7 } from '#core';
import { openData } from '#data';
import { openEvents } from '#events';
import { openFeatures } from '#features';
import { openStore } from '#store';
import { openTraining } from '#training';
import { up, type Up } from '../test/harness/gyre-fixture.ts';
import { smallProject } from '../test/harness/projects-fixture.ts';
import { openBrowser } from '../test/interop/browser.ts';

const runs = Number(process.argv[2] ?? 100_000);
const writers = 256;
const chartRuns = 100;
const chartSteps = 10_000;

const random = seeded(7);
const start = 1_700_000_000_000;
const by = { identity: 'bench', name: 'bench' };
const header = { 'content-type': 'application/json' };

async function post<T>(server: Up, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${server.address}${path}`, { method: 'POST', headers: header, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

/** Tells the runs to the store as the room logs them: by HTTP it would take many minutes. @returns ids of those with long metrics */
async function fill(database: string, blobsFolder: string): Promise<{ readonly experiment: string; readonly charted: readonly string[] }> {
  await using store = await openStore({ url: `sqlite:${database}` });
  const blobs = await openFsBlobs({ dir: blobsFolder });
  const clock = systemClock;
  const newId = uuidV7(clock, randomBytes);
  await using events = openEvents({ store, clock, newId, source: '/gyre/bench' });
  const data = openData({ store, blobs, events, clock, newId, temporary: blobsFolder });
  await using features = openFeatures({ store, blobs, events, clock, newId, data });
  const { tracking } = openTraining({ store, blobs, events, clock, newId, randomBytes, data, features });
  const { id: experiment } = await tracking.createExperiment({ name: 'many', by });
  const logRun = async (at: number): Promise<string> => {
    const { id } = await tracking.createRun({ experiment, name: `run-${at}`, startedAt: start + at * 1000, by });
    await tracking.logBatch(id, {
      metrics: Array.from({ length: 10 }, (_, key) => ({ key: `metric_${key}`, value: random.normal(), timestamp: at, step: 0 })),
      parameters: Array.from({ length: 5 }, (_, key) => ({
        key: `param_${key}`,
        value: String(Math.floor(random.next() * 2 ** (key + 1))),
      })),
      tags: [
        { key: 'team', value: `team-${at % 7}` },
        { key: 'host', value: `host-${at % 31}` },
      ],
    });
    await tracking.updateRun({ id, status: 'FINISHED', endedAt: start + at * 1000 + 500, by });
    return id;
  };
  await inParallel(runs, logRun);
  const charted: string[] = [];
  for (let at = 0; at < chartRuns; at += 1) {
    const id = await logRun(runs + at);
    charted.push(id);
    const metrics = Array.from({ length: chartSteps }, (_, step) => ({
      key: 'loss',
      step,
      timestamp: start + step * 500,
      value: Math.exp(-step / 3000) + 0.1 * random.next() + at / 200,
    }));
    await tracking.logBatch(id, { metrics });
  }
  return { experiment, charted };
}

async function inParallel(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: writers }, worker));
}

async function timed<T>(name: string, times: number, work: () => Promise<T>): Promise<T> {
  const took: number[] = [];
  let answer: T | undefined;
  for (let turn = 0; turn < times; turn += 1) {
    const started = performance.now();
    answer = await work();
    took.push(performance.now() - started);
  }
  took.sort((a, b) => a - b);
  console.log(`${name.padEnd(58)} p50 ${(took[Math.floor(times / 2)] ?? 0).toFixed(0)} ms, max ${(took.at(-1) ?? 0).toFixed(0)} ms`);
  if (answer === undefined) throw new Error('nothing was timed');
  return answer;
}

async function askServer(server: Up, experiment: string, charted: readonly string[]): Promise<void> {
  const experiments = [experiment];
  const ask = <T>(path: string, body: object): Promise<T> => post<T>(server, `/api/v1/runs/${path}`, { experiments, ...body });
  const { positions } = await timed('order, newest first', 5, () => ask<{ positions: number[] }>('positions', {}));
  console.log(`  ${positions.length} positions`);
  await timed('order by a metric', 5, () => ask('positions', { order: ['metrics.metric_3 DESC'] }));
  await timed('order with a filter that 16 % meet', 5, () => ask('positions', { filter: 'metrics.metric_1 > 1' }));
  const columns = { metrics: ['metric_0', 'metric_1', 'metric_2', 'metric_3', 'metric_4'], parameters: ['param_0', 'param_1', 'param_4'] };
  await timed('200 rows from the middle', 20, () =>
    ask('rows', { positions: positions.slice(positions.length / 2, positions.length / 2 + 200), columns }),
  );
  await timed('groups by a parameter, five metrics', 5, () => ask('groups', { by: 'param_4', metrics: columns.metrics }));
  await timed('keys to choose from', 5, () => ask('keys', {}));
  const chart = await timed(`series: ${chartRuns} runs x ${chartSteps} steps, 500 places`, 5, () =>
    post<object>(server, '/api/v1/runs/series', { runs: charted, key: 'loss' }),
  );
  console.log(`  ${(JSON.stringify(chart).length / 1e6).toFixed(2)} MB`);
}

interface Frames {
  readonly frames: readonly number[];
}

async function scroll(server: Up, experiment: string, charted: readonly string[]): Promise<void> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const started = performance.now();
    await page.goto(`${server.address}/experiments/${experiment}`);
    await page.locator('.run-grid tbody a').first().waitFor();
    console.log(`page open with its first rows                              ${(performance.now() - started).toFixed(0)} ms`);
    for (const [name, step] of [
      ['scrolling by 2 rows a frame', 64],
      ['scrolling by 40 rows a frame', 1280],
      ['jumping over 1,000 rows a frame', 32_000],
    ] as const) {
      const { frames } = await page.evaluate<Frames>(`new Promise((resolve) => {
        const grid = document.querySelector('.run-grid-scroll');
        grid.scrollTop = 0;
        const frames = [];
        let before = performance.now();
        const frame = () => {
          const now = performance.now();
          frames.push(now - before);
          before = now;
          grid.scrollTop += ${step};
          if (frames.length < 300) requestAnimationFrame(frame); else resolve({ frames });
        };
        requestAnimationFrame(frame);
      })`);
      const sorted = [...frames].sort((a, b) => a - b);
      const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
      const late = frames.filter((ms) => ms > 25).length;
      console.log(
        `${name.padEnd(58)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms; ${late} of ${frames.length} later than 25 ms`,
      );
    }
    await shot(page, 'run-table-end');
    const chartStarted = performance.now();
    await page.goto(`${server.address}/compare?runs=${charted.join(',')}`);
    await page.locator('.line-figure canvas').first().waitFor();
    console.log(
      `compare ${charted.length} runs, page open until lines are drawn          ${(performance.now() - chartStarted).toFixed(0)} ms`,
    );
    await shot(page, 'compare-100');
  } finally {
    await browser.close();
  }
}

async function shot(page: { screenshot(options: { path: string }): Promise<unknown> }, name: string): Promise<void> {
  const folder = process.env['GYRE_SHOTS'];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-runs-'));
try {
  const place = { cwd: await smallProject(folder), env: { GYRE_PORT: '0' } };
  const first = await up(place);
  await first.stop();
  const started = performance.now();
  const { experiment, charted } = await fill(join(first.dataFolder, 'gyre.db'), join(first.dataFolder, 'blobs'));
  console.log(`${runs} runs logged in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  await using server = await up(place);
  await askServer(server, experiment, charted);
  await scroll(server, experiment, charted);
} finally {
  await rm(folder, { recursive: true, force: true });
}
