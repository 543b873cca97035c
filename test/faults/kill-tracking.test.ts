import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '#core';
import { done, eventually, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { Gone, get, post } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

const kills = 50;
const writers = 8;

interface Logged {
  readonly metrics: Map<string, number>;
  readonly parameters: Map<string, string>;
  readonly tags: Map<string, string>;
}

/** What clients were told is logged, by run. */
type Acknowledged = Map<string, Logged>;

/** Makes runs and logs to them until nobody answers any more, and remembers what was acknowledged. */
async function logUntilItEnds(address: string, writer: string, acknowledged: Acknowledged, onBatch: () => void): Promise<void> {
  const known = new Map<string, Logged>();
  try {
    for (let at = 0; ; at++) {
      if (at % 5 === 0) {
        const { run } = await post<{ run: { info: { run_id: string } } }>(address, 'runs/create', {
          experiment_id: '0',
          run_name: `${writer}-${at}`,
        });
        const logged = { metrics: new Map<string, number>(), parameters: new Map<string, string>(), tags: new Map<string, string>() };
        known.set(run.info.run_id, logged);
        acknowledged.set(run.info.run_id, logged);
      }
      const [[id, logged]] = [...known].slice(-1);
      const metrics = Array.from({ length: 20 }, (_, k) => ({ key: `m${k}`, value: at * 100 + k, timestamp: 1000 + at, step: at }));
      const parameter = { key: `p${at}`, value: `${writer} ${at}` };
      await post(address, 'runs/log-batch', { run_id: id, metrics, params: [parameter], tags: [{ key: 'last', value: String(at) }] });
      for (const { key, value } of metrics) logged.metrics.set(`${key} ${at}`, value);
      logged.parameters.set(parameter.key, parameter.value);
      logged.tags.set('last', String(at));
      onBatch();
    }
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  }
}

interface FoundRun {
  readonly run: {
    readonly data: {
      readonly metrics?: readonly { readonly key: string; readonly value: number; readonly step: number }[];
      readonly params?: readonly { readonly key: string; readonly value: string }[];
      readonly tags?: readonly { readonly key: string; readonly value: string }[];
    };
  };
}

async function checkRun(address: string, id: string, logged: Logged): Promise<void> {
  const { run } = await get<FoundRun>(address, `runs/get?run_id=${id}`);
  const parameters = new Map((run.data.params ?? []).map(({ key, value }) => [key, value]));
  for (const [key, value] of logged.parameters) assert.equal(parameters.get(key), value, `parameter ${key} of ${id}`);
  const { metrics } = await get<{ metrics?: readonly { readonly value: number; readonly step: number }[] }>(
    address,
    `metrics/get-history?run_id=${id}&metric_key=m7`,
  );
  const history = new Map((metrics ?? []).map(({ step, value }) => [`m7 ${step}`, value]));
  for (const [place, value] of logged.metrics) {
    if (place.startsWith('m7 ')) assert.equal(history.get(place), value, `${place} of ${id}`);
  }
  // A request whose answer was cut off may be there, but then it is there whole.
  const last = Math.max(-1, ...[...history.keys()].map((place) => Number(place.slice(3))));
  if (last >= 0) {
    assert.equal(parameters.has(`p${last}`), true, `the batch at ${last} of ${id} is there whole`);
    for (const { key, value, step } of run.data.metrics ?? []) {
      assert.deepEqual([step, value], [last, last * 100 + Number(key.slice(1))], `the last value of ${key} of ${id}`);
    }
    assert.equal(run.data.tags?.find(({ key }) => key === 'last')?.value, String(last));
  }
}

describe('what a tracking client was told is logged', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    await done(['check'], place);
  });
  after(() => folder[Symbol.asyncDispose]());

  test(`is there after kill -9 under ${writers} writers, ${kills} times, and every batch is whole or not there`, async () => {
    const random = seeded(5);
    const acknowledged: Acknowledged = new Map();
    for (let kill = 0; kill < kills; kill++) {
      await using house = await up(place);
      let batches = 0;
      const writing = Array.from({ length: writers }, (_, writer) =>
        logUntilItEnds(house.address, `${kill}-${writer}`, acknowledged, () => void (batches += 1)),
      );
      // By what was written, not by time alone: a busy machine may answer nobody for half a second.
      const enough = 9 + random.int(30);
      await eventually(`${enough} batches are acknowledged`, () => batches >= enough, 120_000);
      await sleep(random.int(200));
      house.running.kill('SIGKILL');
      await Promise.all(writing);
    }
    const points = [...acknowledged.values()].reduce((sum, { metrics }) => sum + metrics.size, 0);
    assert.ok(acknowledged.size > kills && points > 1000 * writers, `${acknowledged.size} runs with ${points} points were acknowledged`);
    {
      await using house = await up(place);
      for (const [id, logged] of acknowledged) await checkRun(house.address, id, logged);
      const ended = await house.stop();
      assert.equal(ended.code, 0, ended.stderr);
    }
    await checkStore(`${place.cwd}/.gyre`);
  });
});
