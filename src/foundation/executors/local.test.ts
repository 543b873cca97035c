import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#core';
import { assertGone, executorContract } from './contract.ts';
import { openLocalExecutor } from './index.ts';

const environment = { PATH: process.env['PATH'], SECRET_TOKEN: 'gyre_secret', ALLOWED: 'yes' };

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gyre-executor-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

executorContract('The local executor', async () => {
  const temporary = await folder();
  const executor = await openLocalExecutor({ dir: temporary.path, clock: systemClock, environment, graceMs: 30 });
  return {
    executor,
    [Symbol.asyncDispose]: async () => {
      await executor[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
});

describe('the local executor', () => {
  test('remembers ended jobs and their logs after it was closed', async () => {
    await using temporary = await folder();
    const options = { dir: join(temporary.path, 'jobs'), clock: systemClock, environment, graceMs: 30 };
    {
      await using executor = await openLocalExecutor(options);
      await executor.submit({ id: 'done', cwd: temporary.path, command: 'echo kept; exit 4' });
      await executor.wait('done');
      await executor.submit({ id: 'open', cwd: temporary.path, command: 'sleep 600' });
    }
    await using executor = await openLocalExecutor(options);
    assert.partialDeepStrictEqual(await executor.status('done'), { state: 'failed', exitCode: 4 });
    assert.equal((await executor.status('open')).state, 'cancelled');
    assert.equal(Buffer.concat(await Array.fromAsync(executor.logs('done'))).toString(), 'kept\n');
  });

  test(
    'stops what a killed owner left running, also when it left its process group, and calls it lost',
    { skip: process.platform === 'linux' ? false : 'needs /proc' },
    async () => {
      await using temporary = await folder();
      const dir = join(temporary.path, 'jobs');
      const program = `
      import { openLocalExecutor } from ${JSON.stringify(fileURLToPath(new URL('./index.ts', import.meta.url)))};
      const clock = { now: () => 1000 };
      const executor = await openLocalExecutor({ dir: ${JSON.stringify(dir)}, clock, environment: process.env });
      await executor.submit({ id: 'orphan', cwd: ${JSON.stringify(temporary.path)}, command: 'setsid sleep 600 & echo $! > escaped; echo $$ > leader; echo ready; sleep 600' });
      for await (const chunk of executor.logs('orphan', { follow: true })) if (Buffer.from(chunk).includes('ready')) process.stdout.write('ready');
    `;
      const owner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(owner.stdout, 'data');
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      await using executor = await openLocalExecutor({ dir, clock: systemClock, environment });
      const status = await executor.status('orphan');
      assert.ok(status.state === 'lost' && status.startedAt === 1000, JSON.stringify(status));
      assert.match(status.message, /have been stopped/);
      for (const name of ['leader', 'escaped']) await assertGone(Number(await readFile(join(temporary.path, name), 'utf8')));
    },
  );
});
