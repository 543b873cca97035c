import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BatchPrediction, BatchSchedule, Problem } from '#contract';
import { samplePackage } from '#serving';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

type Role = keyof Bench['tokens'];

describe('batch predictions by the clock', () => {
  let bench: Bench;
  const rows = 300;
  let [input, text, personal] = ['', '', ''];
  const ask = async <T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, role: Role, body?: object, status = 200): Promise<T> => {
    const response = await bench.ask(`/api/v1/batch-schedules${path}`, {
      method,
      token: bench.tokens[role],
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    assert.equal(response.status, status, text);
    return JSON.parse(text) as T;
  };
  const refused = async (status: number, said: RegExp, name: string, body: object, role: Role = 'data-scientist'): Promise<void> => {
    const { detail } = await ask<Problem>('PUT', `/${name}`, role, body, status);
    assert.match(detail, said);
  };
  const request = () => ({ model: 'churn@serving', input: `dataset:${input}`, columns: ['id'] });
  const at = (text: string): void => bench.clock.set(Date.parse(text));
  /** What is due now, when it has ended. */
  const due = async (): Promise<readonly BatchPrediction[]> => {
    const ids = await bench.deps.batchSchedules.tick();
    return Promise.all(ids.map((id) => bench.deps.batches.wait(id)));
  };

  before(async () => {
    const { files } = samplePackage();
    bench = await openBench({
      kept: { filesAt: () => Promise.resolve({ files: files.map(({ path, digest, size }) => ({ path, digest, size })) }) },
    });
    for (const { bytes } of files) await bench.blobs.put(bytes);
    const by = { identity: 'test', name: 'test' };
    const { data, registry, project } = bench.deps;
    const { version } = await registry.registerVersion({ model: 'churn', makesModel: true, source: 'kept', by });
    await registry.setAlias({ model: 'churn', version, alias: 'serving', by });
    const lines = Array.from({ length: rows }, (_, i) => `${i},${i % 73},${20 + (i % 100)},${i % 3 === 0},One year`);
    text = ['id,tenure,charges,senior,contract', ...lines, ''].join('\n');
    const path = join(project.current().folder, 'rows.csv');
    await writeFile(path, text);
    input = (await data.ingest({ dataset: 'rows', path, key: 'id', by })).version.digest;
    const contacts = join(project.current().folder, 'contacts.csv');
    const contact = (line: string, at: number): string => `${line},${at === 0 ? 'contact' : `person${at}@example.org`}`;
    await writeFile(contacts, `${text.trimEnd().split('\n').map(contact).join('\n')}\n`);
    personal = (await data.ingest({ dataset: 'contacts', path: contacts, key: 'id', by })).version.digest;
    at('2027-03-26T12:00:00Z');
  });
  after(() => bench[Symbol.asyncDispose]());

  test('a business user sets one; it is predicted when it is due, by that person, as a dataset version, once', async () => {
    const set = await ask<BatchSchedule>('PUT', '/nightly', 'business-user', {
      cron: '30 2 * * *',
      timezone: 'Europe/Rome',
      request: { ...request(), output: 'scores-{date}-{time}.csv', dataset: 'nightly-scores' },
    });
    assert.partialDeepStrictEqual(set, { name: 'nightly', from: 'people', paused: false, nextDue: '2027-03-27T01:30:00.000Z' });
    assert.equal(set.by?.name, 'the-business-user');
    assert.deepEqual(await due(), []);
    at('2027-03-27T01:30:00Z');
    const [prediction, ...others] = await due();
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(prediction, {
      state: 'finished',
      schedule: { name: 'nightly', due: '2027-03-27T01:30:00.000Z', until: '2027-03-27T01:30:00.000Z' },
      reason: 'schedule "30 2 * * *" of "nightly", due 2027-03-27T01:30:00.000Z',
      by: { name: 'the-business-user' },
      dataset: { name: 'nightly-scores' },
    });
    assert.equal(prediction.rows, rows);
    // half past two in Rome
    const written = await readFile(join(bench.deps.project.current().folder, 'scores-2027-03-27-0230.csv'), 'utf8');
    assert.match(written, /^id,prediction_label/);
    assert.equal(written.trimEnd().split('\n').length, rows + 1);
    assert.deepEqual(await due(), [], 'once');
    // clocks go from two to three: what is due at half past two is due as soon as they have
    const [listed] = (await ask<{ items: BatchSchedule[] }>('GET', '', 'stakeholder')).items;
    assert.partialDeepStrictEqual(listed, {
      lastState: 'finished',
      lastRun: prediction.id,
      lastDue: '2027-03-27T01:30:00.000Z',
      nextDue: '2027-03-28T01:00:00.000Z',
    });
    const begun = await bench.ask('/api/v1/batch-predictions?schedule=nightly', { token: bench.tokens.stakeholder });
    assert.equal(((await begun.json()) as { items: unknown[] }).items.length, 1);
  });

  test('runs that nobody was there to start are made up for by one, and paused it makes up for nothing', async () => {
    at('2027-04-02T12:00:00Z');
    const [prediction, ...others] = await due();
    assert.deepEqual(others, []);
    assert.match(prediction.reason ?? '', /due 2027-04-02T00:30:00.000Z; it also makes up for 5 runs missed since 2027-03-28T01:00/);
    assert.equal((await ask<BatchSchedule>('POST', '/nightly/pause', 'operator')).paused, true);
    at('2027-04-05T12:00:00Z');
    assert.deepEqual(await due(), []);
    assert.equal((await ask<BatchSchedule>('POST', '/nightly/resume', 'business-user')).nextDue, '2027-04-06T00:30:00.000Z');
    assert.deepEqual(await due(), []);
    const run = await ask<BatchPrediction>('POST', '/nightly/run', 'operator', undefined, 202);
    assert.equal(run.by.name, 'the-operator');
    assert.equal((await bench.deps.batches.wait(run.id)).state, 'finished');
  });

  test('{since} is where the last run that finished ended, whatever failed between', async () => {
    const body = { cron: '0 * * * *', request: { ...request(), input: 'rows-{since}-{until}.csv' } };
    const name = (from: string, to: string): string => `rows-${from}.000Z-${to}.000Z.csv`;
    const bring = async (file: string): Promise<void> => {
      const { folder } = bench.deps.project.current();
      await writeFile(join(folder, file), text);
    };
    await ask('PUT', '/hourly', 'business-user', body);
    await bring(name('1970-01-01T00:00:00', '2027-04-05T13:00:00'));
    at('2027-04-05T13:00:00Z');
    const [first] = await due();
    assert.equal(first.state, 'finished', first.error ?? '');
    at('2027-04-05T14:00:00Z');
    assert.deepEqual(await due(), []);
    const failed = await ask<BatchSchedule>('GET', '/hourly', 'business-user');
    assert.match(failed.error ?? '', /there is no file .*rows-2027-04-05T13:00:00.000Z-2027-04-05T14:00:00.000Z.csv/);
    await bring(name('2027-04-05T13:00:00', '2027-04-05T15:00:00'));
    at('2027-04-05T15:00:00Z');
    const [second] = await due();
    assert.equal(second.request.input, name('2027-04-05T13:00:00', '2027-04-05T15:00:00'));
    assert.equal(second.state, 'finished', second.error ?? '');
    assert.equal((await ask<BatchSchedule>('DELETE', '/hourly', 'business-user')).name, 'hourly');
    await ask('GET', '/hourly', 'business-user', undefined, 404);
  });

  test('what cannot be run again and again, or may not be, is refused when it is set', async () => {
    const body = { cron: '0 6 * * *', request: request() };
    await refused(403, /permission "predict" is needed/, 'mine', body, 'stakeholder');
    await refused(
      403,
      /takes permission "build": name what is live/,
      'mine',
      { ...body, request: { ...request(), model: 'churn' } },
      'business-user',
    );
    await refused(400, /"0 6 \* \*" is no schedule/, 'mine', { ...body, cron: '0 6 * *' });
    await refused(400, /is never due/, 'mine', { ...body, cron: '0 0 30 2 *' });
    await refused(400, /"Europe\/Rom" is no time zone/, 'mine', { ...body, timezone: 'Europe/Rom' });
    const to = (output: string, more: object = {}): object => ({ ...body, request: { ...request(), output, ...more } });
    await refused(400, /the second would find what the first left/, 'mine', to('scores.csv'));
    await refused(400, /"\{day\}" in output stands for nothing: \{date\}, \{time\}/, 'mine', to('scores-{day}.csv'));
    await refused(403, /is not in the project’s folder/, 'mine', to('../scores-{date}.csv'));
    await refused(
      400,
      /an address in a request has no password/,
      'mine',
      to('postgres://a:b@example.org/x', { toTable: 't', existing: 'append' }),
    );
    await refused(404, /"nobody"/, 'mine', { ...body, request: { ...request(), model: 'nobody@serving' } });
    await ask('PUT', '/mine', 'data-scientist', to('scores.csv', { existing: 'replace' }));
    await ask('DELETE', '/mine', 'data-scientist');
    assert.deepEqual(
      (await ask<{ items: BatchSchedule[] }>('GET', '', 'stakeholder')).items.map(({ name }) => name),
      ['nightly'],
    );
  });

  test('columns that somebody may not see are not written to a place of their choice', async () => {
    const body = (more: object): object => ({
      cron: '0 6 * * *',
      request: { model: 'churn@serving', input: `dataset:${personal}`, output: 'contacts-{date}.csv', ...more },
    });
    await refused(403, /"contact" is personal, and only a data steward/, 'contacts', body({}), 'business-user');
    await ask('PUT', '/contacts', 'business-user', body({ columns: ['id'] }));
    await ask('DELETE', '/contacts', 'business-user');
  });

  test('it has the rights that whoever set it has when it is due, and says when they are gone', async () => {
    const { access } = bench.deps;
    await access.setRoles('the-business-user', ['stakeholder'], { identity: 'test', name: 'test' });
    at('2027-04-06T00:30:00Z');
    assert.deepEqual(await due(), []);
    const { error, nextDue } = await ask<BatchSchedule>('GET', '/nightly', 'stakeholder');
    assert.match(error ?? '', /permission "predict" is needed.*"the-business-user" has the role stakeholder/);
    assert.equal(nextDue, '2027-04-07T00:30:00.000Z');
    await access.disableIdentity('the-business-user', { identity: 'test', name: 'test' });
    at('2027-04-07T00:30:00Z');
    assert.deepEqual(await due(), []);
    assert.match((await ask<BatchSchedule>('GET', '/nightly', 'stakeholder')).error ?? '', /who set this schedule, is disabled/);
    const told = (await bench.deps.events.read({ limit: 1000 })).map(({ type }) => type.replace(/^dev\.gyre\.|\.v1$/g, ''));
    for (const [kind, count] of [
      ['batch_schedule.set', 4],
      ['batch_schedule.removed', 3],
      ['batch_schedule.paused', 1],
      ['batch_schedule.resumed', 1],
      ['batch_schedule.failed', 3],
      ['batch_schedule.started', 5],
    ] as const)
      assert.equal(told.filter((each) => each === kind).length, count, kind);
  });

  test('what a process had begun for an instant before it died is taken over, and not begun again', async () => {
    await ask('DELETE', '/nightly', 'operator');
    await ask('PUT', '/yearly', 'data-scientist', { cron: '0 12 1 5 *', request: request() });
    const { batches } = bench.deps;
    const instant = '2027-05-01T12:00:00.000Z';
    const by = { identity: 'test', name: 'test' };
    const begun = await batches.start({ body: request(), by, schedule: { name: 'yearly', due: instant, until: instant } });
    at(instant);
    assert.deepEqual(await bench.deps.batchSchedules.tick(), [begun.id]);
    assert.equal((await batches.wait(begun.id)).state, 'finished');
    assert.equal((await batches.list({ schedule: 'yearly' })).items.length, 1);
    assert.equal((await ask<BatchSchedule>('GET', '/yearly', 'stakeholder')).lastRun, begun.id);
  });
});
