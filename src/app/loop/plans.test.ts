import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { StepPlan } from '#pipelines';
import { loadProject, type LoadedProject } from '#project';
import { buildPlan, retrainPlan } from './plans.ts';

const retraining = { since: '2026-01-12T00:00:00.000Z', until: '2026-01-20T00:00:00.000Z', environment: 'production' };

/** Step → the steps that have to be done before it. */
function graph(plans: readonly StepPlan[]): Readonly<Record<string, readonly string[]>> {
  const before = ({ after, inputs }: StepPlan): readonly string[] =>
    [...new Set([...after, ...Object.values(inputs).map(({ step }) => step)])].toSorted((left, right) => left.localeCompare(right));
  return Object.fromEntries(plans.map((plan) => [plan.name, before(plan)]));
}

function planOf(plans: readonly StepPlan[], name: string): StepPlan {
  return plans.find((plan) => plan.name === name) ?? assert.fail(`no step ${name}`);
}

describe('the graphs of the churn project', () => {
  let project: LoadedProject;
  before(async () => {
    project = await loadProject(join(import.meta.dirname, '../../../examples/churn'));
  });
  /** The project with one dataset bent. */
  const bent = (change: object): LoadedProject => {
    const [dataset, ...others] = project.resolved.datasets;
    return { ...project, resolved: { ...project.resolved, datasets: [{ ...dataset, ...change }, ...others] } };
  };

  test('a build goes from the source to a registered version, each step after those it reads from', async () => {
    const plans = await buildPlan(project);
    assert.deepEqual(graph(plans), {
      'ingest:customers': [],
      'quality:customers': ['ingest:customers'],
      'split:customers': ['quality:customers'],
      prepare: ['split:customers'],
      logistic: ['prepare', 'split:customers'],
      boosting: ['prepare', 'split:customers'],
      choose: ['boosting', 'logistic'],
      evaluate: ['choose', 'split:customers'],
      register: ['choose', 'evaluate'],
    });
    assert.deepEqual(planOf(plans, 'prepare').inputs, { train: { step: 'split:customers', output: 'part.train' } });
    assert.equal(planOf(plans, 'evaluate').inputs['test'].output, 'part.test');
    for (const name of ['logistic', 'boosting']) {
      const { inputs, seed } = planOf(plans, name);
      assert.deepEqual([inputs['train'].output, inputs['validation'].output], ['part.train', 'part.validation']);
      assert.equal(typeof seed, 'number');
      assert.equal(
        Object.values(inputs).some(({ output }) => output === 'part.test'),
        false,
        'no training sees the test part',
      );
    }
  });

  test('what a step depends on is in its parameters: the same project gives the same plan, another source another one', async () => {
    const plans = await buildPlan(project);
    assert.deepEqual(await buildPlan(project), plans);
    assert.match(String(planOf(plans, 'ingest:customers').parameters['source']), /^[0-9a-f]{64}$/);
    const other = await buildPlan(bent({ source: 'gyre.yaml' }));
    assert.notEqual(planOf(other, 'ingest:customers').parameters['source'], planOf(plans, 'ingest:customers').parameters['source']);
  });

  test('a split without a part that the loop reads is refused, and so is a source that is not there', async () => {
    const { split } = project.resolved.datasets[0];
    await assert.rejects(
      buildPlan(bent({ split: { ...split, parts: { train: 0.8, test: 0.2 } } })),
      (error) =>
        hasCode(error, 'FAILED_PRECONDITION') &&
        error.message === 'data.customers.split.parts lacks validation: training needs train, validation and test',
    );
    await assert.rejects(
      buildPlan(bent({ source: 'data/none.csv' })),
      (error) => hasCode(error, 'NOT_FOUND') && error.message.includes('cannot read the source data/none.csv'),
    );
  });

  test('a retraining adds recent rows to the old ones and is judged on rows that no training saw', () => {
    const plans = retrainPlan(project, retraining);
    assert.deepEqual(graph(plans), {
      collect: [],
      'split:customers': [],
      prepare: ['collect', 'split:customers'],
      logistic: ['collect', 'prepare', 'split:customers'],
      boosting: ['collect', 'prepare', 'split:customers'],
      choose: ['boosting', 'logistic'],
      evaluate: ['choose', 'collect', 'split:customers'],
      register: ['choose', 'evaluate'],
    });
    for (const name of ['prepare', 'logistic', 'boosting']) {
      const { inputs, parameters } = planOf(plans, name);
      assert.deepEqual([inputs['train'].output, inputs['recent'].output], ['part.train', 'part.recent-train']);
      assert.equal(parameters['recentWeight'], project.resolved.retrain.recentWeight);
    }
    const { inputs } = planOf(plans, 'evaluate');
    assert.deepEqual(
      [inputs['test'], inputs['earlier']],
      [
        { step: 'collect', output: 'part.recent-test' },
        { step: 'split:customers', output: 'part.test' },
      ],
    );
    const { parameters } = planOf(plans, 'collect');
    assert.deepEqual([parameters['since'], parameters['until'], parameters['environment']], Object.values(retraining));
  });

  test('a project without trainers cannot be trained again', () => {
    const steps = project.resolved.steps.filter(({ kind }) => kind !== 'train');
    assert.throws(
      () => retrainPlan({ ...project, resolved: { ...project.resolved, steps } }, retraining),
      (error) => hasCode(error, 'FAILED_PRECONDITION'),
    );
  });
});
