import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CiRun, PipelineRun } from '#contract';
import { newRepository, type Repository } from '../harness/ci-fixture.ts';
import { eventually, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

describe('a server that is killed with -9 while it checks a commit', { timeout: 300_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: Repository;
  before(async () => {
    folder = await temporaryFolder();
    repository = await newRepository(folder.path, 'ci: { base: main }\n');
  });
  after(() => folder[Symbol.asyncDispose]());

  const ended = async (house: Up, id: string): Promise<CiRun> => {
    await eventually('the commit is judged', async () => (await house.get<CiRun>(`ci-runs/${id}`)).state !== 'running', 60_000);
    return house.get<CiRun>(`ci-runs/${id}`);
  };
  const begin = async (house: Up, body: object): Promise<string> => {
    const { status, body: run } = await house.post<CiRun>('ci-runs', body);
    assert.equal(status, 202, JSON.stringify(run));
    return run.id;
  };

  for (const [moment, isReached] of [
    ['before its pipeline was on record', () => true],
    [
      'while a step ran',
      (run: PipelineRun | undefined) => run?.steps.some(({ state }) => state === 'running' || state === 'succeeded') === true,
    ],
    [
      'when half of its steps had ended',
      (run: PipelineRun | undefined) => (run?.steps.filter(({ state }) => state === 'succeeded').length ?? 0) > 2,
    ],
  ] as const)
    test(`goes on where it was, and judges it once: killed ${moment}`, async () => {
      const base = repository.git('rev-parse', 'HEAD');
      const commit = await repository.commit(moment, {
        'gyre.yaml': (yaml) =>
          yaml.replace(/metric: accuracy(, params: \{ l2: \d+ \})?/, `metric: accuracy, params: { l2: ${moment.length} }`),
        'notes.md': () => moment,
      });
      repository.push();
      let id = '';
      {
        await using house = await up({ cwd: repository.project });
        id = await begin(house, { commit, branch: 'main', base: { branch: 'main', commits: [base] }, fresh: true });
        await eventually('the moment has come', async () => {
          const { pipelineRun } = await house.get<CiRun>(`ci-runs/${id}`);
          return isReached(pipelineRun === undefined ? undefined : await house.get<PipelineRun>(`pipeline-runs/${pipelineRun}`));
        });
        house.running.kill('SIGKILL');
        await house.running.ended;
      }
      const data = join(repository.project, '.gyre');
      {
        await using house = await up({ cwd: repository.project });
        const run = await ended(house, id);
        assert.equal(run.problem, undefined);
        assert.equal(run.report?.checks.filter(({ part }) => part === 'steps').every(({ verdict }) => verdict === 'passed'), true); // prettier-ignore
        const pipelines = await house.get<{ items: readonly PipelineRun[] }>('pipeline-runs?pipeline=build');
        assert.equal(pipelines.items.filter(({ parameters }) => parameters['ci'] === id).length, 1, 'its pipeline ran once');
        assert.equal(pipelines.items.find(({ parameters }) => parameters['ci'] === id)?.parameters['at'], commit);
        const told = await house.get<{ items: readonly { type: string; subject: string }[] }>('events?limit=1000');
        const finished = told.items.filter(({ type, subject }) => type === 'dev.gyre.ci_run.finished.v1' && subject === id);
        assert.equal(finished.length, 1, 'its end is told once');
        await eventually('its folder is taken away', async () => (await readdir(join(data, 'commits')).catch(() => [])).length === 0);
        await house.stop();
      }
      await checkStore(data);
    });
});
