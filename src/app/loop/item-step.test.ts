import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes, PipelineRun, StepItem } from '#contract';
import { countingIds, systemClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openLocalExecutor } from '#executors';
import type { Executor } from '#executors';
import { openPipelines, pipelinesMigrations } from '#pipelines';
import type { Pipelines } from '#pipelines';
import { loadProject } from '#project';
import type { LoadedProject } from '#project';
import { openStore } from '#store';
import { commandStep } from './command-step.ts';
import { itemStep } from './item-step.ts';
import { buildPlan } from './plans.ts';
import type { LoopRooms } from './rooms.ts';

const head = `project: notes
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: id } }
steps:
`;

describe('a command step that works by file', () => {
  let root: string;
  let folder: string;
  let opened: AsyncDisposableStack;
  let pipelines: Pipelines;
  let executor: Executor;
  let project: LoadedProject;

  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
  /** Runs the command steps of a project of this text. */
  const build = async (steps: string, more: { fresh?: boolean } = {}): Promise<PipelineRun> => {
    await write('gyre.yaml', `${head}${steps}`);
    project = await loadProject(folder);
    const plans = (await buildPlan(project)).filter(({ kind }) => kind.startsWith('command'));
    const by = { identity: 'id-ada', name: 'Ada' };
    const run = await pipelines.submit({ pipeline: 'test', reason: 'a test', by, parameters: {}, steps: plans, ...more });
    return pipelines.wait(run.id);
  };
  const step = (run: PipelineRun, name: string): PipelineRun['steps'][number] =>
    run.steps.find((each) => each.step === name) ?? assert.fail(`no step ${name}`);
  const itemsOf = async (run: PipelineRun, name: string): Promise<readonly StepItem[]> =>
    (await pipelines.items(run.id, name, { limit: 100 })).items;

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    root = await mkdtemp(join(tmpdir(), 'gyre-item-step-'));
    folder = join(root, 'project');
    await write('people.csv', 'id,x\n1,2\n');
    for (const name of ['one', 'two', 'three']) await write(`notes/${name}.txt`, `the note ${name}`);
    const store = opened.use(await openStore({ url: `sqlite:${join(root, 'gyre.db')}` }));
    await store.migrate([eventsMigrations, pipelinesMigrations]);
    const newId = countingIds('id');
    const events = opened.use(openEvents<EventTypes>({ store, clock: systemClock, newId, source: '/gyre/test' }));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    executor = opened.use(
      await openLocalExecutor({ dir: join(root, 'jobs'), clock: systemClock, environment: { PATH: process.env['PATH'] }, graceMs: 30 }),
    );
    pipelines = opened.use(openPipelines({ store, events, clock: systemClock, newId, owner: 'a' }));
    const rooms: Pick<LoopRooms, 'project' | 'blobs' | 'executor' | 'workers'> = { project: () => project, blobs, executor, workers: 2 };
    pipelines.register(itemStep(rooms, { store, clock: systemClock, folder: join(root, 'scratch') }));
    pipelines.register(commandStep(rooms, join(root, 'parameters')));
  });
  afterEach(async () => {
    await opened.disposeAsync();
    await rm(root, { recursive: true });
  });

  const upper = `  upper: { run: 'tr a-z A-Z < "$GYRE_INPUT" > "$GYRE_OUTPUT"', per_file: "notes/*.txt", outs: ["upper/{name}"], retries: 0 }\n`;
  const index = `  index: { run: 'cat upper/* > index.txt', deps: [upper/], outs: [index.txt] }\n`;

  test('gives its process the file and the place of its output, and leaves neither jobs nor scratch files behind', async () => {
    const run = await build(upper);
    assert.deepEqual([run.state, step(run, 'upper').summary], ['succeeded', '3 of 3 items processed, 0 reused']);
    assert.equal(await read('upper/two.txt'), 'THE NOTE TWO');
    assert.deepEqual([await executor.list(), await readdir(join(root, 'scratch'))], [[], []]);
    assert.partialDeepStrictEqual(step(run, 'upper').outputs, { items: 3, processed: 3, cached: 0, failed: 0, removed: 0 });
  });

  test('a step that reads its outputs comes after it, runs again when they changed, and is reused when they did not', async () => {
    assert.deepEqual(step(await build(index + upper), 'index').state, 'succeeded');
    assert.equal(await read('index.txt'), 'THE NOTE ONETHE NOTE THREETHE NOTE TWO');
    assert.equal(step(await build(index + upper), 'index').state, 'cached');
    await write('notes/two.txt', 'another');
    assert.equal(step(await build(index + upper), 'index').state, 'succeeded');
    assert.equal(await read('index.txt'), 'THE NOTE ONETHE NOTE THREEANOTHER');
  });

  test('a changed command, parameter, variable or common file makes every item anew; how many run side by side does not', async () => {
    await write('tool.sh', 'cat "$GYRE_INPUT" "$GYRE_PARAMS" > "$GYRE_OUTPUT"; printf "$SIGN" >> "$GYRE_OUTPUT"');
    const of = (more: string): string =>
      `  join: { run: sh tool.sh, deps: [tool.sh], per_file: "notes/*.txt", outs: ["out/{name}"]${more} }\n`;
    const processed = async (more: string): Promise<unknown> => step(await build(of(more)), 'join').outputs?.['processed'];
    assert.equal(await processed(''), 3);
    assert.equal(await processed(', parallel: 1, batch: 1, retries: 5'), 0);
    assert.equal(await processed(', params: { x: 1 }'), 3);
    assert.equal(await processed(', params: { x: 1 }, env: { SIGN: "!" }'), 3);
    assert.equal(await read('out/one.txt'), 'the note one{"x":1}!');
    await write('tool.sh', 'cat "$GYRE_INPUT" > "$GYRE_OUTPUT"');
    assert.equal(await processed(', params: { x: 1 }, env: { SIGN: "!" }'), 3);
    assert.equal(step(await build(of(''), { fresh: true }), 'join').outputs?.['processed'], 3);
  });

  test('a batch gets a list of its items', async () => {
    const script = `import { readFileSync, writeFileSync } from 'node:fs';
      const items = readFileSync(process.env.GYRE_ITEMS, 'utf8').trim().split('\\n').map((line) => JSON.parse(line));
      for (const { item, inputs, outputs } of items) writeFileSync(outputs[0], item + ' of ' + items.length + ': ' + readFileSync(inputs[0], 'utf8'));`;
    await write('batch.mjs', script);
    const run = await build(`  batch: { run: node batch.mjs, per_file: "notes/*.txt", outs: ["out/{stem}.out"], batch: 2, parallel: 1 }\n`);
    assert.equal(run.state, 'succeeded', step(run, 'batch').error ?? '');
    assert.deepEqual(
      [await read('out/one.out'), await read('out/two.out')],
      ['notes/one.txt of 2: the note one', 'notes/two.txt of 1: the note two'],
    );
  });

  test('a bad item fails the step with its last lines after all others are done, and what follows does not run', async () => {
    await write('check.sh', 'grep -q two "$GYRE_INPUT" && { echo "no twos: $GYRE_ITEM" >&2; exit 7; }; cp "$GYRE_INPUT" "$GYRE_OUTPUT"');
    const check = (more = ''): string =>
      `  check: { run: sh check.sh, per_file: "notes/*.txt", outs: ["upper/{name}"], retries: 0${more} }\n`;
    const run = await build(check() + index);
    assert.deepEqual([run.state, step(run, 'check').state, step(run, 'index').state], ['failed', 'failed', 'skipped']);
    assert.equal(
      step(run, 'check').error,
      'step "check": 1 of 3 items failed (2 of 3 items processed, 0 reused)\nnotes/two.txt: exited with code 7\nno twos: notes/two.txt',
    );
    const bad = (await itemsOf(run, 'check')).find(({ state }) => state === 'failed');
    assert.deepEqual([bad?.item, bad?.log], ['notes/two.txt', ['no twos: notes/two.txt']]);
    assert.equal(
      step(await build(`${check(', allow_failed: 1')}${index}`), 'index').state,
      'succeeded',
      'unless it is told that one may fail',
    );
    assert.equal(
      step(await build(`${check(', allow_failed: "33%"')}${index}`), 'check').state,
      'failed',
      'a third of three is less than one',
    );
    assert.equal(step(await build(`${check(', allow_failed: "34%"')}${index}`), 'check').state, 'succeeded');
  });

  test('an item that runs too long, or writes no output, is a bad item', async () => {
    const slow = await build(
      `  slow: { run: 'case $GYRE_ITEM in *two*) exec sleep 60;; esac; cp "$GYRE_INPUT" "$GYRE_OUTPUT"', per_file: "notes/*.txt", outs: ["out/{name}"], retries: 0, timeout: 1s }\n`,
    );
    assert.match(step(slow, 'slow').error ?? '', /notes\/two.txt: job .* ran longer than its 1000 ms/);
    const silent = await build(`  silent: { run: 'true', per_file: "notes/o*.txt", outs: ["out/{name}"], retries: 0 }\n`);
    assert.match(step(silent, 'silent').error ?? '', /notes\/one.txt: ended well but did not write its output out\/one.txt/);
  });

  test('cancelled in the middle, it stops its processes and keeps what is finished', async () => {
    await write(
      'gyre.yaml',
      `${head}  wait: { run: 'case $GYRE_ITEM in *one*) ;; *) sleep 60;; esac; cp "$GYRE_INPUT" "$GYRE_OUTPUT"', per_file: "notes/*.txt", outs: ["out/{name}"], parallel: 1 }\n`,
    );
    project = await loadProject(folder);
    const plans = (await buildPlan(project)).filter(({ kind }) => kind.startsWith('command'));
    const by = { identity: 'id-ada', name: 'Ada' };
    const oneDone = Promise.withResolvers<void>();
    pipelines.watch((signal) => {
      if (signal.kind === 'progress' && signal.done === 1) oneDone.resolve();
    });
    const { id } = await pipelines.submit({ pipeline: 'test', reason: 'a test', by, parameters: {}, steps: plans });
    await oneDone.promise;
    assert.equal((await pipelines.cancel(id, by)).state, 'cancelled');
    assert.deepEqual(await executor.list(), []);
    assert.deepEqual(
      (await pipelines.items(id, 'wait', { limit: 10 })).items.map(({ item, state }) => [item, state]),
      [['notes/one.txt', 'succeeded']],
    );
  });
});
