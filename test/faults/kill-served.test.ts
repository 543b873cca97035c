import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EnvironmentState, PredictAnswer } from '#contract';
import { seeded } from '#core';
import { done, eventually, type Place, temporaryFolder, type Up, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

interface Page<T> {
  readonly items: readonly T[];
}

/** What clients were answered. */
interface Answered {
  readonly predictions: Set<string>;
  readonly labels: Map<string, string>;
}

async function productionOf(house: Up): Promise<string> {
  let address: string | undefined;
  await eventually('production is served', async () => {
    const { items } = await house.get<Page<EnvironmentState>>('environments');
    address = items.find(({ name }) => name === 'production')?.address;
    return address !== undefined;
  });
  assert.ok(address !== undefined);
  return address;
}

/** Predicts and labels until nobody answers any more, and remembers what was answered. */
async function callUntilItEnds(house: Up, address: string, answered: Answered): Promise<void> {
  const random = seeded(7);
  for (;;) {
    const rows = Array.from({ length: 4 }, () => ({
      age: 20 + random.int(50),
      plan: 'basic',
      income: 50_000,
      newsletter: true,
      spend: 60 + random.int(40),
    }));
    try {
      const response = await fetch(`${address}/predict/shop`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows }),
      });
      assert.equal(response.status, 200);
      const { predictions } = (await response.json()) as PredictAnswer;
      for (const { id } of predictions) answered.predictions.add(id);
      const labels = predictions.slice(0, 2).map(({ id }) => ({ prediction: id, value: 'yes' }));
      const posted = await house.post('labels', { labels });
      assert.equal(posted.status, 200, JSON.stringify(posted.body));
      for (const { prediction, value } of labels) answered.labels.set(prediction, value);
    } catch (error) {
      // The connection is gone; anything else is a finding.
      if (error instanceof TypeError || (error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) return;
      throw error;
    }
  }
}

describe('what a client was answered', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let data = '';

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    data = join(place.cwd, '.gyre');
    await done(['run'], place);
    await using house = await up(place);
    await releaseVersion(house, 'shop', 1);
  });
  after(() => folder[Symbol.asyncDispose]());

  const checkAnswered = async (answered: Answered): Promise<void> => {
    {
      await using house = await up(place);
      await productionOf(house);
      await eventually('every answered prediction is filed', async () => {
        await house.post('monitor/ingest', {});
        return query(data, "select id from predictions where environment = 'production'").length >= answered.predictions.size;
      });
      const ended = await house.stop();
      assert.equal(ended.code, 0, ended.stderr);
    }
    await checkStore(data);
    const filed = new Set(query(data, "select id from predictions where environment = 'production'"));
    assert.deepEqual(
      [...answered.predictions].filter((id) => !filed.has(id)),
      [],
      'predictions that were answered and are not on record',
    );
    const labelled = new Set(query(data, 'select prediction from prediction_labels'));
    assert.deepEqual(
      [...answered.labels.keys()].filter((id) => !labelled.has(id)),
      [],
      'labels that were taken and are not on record',
    );
    assert.deepEqual(query(data, 'select prediction from prediction_labels where matched = 0'), [], 'each found its prediction');
  };

  test('is on record when the platform is killed with -9 at random times, again and again', async () => {
    const random = seeded(42);
    const answered: Answered = { predictions: new Set(), labels: new Map() };
    for (let kill = 0; kill < 3; kill++) {
      await using house = await up(place);
      const address = await productionOf(house);
      const calls = callUntilItEnds(house, address, answered);
      const enough = answered.predictions.size + 40 + random.int(200);
      await eventually('some requests were answered', () => answered.predictions.size >= enough);
      house.running.kill('SIGKILL');
      await house.running.ended;
      await calls;
      await checkStore(data);
    }
    assert.ok(answered.predictions.size > 120 && answered.labels.size > 60);
    await checkAnswered(answered);
  });

  for (const fault of ['store.commit.before:40', 'store.commit.after:60', 'store.fsync:50', 'store.acknowledge:45']) {
    test(`is on record when the platform dies at ${fault}`, async () => {
      const answered: Answered = { predictions: new Set(), labels: new Map() };
      await using house = await up({ ...place, env: { GYRE_FAULT: fault } });
      const address = await productionOf(house);
      await callUntilItEnds(house, address, answered);
      assert.equal((await house.running.ended).signal, 'SIGKILL');
      assert.ok(answered.labels.size > 0, 'it died while it was asked');
      await checkStore(data);
      await checkAnswered(answered);
    });
  }

  test('is on record when a data plane alone is killed, which then goes on at the same address', async () => {
    const answered: Answered = { predictions: new Set(), labels: new Map() };
    {
      await using house = await up(place);
      const address = await productionOf(house);
      const { port } = new URL(address);
      for (let kill = 0; kill < 2; kill++) {
        const calls = callUntilItEnds(house, address, answered);
        const enough = answered.predictions.size + 60;
        await eventually('some requests were answered', () => answered.predictions.size >= enough);
        process.kill(await ownerOf(port, house.running.pid), 'SIGKILL');
        await calls;
        await eventually('the plane answers again', () =>
          fetch(`${address}/v2/health/ready`).then(
            (response) => response.ok,
            () => false,
          ),
        );
      }
      assert.equal((await house.stop()).code, 0);
    }
    await checkAnswered(answered);
  });
});

/** The data plane that listens on a port: a child of the platform, told the port by its own account of itself. */
async function ownerOf(port: string, parent: number): Promise<number> {
  const table = await readFile('/proc/net/tcp', 'utf8');
  const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
  const inode = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => (fields[1] ?? '').endsWith(`:${hex}`) && fields[3] === '0A')?.[9];
  assert.ok(inode !== undefined, `nobody listens on ${port}`);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) !== parent) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) === `socket:[${inode}]`) return Number(pid);
    }
  }
  throw new Error(`no child of ${parent} listens on ${port}`);
}
