import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { factsOf, textOf } from './entries.ts';
import type { Facts } from './entries.ts';
import { testRelay, trackingServer } from './testing.ts';
import type { TestRelay, TestServer } from './testing.ts';

const metric = (run: string, step: number): Facts => ({ run_id: run, key: 'loss', value: 1 / (step + 1), step, timestamp: 1000 + step });

async function newRun(relay: TestRelay, experiment = '0'): Promise<string> {
  const { status, body } = await relay.post('runs/create', { experiment_id: experiment, run_name: 'first', start_time: 5 });
  assert.equal(status, 200, JSON.stringify(body));
  return textOf(factsOf(factsOf(body['run'])['info'])['run_id']) ?? '';
}

async function delivered(relay: TestRelay): Promise<void> {
  while (!relay.relay.isCaughtUp) await new Promise((resolve) => setTimeout(resolve, 5));
}

function stepsOf(server: TestServer): readonly (readonly unknown[])[] {
  return [...server.runs.values()].map(({ metrics }) => metrics.map(({ step }) => step));
}

describe('a relay', () => {
  test('hands everything on while the server is there, its refusals too', async () => {
    await using server = await trackingServer(true);
    await using relay = await testRelay(server);
    const run = await newRun(relay);
    assert.equal((await relay.post('runs/log-metric', metric(run, 0))).status, 200);
    const refused = await relay.post('runs/log-metric', { run_id: run, key: 'loss', value: 'much' });
    assert.deepEqual([refused.status, refused.body['error_code']], [400, 'INVALID_PARAMETER_VALUE']);
    assert.deepEqual(stepsOf(server), [[0]]);
    assert.equal(relay.relay.status.delivered, 0, 'nothing had to be kept');
  });

  test('acknowledges while the server is away, and delivers all of it in order, once, under the ids that it gave', async () => {
    await using server = await trackingServer(true);
    await using relay = await testRelay(server);
    server.mood = 'gone';
    const { body: missing } = await relay.get('experiments/get-by-name?experiment_name=churn');
    assert.equal(missing['error_code'], 'RESOURCE_DOES_NOT_EXIST', 'so that a client makes it');
    const experiment = textOf((await relay.post('experiments/create', { name: 'churn' })).body['experiment_id']) ?? '';
    const run = await newRun(relay, experiment);
    for (let step = 0; step < 20; step++) assert.equal((await relay.post('runs/log-metric', metric(run, step))).status, 200);
    const { body } = await relay.get(`runs/get?run_id=${run}`);
    assert.deepEqual(factsOf(factsOf(body['run'])['data'])['metrics'], [{ key: 'loss', value: 0.05, step: 19, timestamp: 1019 }]);
    const uri = textOf(factsOf(factsOf(body['run'])['info'])['artifact_uri']) ?? '';
    assert.equal((await relay.post(`-artifacts/artifacts/${uri.replace('mlflow-artifacts:/', '')}/notes.txt`, 'a note')).status, 200);
    assert.equal(relay.relay.status.server, 'away');
    server.mood = 'up';
    await delivered(relay);
    assert.deepEqual([...server.runs.keys()], [run]);
    assert.deepEqual(stepsOf(server), [Array.from({ length: 20 }, (_, step) => step)]);
    assert.deepEqual(
      [...server.experiments],
      [
        ['0', 'Default'],
        ['1', 'churn'],
      ],
    );
    assert.deepEqual([...server.artifacts], [[`1/${run}/artifacts/notes.txt`, 'a note']]);
    assert.deepEqual([relay.relay.status.waiting, relay.relay.status.refused, relay.relay.status.server], [0, 0, 'up']);
    assert.deepEqual(await readdir(join(relay.folder, 'spool')), []);
  });

  test('puts its ids across where the server gives ids of its own', async () => {
    await using server = await trackingServer(false);
    await using relay = await testRelay(server);
    server.mood = 'gone';
    const experiment = textOf((await relay.post('experiments/create', { name: 'churn' })).body['experiment_id']) ?? '';
    const run = await newRun(relay, experiment);
    await relay.post('runs/log-metric', metric(run, 0));
    server.mood = 'up';
    await delivered(relay);
    const [theirs] = server.runs.keys();
    assert.notEqual(theirs, run);
    await relay.post('runs/log-metric', metric(run, 1));
    await relay.post(`-artifacts/artifacts/${experiment}/${run}/artifacts/notes.txt`, 'a note');
    assert.deepEqual(stepsOf(server), [[0, 1]]);
    assert.deepEqual([...server.artifacts.keys()], [`1/${theirs}/artifacts/notes.txt`]);
    const { info } = factsOf((await relay.get(`runs/get?run_id=${run}`)).body['run']);
    assert.equal(factsOf(info)['run_id'], run, 'a client sees the id that it was given');
  });

  for (const keepsIds of [true, false]) {
    test(`makes no second run when the answer to the first was lost (${keepsIds ? 'ids kept' : 'ids of the server’s own'})`, async () => {
      await using server = await trackingServer(keepsIds);
      await using relay = await testRelay(server);
      server.mood = 'forgetful';
      const run = await newRun(relay);
      server.mood = 'up';
      await relay.post('runs/log-metric', metric(run, 0));
      await delivered(relay);
      assert.equal(server.runs.size, 1);
      assert.deepEqual(stepsOf(server), [[0]]);
    });
  }

  test('goes on where it ended when it is opened again, runs that were made before included', async () => {
    await using server = await trackingServer(false);
    const folder = await mkdtemp(join(tmpdir(), 'gyre-relay-'));
    try {
      let run = '';
      {
        await using relay = await testRelay(server, { folder });
        run = await newRun(relay);
        server.mood = 'gone';
        await relay.post('runs/log-metric', metric(run, 0));
      }
      {
        await using relay = await testRelay(server, { folder });
        assert.equal(relay.relay.status.waiting, 1);
        assert.equal((await relay.get(`runs/get?run_id=${run}`)).status, 200, 'known from before');
        await relay.post('runs/log-metric', metric(run, 1));
        server.mood = 'up';
        await delivered(relay);
        assert.equal(relay.relay.status.delivered, 2);
      }
      assert.deepEqual(stepsOf(server), [[0, 1]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('sets aside what the server refuses, with the reason, and delivers what follows', async () => {
    await using server = await trackingServer(true);
    await using relay = await testRelay(server);
    const run = await newRun(relay);
    server.mood = 'gone';
    await relay.post('runs/log-metric', { run_id: run, key: 'loss', value: 'much' });
    await relay.post('runs/log-metric', metric(run, 1));
    server.mood = 'up';
    await delivered(relay);
    assert.deepEqual(stepsOf(server), [[1]]);
    assert.equal(relay.relay.status.refused, 1);
    const [file] = await readdir(join(relay.folder, 'refused'));
    const kept = factsOf(JSON.parse(await readFile(join(relay.folder, 'refused', file), 'utf8')));
    assert.match(textOf(kept['reason']) ?? '', /value is no number/);
    assert.match(textOf(kept['body']) ?? '', /"much"/);
  });

  for (const mood of ['full', 'locked'] as const) {
    test(`keeps what a server ${mood === 'full' ? 'with a full disk' : 'that does not accept the token'} does not take, until it does`, async () => {
      await using server = await trackingServer(true);
      await using relay = await testRelay(server);
      const run = await newRun(relay);
      server.mood = 'gone';
      await relay.post('runs/log-metric', metric(run, 0));
      server.mood = mood;
      await relay.post('runs/log-metric', metric(run, 1));
      while (relay.relay.status.server !== (mood === 'full' ? 'away' : 'refuses') || relay.relay.status.trouble === undefined)
        await new Promise((resolve) => setTimeout(resolve, 5));
      server.mood = 'up';
      await delivered(relay);
      assert.deepEqual(stepsOf(server), [[0, 1]]);
      assert.equal(relay.relay.status.refused, 0);
    });
  }

  test('says no to what only the server can answer, to web pages, and when it is full', async () => {
    await using server = await trackingServer(true);
    await using relay = await testRelay(server, { limitBytes: 500 });
    server.mood = 'gone';
    const search = await relay.post('runs/search', { experiment_ids: ['0'] });
    assert.deepEqual([search.status, search.body['error_code']], [503, 'TEMPORARILY_UNAVAILABLE']);
    const page = await fetch(`${relay.address}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
      body: '{}',
    });
    assert.equal(page.status, 403);
    const large = await relay.post('runs/set-tag', { run_id: 'f'.repeat(32), key: 'note', value: 'x'.repeat(1000) });
    assert.deepEqual([large.status, large.body['error_code']], [503, 'RESOURCE_EXHAUSTED']);
  });

  test('shows how it stands as JSON and as a page', async () => {
    await using server = await trackingServer(true);
    await using relay = await testRelay(server);
    server.mood = 'gone';
    await newRun(relay);
    const status = factsOf(await (await fetch(`${relay.address}/relay/status`)).json());
    assert.deepEqual([status['server'], status['waiting'], status['refused']], ['away', 1, 0]);
    const page = await fetch(`${relay.address}/relay`);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.match(await page.text(), /is away/);
  });
});
