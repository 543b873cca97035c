import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { addToStepSummary, postToGithub, postToGitlab } from './post-report.ts';
import type { Report } from './post-report.ts';
import { surroundings } from './surroundings.ts';
import { openForge, type Forge } from './testing-forge.ts';

const report = (markdown: string): Report => ({ markdown, marker: '<!-- gyre ci: shop -->', whole: 'All of it: elsewhere.' });
const { signal } = new AbortController();

describe('a report on a pull request', () => {
  let folder: string;
  let forge: Forge;
  let environment: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-post-'));
    await writeFile(join(folder, 'event.json'), JSON.stringify({ pull_request: { number: 7 } }));
  });
  beforeEach(async () => {
    await forge?.[Symbol.asyncDispose]();
    forge = await openForge();
    environment = {
      GITHUB_TOKEN: 's3cret-of-github',
      GITHUB_REPOSITORY: 'team/shop',
      GITHUB_API_URL: forge.address,
      GITHUB_EVENT_PATH: join(folder, 'event.json'),
      GITLAB_TOKEN: 's3cret-of-gitlab',
      CI_API_V4_URL: `${forge.address}/api/v4`,
      CI_PROJECT_ID: '42',
      CI_MERGE_REQUEST_IID: '7',
    };
  });
  after(async () => {
    await forge[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('is one comment at GitHub, which the next one takes the place of, behind 120 others', async () => {
    for (let id = 1; id <= 120; id++) forge.comments.push({ id, body: `word ${id}` });
    assert.deepEqual(await postToGithub(report('first'), environment, signal), { how: 'posted', where: 'https://forge.example/7#220' });
    assert.deepEqual(await postToGithub(report('second'), environment, signal), { how: 'updated', where: 'https://forge.example/7#220' });
    assert.deepEqual(forge.comments.filter(({ body }) => body.includes('gyre')).map(({ body }) => body), ['<!-- gyre ci: shop -->\nsecond']); // prettier-ignore
    const [{ headers }] = forge.asked;
    assert.deepEqual(
      [headers.accept, headers['x-github-api-version'], headers['user-agent']],
      ['application/vnd.github+json', '2022-11-28', 'gyre'],
    );
  });

  test('is one note at GitLab, in the same way', async () => {
    assert.deepEqual(await postToGitlab(report('first'), environment, signal), { how: 'posted', where: 'merge request 7' });
    assert.deepEqual(await postToGitlab(report('second'), environment, signal), { how: 'updated', where: 'merge request 7' });
    assert.deepEqual(forge.asked.map(({ method }) => method), ['GET', 'POST', 'GET', 'PUT']); // prettier-ignore
    assert.equal(forge.comments[0].body, '<!-- gyre ci: shop -->\nsecond');
  });

  test('leaves a comment alone that somebody else began in the same way', async () => {
    forge.comments.push({ id: 1, body: '<!-- gyre ci: shop -->\nmine', foreign: true });
    assert.equal((await postToGithub(report('ours'), environment, signal)).how, 'posted');
    assert.deepEqual(forge.comments.map(({ body }) => body.split('\n')[1]), ['mine', 'ours']); // prettier-ignore
  });

  test('is tried again after what may pass, three times at most, and a comment is never posted twice for it', async () => {
    forge.refusals.push(502, 429);
    assert.equal((await postToGithub(report('first'), environment, signal)).how, 'posted');
    forge.refusals.push(503, 503, 503);
    await assert.rejects(postToGithub(report('second'), environment, signal), { code: 'UNAVAILABLE' });
    forge.comments.length = 0;
    forge.asked.length = 0;
    forge.refusals.push(0, 502);
    await assert.rejects(postToGithub(report('third'), environment, signal), { code: 'UNAVAILABLE' });
    assert.deepEqual(forge.asked.map(({ method }) => method), ['GET', 'POST'], 'it may stand there all the same'); // prettier-ignore
  });

  test('names what was refused without the token, though the service says it back', async () => {
    forge.refusals.push(403);
    await assert.rejects(postToGithub(report('first'), environment, signal), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'PERMISSION_DENIED');
      assert.match(
        error.message,
        /^GET \/repos\/team\/shop\/issues\/7\/comments at 127\.0\.0\.1:\d+: 403 .*no, Bearer \*\*\*.*; the token may not comment there$/,
      );
      return !error.message.includes('s3cret');
    });
  });

  test('says what is missing: a token, as in pull requests from forks; a pull request', async () => {
    await assert.rejects(postToGithub(report('x'), { ...environment, GITHUB_TOKEN: '' }, signal), /GITHUB_TOKEN is not set: .*forks/);
    const { GITHUB_EVENT_PATH: _event, ...pushed } = environment;
    await assert.rejects(postToGithub(report('x'), pushed, signal), /this job is for no pull request/);
    assert.equal((await postToGithub(report('x'), { ...pushed, GITHUB_REF: 'refs/pull/7/merge' }, signal)).how, 'posted');
    await assert.rejects(postToGitlab(report('x'), { ...environment, GITLAB_TOKEN: '' }, signal), /GITLAB_TOKEN is not set/);
    await assert.rejects(
      postToGitlab(report('x'), { ...environment, CI_MERGE_REQUEST_IID: '' }, signal),
      /this job is for no merge request/,
    );
  });

  test('is sent by https alone beyond this machine', async () => {
    await assert.rejects(postToGithub(report('x'), { ...environment, GITHUB_API_URL: 'http://github.example' }, signal), /without TLS/);
  });

  test('stands on the summary page of the job as well', async () => {
    const file = join(folder, 'summary.md');
    await addToStepSummary(report('# well'), { GITHUB_STEP_SUMMARY: file });
    assert.equal(await readFile(file, 'utf8'), '# well\n');
  });
});

describe('what a CI service tells of a job', () => {
  for (const [service, environment, expected] of [
    [
      'GitHub Actions',
      { GITHUB_ACTIONS: 'true', GITHUB_HEAD_REF: 'feature', GITHUB_REF_NAME: '7/merge', GITHUB_BASE_REF: 'main' },
      { service: 'github', branch: 'feature', base: 'main' },
    ],
    [
      'GitHub Actions, of a push',
      { GITHUB_ACTIONS: 'true', GITHUB_HEAD_REF: '', GITHUB_REF_NAME: 'main', GITHUB_BASE_REF: '' },
      { service: 'github', branch: 'main' },
    ],
    [
      'GitLab CI',
      { GITLAB_CI: 'true', CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'feature', CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' },
      { service: 'gitlab', branch: 'feature', base: 'main' },
    ],
    [
      'Jenkins',
      { JENKINS_URL: 'https://jenkins.example/', CHANGE_BRANCH: 'feature', BRANCH_NAME: 'PR-7', CHANGE_TARGET: 'main' },
      { service: 'jenkins', branch: 'feature', base: 'main' },
    ],
    [
      'Azure Pipelines',
      { TF_BUILD: 'True', SYSTEM_PULLREQUEST_SOURCEBRANCH: 'refs/heads/a/b', SYSTEM_PULLREQUEST_TARGETBRANCH: 'refs/heads/main' },
      { service: 'azure', branch: 'a/b', base: 'main' },
    ],
    ['nobody', {}, {}],
  ] as const)
    // prettier-ignore
    test(`is read as ${service} says it`, () => assert.deepEqual(surroundings(environment), expected));
});
