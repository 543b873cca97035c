import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { type PlaneCommand, type PlaneProcess, startPlane } from './plane-process.ts';

/** A plane that does as its program says; what it wrote and how it ended are kept. */
function plane(
  program: string,
  options: Partial<PlaneCommand> = {},
): { starting: Promise<PlaneProcess>; said: string[]; ended: Promise<number | null> } {
  const said: string[] = [];
  const ended = Promise.withResolvers<number | null>();
  const starting = startPlane({
    command: process.execPath,
    args: ['-e', program],
    env: {},
    onLog: (line) => said.push(line),
    onExit: ended.resolve,
    ...options,
  });
  return { starting, said, ended: ended.promise };
}

const ready = `const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n'); say({ event: 'ready', address: 'http://127.0.0.1:1' });`;
const echo = `${ready} require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => say({ ...JSON.parse(line), ok: true }));`;

describe('the process of a data plane', () => {
  test('that ends instead of starting is reported with its own words', async () => {
    await assert.rejects(
      plane(`process.stderr.write('first\\nthe port is taken\\n', () => process.exit(1))`).starting,
      (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message === 'the data plane did not start: the port is taken',
    );
    await assert.rejects(
      plane(
        `process.stderr.write('noise\\n'); console.log(JSON.stringify({ event: 'failed', code: 'DATA_LOSS', reason: 'a blob is corrupt' })); process.exitCode = 1`,
      ).starting,
      /did not start: a blob is corrupt/,
    );
    await assert.rejects(plane('process.exit(0)').starting, /did not start: it said nothing/);
  });

  test('that cannot be run, or says nothing in time, is unavailable', async () => {
    await assert.rejects(
      plane('', { command: '/nowhere/at/all' }).starting,
      (error) => hasCode(error, 'UNAVAILABLE') && /could not be run/.test(error.message),
    );
    await assert.rejects(
      plane('setInterval(() => {}, 1000)', { startTimeoutMs: 200 }).starting,
      (error) => hasCode(error, 'UNAVAILABLE') && /did not start within 200 ms/.test(error.message),
    );
  });

  test('may print what is no answer without harm, and answers each question by its id', async () => {
    const { starting, said } = plane(`process.stdout.write('a library says hello\\n"text"\\n'); ${echo}`);
    const running = await starting;
    const [flush, stats] = await Promise.all([running.ask('flush'), running.ask('stats')]);
    assert.deepEqual([flush['op'], stats['op']], ['flush', 'stats']);
    assert.deepEqual(said, ['a library says hello', '"text"']);
    await running.stop();
  });

  test('that dies leaves no question open and is told of, with its exit code', async () => {
    const { starting, ended } = plane(`${ready} process.stdin.once('data', () => process.exit(3));`);
    const running = await starting;
    await assert.rejects(
      running.ask('reload', { manifest: 'manifest.json', back: false }),
      (error) => hasCode(error, 'UNAVAILABLE') && /exit code 3/.test(error.message),
    );
    assert.equal(await ended, 3);
    await assert.rejects(running.ask('flush'), (error) => hasCode(error, 'UNAVAILABLE'));
    await running.stop();
  });

  test('that does not answer is ended, since nobody knows what it serves', async () => {
    const { starting, ended } = plane(`${ready} process.stdin.resume();`, { answerTimeoutMs: 100 });
    const running = await starting;
    await assert.rejects(
      running.ask('reload'),
      (error) => hasCode(error, 'UNAVAILABLE') && /did not answer "reload" within 100 ms/.test(error.message),
    );
    assert.equal(await ended, null);
  });

  test('is stopped by force when it will not end, and its end is not taken for a death', async () => {
    let deaths = 0;
    const { starting } = plane(`process.on('SIGTERM', () => {}); ${ready} setInterval(() => {}, 1000);`, {
      stopTimeoutMs: 100,
      onExit: () => {
        deaths += 1;
      },
    });
    const running = await starting;
    await running.stop();
    assert.throws(() => process.kill(running.pid, 0));
    assert.equal(deaths, 0);
  });
});
