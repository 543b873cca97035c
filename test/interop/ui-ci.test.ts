import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { CiRun } from '#contract';
import { newRepository, withoutVisits } from '../harness/ci-fixture.ts';
import { eventually, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('the pages of commits that were checked', { skip: browserMissing, timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let house: Up;
  let failed: CiRun;
  const { shows } = pageViews(
    () => browser,
    () => house,
  );
  const checked = async (commit: string, branch: string, commits: readonly string[]): Promise<CiRun> => {
    const { body } = await house.post<CiRun>('ci-runs', { commit, branch, base: { branch: 'main', commits } });
    await eventually('the commit is judged', async () => (await house.get<CiRun>(`ci-runs/${body.id}`)).state !== 'running', 60_000);
    return house.get<CiRun>(`ci-runs/${body.id}`);
  };

  before(async () => {
    const folder = opened.use(await temporaryFolder());
    const repository = await newRepository(folder.path, 'ci: { base: main, mayWorsen: { accuracy: 0.02 } }\n');
    house = opened.use(await up({ cwd: repository.project }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    const base = repository.git('rev-parse', 'HEAD');
    assert.equal((await checked(base, 'main', [])).state, 'passed');
    repository.branch('forgetful');
    const commit = await repository.commit('without visits', { 'gyre.yaml': withoutVisits });
    repository.push();
    failed = await checked(commit, 'forgetful', [base]);
  });
  after(() => opened.disposeAsync());

  test('list each with its branch, its verdict and what failed', async () => {
    await shows('/ci', ['Commits', 'forgetful', 'main', 'passed', 'failed', 'accuracy may worsen by 0.02', 'shop 2']);
  });

  test('show one beside the base: verdict, metrics, checks, curve', async () => {
    await shows(`/ci/${failed.id}`, [
      'Verdict',
      /main at [0-9a-f]{12}/,
      'Metrics',
      'worse',
      'ROC curve',
      'Every check',
      /worse by 0\.\d+, beyond chance/,
    ]);
  });
});
