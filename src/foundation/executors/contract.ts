import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { Executor, JobSpec, JobStream } from './port.ts';

export interface ExecutorFixture extends AsyncDisposable {
  readonly executor: Executor;
}

/** What every executor promises. Jobs run `node`, which is on the PATH of whoever tests, and `/bin/sh`. */
export function executorContract(name: string, prepare: () => Promise<ExecutorFixture>): void {
  describe(`${name} keeps the executor's contract`, () => {
    let fixture: ExecutorFixture;
    let executor: Executor;
    let cwd: string;
    beforeEach(async () => {
      cwd = await realpath(await mkdtemp(join(tmpdir(), 'gyre-job-')));
      fixture = await prepare();
      ({ executor } = fixture);
    });
    afterEach(async () => {
      await fixture[Symbol.asyncDispose]();
      await rm(cwd, { recursive: true, force: true });
    });

    const read = async (id: string, stream: JobStream = 'stdout', follow = true): Promise<string> => {
      const chunks = await Array.fromAsync(executor.logs(id, { stream, follow }));
      return Buffer.concat(chunks).toString();
    };
    const run = async (spec: Omit<JobSpec, 'cwd'>) => {
      await executor.submit({ cwd, ...spec });
      return executor.wait(spec.id);
    };
    /** Runs until it is told to stop by a file; says `ready` first. */
    const longRunning = 'echo ready; exec sleep 600';
    const untilReady = async (id: string): Promise<void> => {
      for await (const chunk of executor.logs(id, { follow: true })) if (Buffer.from(chunk).includes('ready')) return;
    };

    test('the exit code decides', async () => {
      assert.partialDeepStrictEqual(await run({ id: 'good', command: 'exit 0' }), { state: 'succeeded', exitCode: 0 });
      assert.partialDeepStrictEqual(await run({ id: 'bad', command: 'exit 3' }), { state: 'failed', exitCode: 3, code: 'INTERNAL' });
      assert.partialDeepStrictEqual(await executor.status('bad'), { state: 'failed', exitCode: 3 });
    });

    test('a signal that ended the job is named', async () => {
      assert.partialDeepStrictEqual(await run({ id: 'shot', command: 'kill -9 $$' }), { state: 'failed', signal: 'SIGKILL' });
    });

    test('both streams are kept apart, to the last byte', async () => {
      await run({ id: 'talks', command: 'printf out; printf err >&2; printf more' });
      assert.equal(await read('talks'), 'outmore');
      assert.equal(await read('talks', 'stderr'), 'err');
      assert.equal(Buffer.concat(await Array.fromAsync(executor.logs('talks', { from: 3 }))).toString(), 'more');
    });

    test('a large output is kept whole', async () => {
      await run({
        id: 'much',
        command:
          'i=0; while [ $i -lt 3000 ]; do echo "line $i of a long output that fills more than one piece ................"; i=$((i+1)); done',
      });
      const lines = (await read('much')).trimEnd().split('\n');
      assert.equal(lines.length, 3000);
      assert.match(lines[2999], /^line 2999 /);
    });

    test('output can be followed while the job runs', async () => {
      await executor.submit({ id: 'step', cwd, command: 'echo one; while [ ! -e go ]; do sleep 0.02; done; echo two' });
      let text = '';
      for await (const chunk of executor.logs('step', { follow: true })) {
        text += Buffer.from(chunk).toString();
        if (text === 'one\n') await executor.submit({ id: 'go', cwd, command: 'touch go' });
      }
      assert.equal(text, 'one\ntwo\n');
    });

    test('arguments reach the program as they are, without a shell', async () => {
      await run({ id: 'args', command: ['printf', '%s|', '$HOME', 'a b', '; exit 1', '*'] });
      assert.equal(await read('args'), '$HOME|a b|; exit 1|*|');
    });

    test('runs in its own folder', async () => {
      await run({ id: 'where', command: 'pwd; echo left > here.txt' });
      assert.equal((await read('where')).trim(), cwd);
      assert.equal(await readFile(join(cwd, 'here.txt'), 'utf8'), 'left\n');
    });

    test('sees the environment that it was given, and none of our secrets', async () => {
      await run({ id: 'env', command: 'env', env: { GYRE_SEED: '7' }, inheritEnv: ['ALLOWED'] });
      const names = (await read('env')).split('\n').map((line) => line.split('=')[0]);
      assert.ok(names.includes('GYRE_SEED') && names.includes('PATH') && names.includes('ALLOWED'), names.join());
      assert.ok(!names.includes('SECRET_TOKEN'), names.join());
    });

    test('a program that is not there is a job that failed', async () => {
      assert.partialDeepStrictEqual(await run({ id: 'none', command: ['no-such-program-anywhere'] }), {
        state: 'failed',
        code: 'NOT_FOUND',
      });
    });

    test('one that runs too long is stopped with DEADLINE_EXCEEDED', async () => {
      assert.partialDeepStrictEqual(await run({ id: 'slow', command: longRunning, timeoutMs: 50 }), {
        state: 'failed',
        code: 'DEADLINE_EXCEEDED',
      });
    });

    test('cancelling stops it and its children, also those that do not listen', async () => {
      const command = 'trap "" TERM; (trap "" TERM; sleep 600) & echo $! > child; echo ready; wait; sleep 600';
      await executor.submit({ id: 'deaf', cwd, command });
      await untilReady('deaf');
      const child = Number(await readFile(join(cwd, 'child'), 'utf8'));
      await executor.cancel('deaf');
      assert.partialDeepStrictEqual(await executor.status('deaf'), { state: 'cancelled' });
      await assertGone(child);
      await executor.cancel('deaf');
    });

    test('what a job leaves in the background goes with it', async () => {
      await run({ id: 'litters', command: 'sleep 600 & echo $! > child' });
      await assertGone(Number(await readFile(join(cwd, 'child'), 'utf8')));
    });

    test('watching tells each state, and ends', async () => {
      await executor.submit({ id: 'seen', cwd, command: longRunning });
      const states: string[] = [];
      for await (const { state } of executor.watch('seen')) {
        states.push(state);
        if (state === 'running') void executor.cancel('seen');
      }
      assert.deepEqual(states, ['running', 'cancelled']);
      assert.deepEqual(
        (await Array.fromAsync(executor.watch('seen'))).map(({ state }) => state),
        ['cancelled'],
      );
    });

    test('watching and following end with their signal', async () => {
      await executor.submit({ id: 'on', cwd, command: longRunning });
      const stop = new AbortController();
      const watching = Array.fromAsync(executor.watch('on', stop.signal));
      const following = Array.fromAsync(executor.logs('on', { follow: true, signal: stop.signal }));
      await untilReady('on');
      stop.abort();
      assert.equal((await watching).length, 1);
      assert.ok((await following).length <= 1);
      assert.equal((await executor.status('on')).state, 'running');
    });

    test('ids are used once, and forgotten with their logs', async () => {
      await run({ id: 'once', command: 'true' });
      await assert.rejects(executor.submit({ id: 'once', cwd, command: 'true' }), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await executor.remove('once');
      await assert.rejects(executor.status('once'), (error) => hasCode(error, 'NOT_FOUND'));
      await run({ id: 'once', command: 'true' });
      await executor.submit({ id: 'busy', cwd, command: longRunning });
      await assert.rejects(executor.remove('busy'), (error) => hasCode(error, 'FAILED_PRECONDITION'));
      assert.deepEqual((await executor.list()).map(({ id }) => id).toSorted(), ['busy', 'once']);
    });

    test('what cannot be run anywhere is INVALID_ARGUMENT', async () => {
      const good = { id: 'x', cwd, command: 'true' };
      const bad: JobSpec[] = [
        { ...good, id: '../up' },
        { ...good, id: '' },
        { ...good, cwd: join(cwd, 'missing') },
        { ...good, command: ' ' },
        { ...good, timeoutMs: 0 },
        { ...good, env: { 'A=B': '1' } },
      ];
      for (const spec of bad)
        await assert.rejects(executor.submit(spec), (error) => hasCode(error, 'INVALID_ARGUMENT'), JSON.stringify(spec));
    });

    test('an unknown job is NOT_FOUND', async () => {
      const notFound = (error: unknown) => hasCode(error, 'NOT_FOUND');
      await assert.rejects(executor.status('who'), notFound);
      await assert.rejects(executor.wait('who'), notFound);
      await assert.rejects(executor.cancel('who'), notFound);
      await assert.rejects(Array.fromAsync(executor.logs('who')), notFound);
    });
  });
}

/** Killed processes vanish as soon as somebody has waited for them, which for orphans is the machine's first process. */
export async function assertGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (state === undefined || / Z /.test(state)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`process ${pid} still runs`);
}
