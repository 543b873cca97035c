import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { EventTypes, PipelineRun } from '#contract';
import { GyreError, hasCode, manualClock, systemClock } from '#core';
import type { Clock, NewId } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { openStore } from '#store';
import type { Store, StoreOptions } from '#store';
import { openPipelines, pipelinesMigrations } from './index.ts';
import type { PipelineSignal, Pipelines, PipelinesOptions, StepContext, StepHandler, StepPlan, StepResult } from './index.ts';

const ada = { identity: 'id-ada', name: 'ada' };

/** A step of a plan with what tests rarely say. */
export function plan(name: string, kind: string, more: Partial<StepPlan> = {}): StepPlan {
  return { name, kind, after: [], parameters: {}, inputs: {}, ...more };
}

/** A handler made of a function. */
function handler(kind: string, run: (context: StepContext) => Promise<StepResult>, more: Partial<StepHandler> = {}): StepHandler {
  return { kind, version: '1', cacheable: true, run, ...more };
}

function latch(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** A promise that ends only when the step is told to stop. */
async function untilStopped(context: StepContext): Promise<never> {
  if (!context.signal.aborted) await once(context.signal, 'abort');
  throw new GyreError('CANCELLED', 'told to stop');
}

/** What every store has to give the pipelines. @param fixture the options of an empty store, and how it goes away */
export function pipelinesContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`pipelines on ${name}`, skip === undefined ? {} : { skip }, () => {
    let made: { readonly options: StoreOptions } & AsyncDisposable;
    let store: Store;
    let events: Events<EventTypes>;
    let newId: NewId;
    const opened: Pipelines[] = [];

    const open = (owner: string, more: Partial<PipelinesOptions> = {}): Pipelines => {
      const pipelines = openPipelines({ store, events, clock: systemClock, newId, owner, backoffMs: 1, leaseMs: 60_000, ...more });
      opened.push(pipelines);
      return pipelines;
    };
    const run = async (pipelines: Pipelines, steps: readonly StepPlan[], more: { fresh?: boolean } = {}): Promise<PipelineRun> => {
      const submitted = await pipelines.submit({ pipeline: 'test', reason: 'a test', by: ada, parameters: {}, steps, ...more });
      return pipelines.wait(submitted.id);
    };
    const states = (of: PipelineRun): Record<string, string> => Object.fromEntries(of.steps.map(({ step, state }) => [step, state]));

    beforeEach(async () => {
      made = await fixture();
      store = await openStore(made.options);
      await store.migrate([eventsMigrations, pipelinesMigrations]);
      let count = 0;
      newId = () => `id-${String(++count).padStart(4, '0')}`;
      events = openEvents({ store, clock: systemClock, newId, source: '/gyre/test' });
    });
    afterEach(async () => {
      for (const pipelines of opened.splice(0)) await pipelines[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    });

    test('run steps after those they wait for, and hand on their outputs', async () => {
      const pipelines = open('a');
      pipelines.register(
        handler('make', (context) => Promise.resolve({ outputs: { value: Number(context.parameters['value']) }, summary: 'made' })),
      );
      pipelines.register(
        handler('add', ({ inputs }) =>
          Promise.resolve({ outputs: { sum: Number(inputs['left']) + Number(inputs['right']) }, summary: 'added' }),
        ),
      );
      const ended = await run(pipelines, [
        plan('sum', 'add', { inputs: { left: { step: 'one', output: 'value' }, right: { step: 'two', output: 'value' } } }),
        plan('one', 'make', { parameters: { value: 1 } }),
        plan('two', 'make', { parameters: { value: 2 } }),
      ]);
      assert.equal(ended.state, 'succeeded');
      assert.deepEqual(ended.steps[0].outputs, { sum: 3 });
      assert.deepEqual(ended.steps[0].inputs, { left: 1, right: 2 });
      const told = (await events.read({})).map(({ type, subject }) => [type.replace(/^dev\.gyre\.|\.v1$/g, ''), subject]);
      assert.deepEqual(told[0], ['pipeline_run.started', ended.id]);
      assert.deepEqual(told.at(-1), ['pipeline_run.finished', ended.id]);
      assert.equal(told.filter(([type]) => type === 'step_run.finished').length, 3);
    });

    test('run independent steps side by side, at most two', async () => {
      const pipelines = open('a');
      const both = latch();
      let now = 0;
      let most = 0;
      pipelines.register(
        handler('meet', async () => {
          most = Math.max(most, ++now);
          if (now === 2) both.open();
          await both.opened;
          now -= 1;
          return { outputs: {}, summary: 'met' };
        }),
      );
      const ended = await run(
        pipelines,
        ['a', 'b', 'c', 'd'].map((step) => plan(step, 'meet', { parameters: { step } })),
      );
      assert.deepEqual([ended.state, most], ['succeeded', 2]);
    });

    test('two runs that come upon the same work at the same time do it once', async () => {
      const pipelines = open('a');
      const begun = latch();
      const goOn = latch();
      let times = 0;
      pipelines.register(
        handler('slow', async () => {
          times += 1;
          begun.open();
          await goOn.opened;
          return { outputs: { times }, summary: 'done' };
        }),
      );
      const first = run(pipelines, [plan('work', 'slow')]);
      await begun.opened;
      const second = run(pipelines, [plan('work', 'slow')]);
      const third = await pipelines.submit({ pipeline: 'test', reason: 'a test', by: ada, parameters: {}, steps: [plan('work', 'slow')] });
      assert.equal((await pipelines.cancel(third.id, ada)).state, 'cancelled', 'who waits can be cancelled');
      goOn.open();
      assert.deepEqual([states(await first), states(await second), times], [{ work: 'succeeded' }, { work: 'cached' }, 1]);
    });

    test('reuse what was done with the same inputs, say so, and do it again when they differ, when it is gone, or when told to', async () => {
      const pipelines = open('a');
      let runs = 0;
      let isThere = true;
      const work = async (context: StepContext): Promise<StepResult> =>
        Promise.resolve({ outputs: { value: Number(context.parameters['x']), run: ++runs }, summary: `run ${runs}` });
      pipelines.register(handler('work', work, { stillThere: () => Promise.resolve(isThere) }));
      const first = await run(pipelines, [plan('a', 'work', { parameters: { x: 1 } })]);
      const again = await run(pipelines, [plan('renamed', 'work', { parameters: { x: 1 } })]);
      assert.deepEqual(
        [again.steps[0].state, again.steps[0].outputs, again.steps[0].summary, again.steps[0].attempt],
        ['cached', { value: 1, run: 1 }, 'run 1', 0],
      );
      assert.equal(again.steps[0].reusedFrom, first.steps[0].id);
      assert.equal(states(await run(pipelines, [plan('a', 'work', { parameters: { x: 2 } })]))['a'], 'succeeded');
      assert.equal(states(await run(pipelines, [plan('a', 'work', { parameters: { x: 1 }, seed: 5 })]))['a'], 'succeeded');
      assert.equal(states(await run(pipelines, [plan('a', 'work', { parameters: { x: 1 } })], { fresh: true }))['a'], 'succeeded');
      isThere = false;
      assert.equal(states(await run(pipelines, [plan('a', 'work', { parameters: { x: 1 } })]))['a'], 'succeeded');
      assert.equal(runs, 5);
    });

    test('are not reused after their handler got another version', async () => {
      const work = (): Promise<StepResult> => Promise.resolve({ outputs: {}, summary: 'done' });
      const before = open('a');
      before.register(handler('work', work));
      await run(before, [plan('a', 'work')]);
      const after = open('b');
      after.register(handler('work', work, { version: '2' }));
      assert.equal(states(await run(after, [plan('a', 'work')]))['a'], 'succeeded');
    });

    test('try again after an error that may pass, and not after one that will not', async () => {
      const pipelines = open('a');
      const codes = ['UNAVAILABLE', 'INVALID_ARGUMENT'] as const;
      for (const code of codes) {
        pipelines.register(
          handler(code, (context) =>
            context.attempt < 3 ? Promise.reject(new GyreError(code, 'not now')) : Promise.resolve({ outputs: {}, summary: 'at last' }),
          ),
        );
      }
      const ended = await run(
        pipelines,
        codes.map((code) => plan(code, code, { retries: 2 })),
      );
      assert.deepEqual(
        ended.steps.map(({ state, attempt, error }) => [state, attempt, error]),
        [
          ['succeeded', 3, undefined],
          ['failed', 1, 'not now'],
        ],
      );
    });

    test('end as failed when a step fails: what waits for it is skipped, the rest is done', async () => {
      const pipelines = open('a');
      pipelines.register(handler('good', () => Promise.resolve({ outputs: {}, summary: 'good' })));
      pipelines.register(handler('bad', () => Promise.reject(new GyreError('FAILED_PRECONDITION', 'the target has one class'))));
      const ended = await run(pipelines, [
        plan('broken', 'bad'),
        plan('child', 'good', { after: ['broken'] }),
        plan('grandchild', 'good', { after: ['child'], parameters: { x: 1 } }),
        plan('other', 'good', { parameters: { x: 2 } }),
      ]);
      assert.equal(ended.state, 'failed');
      assert.deepEqual(states(ended), { broken: 'failed', child: 'skipped', grandchild: 'skipped', other: 'succeeded' });
      assert.equal(ended.steps[0].error, 'the target has one class');
      assert.match(String(ended.steps[1].error), /"broken" did not succeed/);
    });

    test('stop when they are cancelled: the running step is told, the others never start', async () => {
      const pipelines = open('a');
      const started = latch();
      pipelines.register(
        handler('long', (context) => {
          started.open();
          return untilStopped(context);
        }),
      );
      const { id } = await pipelines.submit({
        pipeline: 'test',
        reason: 'a test',
        by: ada,
        parameters: {},
        steps: [plan('a', 'long'), plan('b', 'long', { after: ['a'] })],
      });
      await started.opened;
      const ended = await pipelines.cancel(id, { identity: 'id-bea', name: 'bea' });
      assert.equal(ended.state, 'cancelled');
      assert.deepEqual(states(ended), { a: 'cancelled', b: 'cancelled' });
      const last = (await events.read({ types: ['dev.gyre.pipeline_run.finished.v1'] })).at(-1);
      assert.equal(last?.actor, 'id-bea');
      assert.equal((await pipelines.cancel(id, ada)).state, 'cancelled');
    });

    test('of a process that closed are resumed by the next: finished steps stay, the one that was cut off is run again', async () => {
      const started = latch();
      const before = open('a');
      let firsts = 0;
      const first = handler('first', () => Promise.resolve({ outputs: { value: ++firsts }, summary: 'first' }));
      before.register(first);
      before.register(
        handler('second', (context) => {
          started.open();
          return untilStopped(context);
        }),
      );
      const { id } = await before.submit({
        pipeline: 'test',
        reason: 'a test',
        by: ada,
        parameters: {},
        steps: [plan('one', 'first'), plan('two', 'second', { inputs: { value: { step: 'one', output: 'value' } } })],
      });
      await started.opened;
      await before[Symbol.asyncDispose]();
      assert.equal((await before.get(id)).endedAt, undefined);

      const after = open('b');
      after.register(first);
      after.register(
        handler('second', ({ inputs, attempt }) => Promise.resolve({ outputs: { value: inputs['value'], attempt }, summary: 'second' })),
      );
      assert.deepEqual(await after.resume(), [id]);
      const ended = await after.wait(id);
      assert.equal(ended.state, 'succeeded');
      assert.deepEqual(ended.steps[1].outputs, { value: 1, attempt: 2 });
      assert.equal(firsts, 1);
      assert.equal((await events.read({ types: ['dev.gyre.pipeline_run.finished.v1'] })).length, 1);
    });

    test('of an owner whose heart stopped are taken over; when it wakes it writes nothing more', async () => {
      const clock = manualClock(1_000_000);
      const [started, go] = [latch(), latch()];
      const sleeper = open('sleeper', { clock, leaseMs: 10_000 });
      sleeper.register(
        handler('work', async () => {
          started.open();
          await go.opened;
          return { outputs: { by: 'sleeper' }, summary: 'late' };
        }),
      );
      const { id } = await sleeper.submit({ pipeline: 'test', reason: 'a test', by: ada, parameters: {}, steps: [plan('a', 'work')] });
      await started.opened;
      const other = open('other', { clock, leaseMs: 10_000 });
      other.register(handler('work', () => Promise.resolve({ outputs: { by: 'other' }, summary: 'in time' })));
      assert.deepEqual(await other.resume(), []);
      clock.advance(10_001);
      assert.deepEqual(await other.resume(), [id]);
      assert.equal((await other.wait(id)).state, 'succeeded');
      go.open();
      await sleeper[Symbol.asyncDispose]();
      assert.deepEqual((await other.get(id)).steps[0].outputs, { by: 'other' });
      assert.equal((await events.read({ types: ['dev.gyre.step_run.finished.v1'] })).length, 1);
    });

    test('of a process that was killed with -9 go on in the next one', { timeout: 60_000 }, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gyre-killed-'));
      try {
        const child = spawn(
          process.execPath,
          [fileURLToPath(new URL('./killed-process.ts', import.meta.url)), JSON.stringify(made.options), folder],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
        const id = line.trim();
        child.kill('SIGKILL');
        await once(child, 'exit');

        const after = open('next', { exclusive: true });
        registerKilledSteps(after, folder, () => undefined);
        assert.deepEqual(await after.resume(), [id]);
        const ended = await after.wait(id);
        assert.equal(ended.state, 'succeeded');
        assert.deepEqual(
          ended.steps.map(({ step, attempt }) => [step, attempt]),
          [
            ['first', 1],
            ['second', 2],
            ['third', 1],
          ],
        );
        assert.deepEqual((await readFile(join(folder, 'done.txt'), 'utf8')).trim().split('\n'), [
          'first',
          'second began',
          'second began',
          'second',
          'third',
        ]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test('tell those who watch how far they are, and keep what steps wrote', async () => {
      const pipelines = open('a');
      const seen: PipelineSignal[] = [];
      pipelines.watch(() => {
        throw new Error('a watcher that fails harms nobody');
      });
      const stop = pipelines.watch((signal) => seen.push(signal));
      pipelines.register(
        handler('talk', (context) => {
          context.log('hello');
          context.progress(1, 2, 'half');
          return Promise.resolve({ outputs: {}, summary: 'said' });
        }),
      );
      const ended = await run(pipelines, [plan('a', 'talk')]);
      assert.deepEqual(
        seen.map((signal) => (signal.kind === 'step' || signal.kind === 'run' ? `${signal.kind} ${signal.state}` : signal.kind)),
        ['step running', 'log', 'progress', 'step succeeded', 'run succeeded'],
      );
      assert.deepEqual(await pipelines.logs(ended.id, 'a'), ['hello']);
      stop();
      await run(pipelines, [plan('a', 'talk')]);
      assert.equal(seen.length, 5);
    });

    test('are listed newest first, page by page, each run once', async () => {
      const clock: Clock = manualClock(5);
      const pipelines = open('a', { clock });
      pipelines.register(handler('work', () => Promise.resolve({ outputs: {}, summary: 'done' })));
      const ids: string[] = [];
      for (let count = 0; count < 5; count++) ids.unshift((await run(pipelines, [plan('a', 'work')])).id);
      const pages: string[][] = [];
      let after: string | undefined;
      do {
        const { items, next } = await pipelines.list({ limit: 2, ...(after === undefined ? {} : { after }) });
        pages.push(items.map(({ id }) => id));
        after = next;
      } while (after !== undefined);
      assert.deepEqual(
        pages.map((page) => page.length),
        [2, 2, 1],
      );
      assert.deepEqual(pages.flat(), ids);
      assert.deepEqual((await pipelines.list({ limit: 9, state: 'failed' })).items, []);
    });

    test('are refused when they cannot be run, with the step that makes them so', async () => {
      const pipelines = open('a');
      pipelines.register(handler('work', () => Promise.resolve({ outputs: {}, summary: 'done' })));
      const refused = async (steps: readonly StepPlan[], words: RegExp): Promise<void> => {
        await assert.rejects(run(pipelines, steps), (error) => hasCode(error, 'INVALID_ARGUMENT') && words.test(error.message));
      };
      await refused([], /no step/);
      await refused([plan('a', 'work'), plan('a', 'work')], /two steps are named "a"/);
      await refused([plan('a', 'play')], /kind "play".*there are work/);
      await refused([plan('a', 'work', { after: ['b'] })], /waits for "b"/);
      await refused([plan('a', 'work', { after: ['b'] }), plan('b', 'work', { after: ['a'] })], /wait for each other/);
      await assert.rejects(pipelines.get('none'), (error) => hasCode(error, 'NOT_FOUND'));
      const missing = await run(pipelines, [plan('a', 'work'), plan('b', 'work', { inputs: { x: { step: 'a', output: 'y' } } })]);
      assert.match(String(missing.steps[1].error), /takes "y" of step "a", which left nothing/);
    });
  });
}

/** The steps of the process that is killed and of the one after it: three in a row, of which the second hangs at its first try. */
export function registerKilledSteps(pipelines: Pipelines, folder: string, onHang: (context: StepContext) => void): void {
  const note = (line: string): Promise<void> => appendFile(join(folder, 'done.txt'), `${line}\n`);
  const simple = async (context: StepContext): Promise<StepResult> => {
    await note(context.step);
    return { outputs: { ok: true }, summary: context.step };
  };
  pipelines.register(handler('simple', simple));
  pipelines.register(
    handler('hanging', async (context) => {
      await note(`${context.step} began`);
      if (context.attempt === 1) {
        onHang(context);
        return untilStopped(context);
      }
      return simple(context);
    }),
  );
}
