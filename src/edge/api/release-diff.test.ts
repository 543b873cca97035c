import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ReleaseDiff } from '#contract';
import { openBench, type Bench } from './testing.ts';
import { turnTheLoop, type Records } from './testing-loop.ts';

describe('how two releases differ', () => {
  let bench: Bench;
  let records: Records;
  let second: string;

  before(async () => {
    bench = await openBench();
    records = await turnTheLoop(bench);
    const { training, evaluation, registry, charters, project } = bench.deps;
    const { version, report: first } = records;
    const by = version.createdBy;
    const run = await training.getRun(version.run);
    const { best } = await training.trainStudy({
      name: 'logistic',
      trainer: 'logistic',
      params: { l2: 50 },
      seed: 7,
      transform: records.transform,
      validation: run.inputs.find(({ role }) => role === 'validation')?.digest ?? '',
      code: { commit: 'beefed', dirty: false },
      environment: { gyre: '0.1.1', node: '26.10.0', platform: 'linux-x64', lock: 'a'.repeat(64) },
      by,
    });
    const charter = await charters.record(project.current().resolved.project, project.current().project.charter, by);
    const { dataset } = await evaluation.getReport(first);
    const report = await evaluation.judge({ model: best.id, test: dataset, charter, repeats: 0, resamples: 100, by });
    second = (await registry.createVersion({ model: version.model, run: best.id, report: report.id, charter, by })).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  const diff = async (from: string, to: string, more = ''): Promise<ReleaseDiff> => {
    const path = `/api/v1/release-diff?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}${more}`;
    const response = await bench.ask(path, { token: bench.tokens.stakeholder });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as ReleaseDiff;
  };
  const partOf = ({ parts }: ReleaseDiff, wanted: string) => {
    const found = parts.find(({ part }) => part === wanted);
    assert.ok(found !== undefined);
    return found;
  };

  test('what changed comes first, what is the same behind it', async () => {
    const data = await diff('test', 'churn/2');
    assert.equal(data.from.title, 'churn version 1 in test, generation 1');
    assert.equal(data.to.title, 'churn version 2');
    const parameters = partOf(data, 'parameters');
    assert.deepEqual(
      parameters.lines.filter(({ same }) => !same).map(({ what, from, to }) => [what, from, to]),
      [['l2', '1', '50']],
    );
    assert.ok(parameters.lines.some(({ what, same }) => what === 'seed' && same));
    assert.equal(partOf(data, 'data').changed, 0, 'both learned from the same rows');
    assert.match(
      partOf(data, 'data')
        .lines.map(({ what, from }) => `${what} ${from}`)
        .join('\n'),
      /train customers, part train: 2,270 rows/,
    );
    const [commit] = partOf(data, 'code').lines;
    assert.deepEqual([commit.what, commit.from, commit.to], ['Commit', 'c0ffee', 'beefed']);
    assert.deepEqual(
      partOf(data, 'engine')
        .lines.filter(({ same }) => !same)
        .map(({ what }) => what),
      ['Gyre', 'Locked dependencies'],
    );
    const graph = partOf(data, 'package').lines.find(({ what }) => what === 'model.onnx');
    assert.equal(graph?.same, false, 'another graph');
    assert.match(partOf(data, 'settings').notes.join(), /churn version 2 was not deployed/);
    const order = data.parts.map(({ changed }) => changed > 0);
    assert.deepEqual(
      order,
      order.toSorted((left, right) => Number(right) - Number(left)),
    );
    assert.equal(data.metrics.sameRows, true);
    const accuracy = data.metrics.items.find(({ name }) => name === 'accuracy');
    assert.ok(accuracy?.difference !== undefined && accuracy.fromInterval !== undefined && accuracy.toInterval !== undefined);
    assert.equal(data.paired, undefined, 'rows are asked for by themselves');
  });

  test('both are asked on the same rows where that is wanted', async () => {
    const { paired, metrics } = await diff(records.deployment, second, '&paired=true');
    assert.equal(paired?.comparison?.rows, metrics.from?.rows);
    assert.ok(Number(paired?.comparison?.interval.low) <= Number(paired?.comparison?.difference));
    const self = await diff('churn@1', 'churn/1', '&paired=true');
    assert.equal(self.paired?.why, 'both are the same version');
    assert.ok(self.parts.every(({ changed }) => changed === 0));
  });

  test('what two data planes are set to is compared setting by setting', async () => {
    const { release } = bench.deps;
    await release.roll({ environment: 'test', modelVersion: second, reason: 'next', by: records.version.createdBy });
    const data = await diff('test@1', 'test@2');
    const settings = partOf(data, 'settings');
    assert.deepEqual(
      settings.lines.filter(({ same }) => !same).map(({ what, to }) => [what, to]),
      [['kept warm', 'churn/1']],
    );
    assert.ok(settings.lines.some(({ what }) => what === 'limits.maxBodyBytes'));
    assert.equal(data.to.deployment?.state, 'live');
    assert.equal(data.from.deployment?.state, 'superseded');
  });

  test('what there is not, and what one may not read, is not compared', async () => {
    const status = async (from: string, token = bench.tokens.stakeholder): Promise<number> =>
      (await bench.ask(`/api/v1/release-diff?from=${encodeURIComponent(from)}&to=churn/1`, { token })).status;
    assert.equal(await status('test@99'), 404);
    assert.equal(await status('production'), 404);
    assert.equal(await status('churn/9'), 404);
    assert.equal((await bench.ask('/api/v1/release-diff?from=test&to=test')).status, 401);
    const { access } = bench.deps;
    const { identity } = await access.authenticate(bench.tokens.stakeholder);
    const admin = await access.authenticate(bench.tokens.admin);
    await access.grants.give({ kind: 'registered_model', record: 'churn', identity: identity.id, level: 'DENY' }, admin);
    assert.deepEqual([await status('test@1'), await status('churn/2')], [403, 403]);
  });
});
