import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { Rollout } from '#contract';
import type { ApplicationTestReport, EnvironmentState, PredictAnswer, Trace } from '#contract';
import { openLoadGenerator } from '#release';
import { customers, openHouse, type Person, type RunningHouse } from '../e2e/house.ts';
import { eventually } from '../harness/gyre-fixture.ts';

const patientMs = 120_000;
const roll =
  '{ strategy: canary, steps: [{ weight: 20%, for: 1s }, { weight: 50%, for: 1s }], analysis: { minRequests: 40, maxLatencyFactor: 1000, maxDistributionDistance: 0.5 } }';
const bodies = Array.from({ length: 60 }, (_, at) =>
  JSON.stringify({ rows: [{ visits: at % 20, spent: (at * 37) % 100, channel: ['web', 'shop', 'phone'][at % 3] }] }),
);

describe('a rollout, and the control plane that is killed', { timeout: 600_000 }, () => {
  let house: RunningHouse;
  let people: { readonly ada: Person; readonly otto: Person; readonly qa: Person; readonly approver: Person };

  const ok = async <T>(asked: Promise<{ readonly status: number; readonly body: T }>): Promise<T> => {
    const { status, body } = await asked;
    assert.ok(status < 300, JSON.stringify(body));
    return body;
  };
  /** Builds a version of these customers and brings it as far as production asks. */
  const version = async (data: string): Promise<string> => {
    await writeFile(join(house.folder, 'customers.csv'), data);
    const { ada, qa, approver } = people;
    const modelVersion = await house.build(ada);
    await ok(ada.post('environments/test/deploy', { modelVersion, reason: 'for QA' }));
    const report = await ok(ada.post<ApplicationTestReport>('environments/test/tests'));
    assert.ok(report.passed, JSON.stringify(report.checks.filter(({ passed }) => !passed)));
    await ok(qa.post('certifications', { report: report.id, verdict: 'certified', statement: 'fine' }));
    await ok(approver.post('approvals', { modelVersion, environment: 'production', verdict: 'approved', statement: 'go' }));
    return modelVersion;
  };
  before(async () => {
    house = await openHouse({ roll, latencyP99Ms: 60_000 });
    people = {
      ada: await house.person('ada', ['data-scientist', 'ml-engineer']),
      otto: await house.person('otto', ['operator']),
      qa: await house.person('quinn', ['qa']),
      approver: await house.person('olga', ['approver']),
    };
    const first = await version(customers());
    await ok(people.otto.post('environments/production/release', { modelVersion: first, reason: 'the first' }));
  });
  after(() => house[Symbol.asyncDispose]());

  const productionOf = async (): Promise<EnvironmentState> => {
    let found: EnvironmentState | undefined;
    await eventually(
      'production is served',
      async () => {
        const { items } = await house.owner.get<{ readonly items: readonly EnvironmentState[] }>('environments');
        found = items.find(({ name }) => name === 'production');
        return found?.address !== undefined;
      },
      patientMs,
    );
    return found ?? assert.fail('there is no production');
  };
  const rolloutOf = (id: string): Promise<Rollout> => house.owner.get<Rollout>(`rollouts/${id}`);
  /** Asks at appointed instants, without a second try, until something holds of the rollout. @returns requests */
  const loadUntil = async (id: string, holds: (rollout: Rollout) => boolean): Promise<number> => {
    const { address = '' } = await productionOf();
    await using generator = await openLoadGenerator({ address, path: '/predict/shop', bodies, timeoutMs: 60_000 });
    let sent = 0;
    const begun = performance.now();
    do {
      assert.ok(performance.now() - begun < patientMs, JSON.stringify(await rolloutOf(id)));
      const { requests, failures } = await generator.offer({ ratePerSecond: 120, durationMs: 500 });
      assert.deepEqual(failures, {}, 'every request is answered');
      sent += requests;
    } while (!holds(await rolloutOf(id)));
    return sent;
  };

  test('goes on from where it was, at each of its steps, to the end', async () => {
    const { otto } = people;
    const modelVersion = await version(customers(12));
    const began = await otto.cli('release', 'roll', 'shop/2', 'production', '--reason', 'more customers');
    assert.equal(began.code, 0, began.stderr);
    assert.match(began.stdout, /shop\/2 comes to production step by step, by rollout \S+:/);
    const [, id = ''] = /by rollout (\S+?):/.exec(began.stdout) ?? [];
    const second = await otto.post<{ readonly detail: string }>('rollouts', { environment: 'production', modelVersion, reason: 'me too' });
    assert.equal(second.status, 409);
    assert.match(second.body.detail, /a rollout to "production" \(.*\) is running, begun by otto at 20/);
    const refused = await people.ada.post('rollouts', { environment: 'production', modelVersion, reason: 'I may not' });
    assert.equal(refused.status, 403);

    let answer: PredictAnswer | undefined;
    await eventually('the new version answers somebody', async () => {
      answer = await ok(otto.post<PredictAnswer>('endpoints/production/predict', { rows: [{ visits: 3, spent: 20, channel: 'web' }] }));
      return answer.version === '2';
    });
    const { links } = await house.owner.get<Trace>(`trace/prediction/${answer?.predictions[0].id}`);
    assert.equal(links.find(({ kind }) => kind === 'model_version')?.id, modelVersion, 'a prediction leads to the version that made it');

    for (const step of [0, 1]) {
      await house.killAndRestart();
      const { live } = await productionOf();
      const rollout = await rolloutOf(id);
      assert.deepEqual([rollout.state, rollout.step, live?.traffic?.beside[0].weight], ['running', step, [0.2, 0.5][step]]);
      await loadUntil(id, (now) => now.step > step || now.state !== 'running');
    }
    const done = await rolloutOf(id);
    assert.equal(done.state, 'promoted', JSON.stringify(done.checks));
    assert.deepEqual([...Value.Errors(Rollout, done)], []);
    await house.killAndRestart();
    const { live } = await productionOf();
    assert.deepEqual([live?.modelVersion, live?.traffic], [modelVersion, undefined]);
    const listed = await otto.cli('release', 'rollout', 'list', '--environment', 'production');
    assert.match(listed.stdout, /shop\/2 .*canary .*promoted .*100 %/);
  });

  test('takes a bad version back by itself though it was killed on the way, and no request fails', async (t) => {
    const { otto } = people;
    // Trained on customers who nearly all buy again: it passes its own tests.
    const modelVersion = await version(customers(13, 2.5));
    const before = (await productionOf()).live?.modelVersion;
    const { id } = await ok(otto.post<Rollout>('rollouts', { environment: 'production', modelVersion, reason: 'a new world' }));
    await loadUntil(id, ({ observed }) => observed.candidate.requests > 0);
    await house.killAndRestart();
    assert.equal((await rolloutOf(id)).state, 'running');
    const sent = await loadUntil(id, ({ state }) => state !== 'running');
    const ended = await rolloutOf(id);
    assert.equal(ended.state, 'rolled_back', JSON.stringify(ended.checks));
    const last = ended.history.at(-1);
    assert.match(last?.why ?? '', /prediction distribution/);
    assert.equal((await productionOf()).live?.modelVersion, before);
    const status = await otto.cli('release', 'rollout', 'status', 'production');
    assert.equal(status.code, 3);
    assert.match(status.stdout, /rolled back: \d+ requests observed, 0 failed/);
    t.diagnostic(`${sent} requests after the restart, none failed; the rollback took ${last?.tookMs} ms`);
  });

  test('is paused, goes on and is taken back by a person, on the command line', async () => {
    const { otto } = people;
    const words = ['release', 'rollout'];
    const started = await otto.cli(
      ...words,
      'start',
      'shop/3',
      '--to',
      'production',
      '--strategy',
      'shadow',
      '--for',
      '1h',
      '--reason',
      'to see',
    );
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stdout, /running, step 1 of 1, as a shadow/);
    for (const [verb, said] of [
      ['pause', /paused, step 1 of 1/],
      ['resume', /running, step 1 of 1/],
      ['rollback', /rolled back: /],
    ] as const) {
      const { code, stdout, stderr } = await otto.cli(...words, verb, 'production', '--reason', 'so I say');
      assert.equal(code, 0, stderr);
      assert.match(stdout, said);
    }
    const wrong = await otto.cli(...words, 'start', 'shop/3', '--to', 'production', '--strategy', 'blue');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /"blue" is no strategy: canary or shadow/);
  });
});
