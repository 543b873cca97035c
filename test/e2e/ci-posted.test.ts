import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Client } from 'pg';
import type { CiRun } from '#contract';
import { newRepository, type Repository, withoutVisits } from '../harness/ci-fixture.ts';
import { type Ended, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';

const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function whyNoPostgres(): Promise<string | false> {
  const client = new Client({ connectionString: postgres, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return false;
  } catch (error) {
    return `no PostgreSQL answers: ${String(error)}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Forge extends AsyncDisposable {
  readonly address: string;
  readonly comments: { body: string }[];
  /** How many of the next requests are refused, with the token that came in the answer. */
  refuse: number;
}

/** Comments of one pull request, as GitHub and GitLab list, take and change them. */
async function openForge(): Promise<Forge> {
  const comments: { body: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((content) => {
      const token = String(request.headers.authorization ?? request.headers['private-token']);
      const answer = (status: number, body: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)); // prettier-ignore
      if (forge.refuse > 0) {
        forge.refuse -= 1;
        return answer(403, { message: `not by ${token}` });
      }
      const shown = (at: number): object => ({ id: 100 + at, ...comments[at], html_url: `https://forge.example/7#${100 + at}` });
      if (request.method === 'GET') return answer(200, comments.map((_, at) => shown(at))); // prettier-ignore
      const { body } = JSON.parse(content) as { readonly body: string };
      const at = request.method === 'POST' ? comments.length : Number(/\d+$/.exec(request.url ?? '')?.[0]) - 100;
      comments[at] = { body };
      return answer(request.method === 'POST' ? 201 : 200, shown(at));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const forge: Forge = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    comments,
    refuse: 0,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return forge;
}

const noPostgres = await whyNoPostgres();

describe('the verdict on a commit, reported to its pull request', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: Repository;
  let forge: Forge;
  let job: Record<string, string>;
  const ci = (words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> => gyre(['ci', ...words], { cwd: repository.checkout, env }); // prettier-ignore

  before(async () => {
    folder = await temporaryFolder();
    repository = await newRepository(folder.path, 'ci: { mayWorsen: { accuracy: 0.02 } }\n');
    await ci([], {});
    repository.branch('forgetful');
    await repository.commit('without visits', { 'gyre.yaml': withoutVisits });
    await writeFile(join(folder.path, 'event.json'), JSON.stringify({ pull_request: { number: 7 } }));
  });
  beforeEach(async () => {
    await forge?.[Symbol.asyncDispose]();
    forge = await openForge();
    job = {
      GITHUB_ACTIONS: 'true',
      GITHUB_TOKEN: 's3cret-of-github',
      GITHUB_REPOSITORY: 'team/shop',
      GITHUB_API_URL: forge.address,
      GITHUB_EVENT_PATH: join(folder.path, 'event.json'),
      GITHUB_BASE_REF: 'main',
      GITHUB_HEAD_REF: 'forgetful',
      GITHUB_STEP_SUMMARY: join(folder.path, 'summary.md'),
    };
  });
  after(async () => {
    await forge[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('stands in one comment, and the job ends as the verdict says', async () => {
    const first = await ci([], job);
    assert.equal(first.code, 1, first.stdout + first.stderr);
    assert.match(first.stdout, /report posted: https:\/\/forge\.example\/7#100/);
    const again = await ci([], job);
    assert.match(again.stdout, /report updated: https:\/\/forge\.example\/7#100/);
    assert.equal(forge.comments.length, 1);
    assert.match(forge.comments[0]?.body ?? '', /^<!-- gyre ci: shop -->\n## Gyre CI: failed\n/);
    assert.match(await readFile(join(folder.path, 'summary.md'), 'utf8'), /^## Gyre CI: failed/);
    assert.ok(!`${first.stdout}${first.stderr}`.includes('s3cret'));
  });

  test('is the same where the comment cannot be written, and where there is no token: it is printed, and why is said', async () => {
    forge.refuse = 1;
    const refused = await ci([], job);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /## Gyre CI: failed/);
    assert.match(refused.stderr, /not posted to the pull request: GET .* 403 .*\*\*\*/);
    const fork = await ci([], { ...job, GITHUB_TOKEN: '' });
    assert.match(fork.stderr, /not posted to the pull request: GITHUB_TOKEN is not set: .*pull requests from forks get none/);
    assert.match(fork.stdout, /## Gyre CI: failed/);
  });

  test('gives way to 5 where it is well and the comment was asked for in so many words', async () => {
    repository.git('checkout', '-q', 'main');
    forge.refuse = 2;
    assert.equal((await ci(['--post', 'github'], job)).code, 5);
    assert.equal((await ci(['--post', 'auto'], job)).code, 0);
    assert.equal((await ci(['--post', 'nowhere'], job)).code, 2);
    repository.git('checkout', '-q', 'forgetful');
  });

  test('is a note at GitLab', async () => {
    const merge = { GITLAB_CI: 'true', GITLAB_TOKEN: 's3cret-of-gitlab', CI_API_V4_URL: `${forge.address}/api/v4`, CI_PROJECT_ID: '42', CI_MERGE_REQUEST_IID: '7', CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' }; // prettier-ignore
    const posted = await ci([], merge);
    assert.match(posted.stdout, /report posted: merge request 7/);
    assert.match(forge.comments[0]?.body ?? '', /mermaid/);
  });

  test('comes out the same with its records in PostgreSQL', { skip: noPostgres }, async () => {
    const schema = `gyre_ci_${randomBytes(6).toString('hex')}`;
    const env = { GYRE_DATABASE: postgres, GYRE_DATABASE_SCHEMA: schema, GYRE_DATA: join(folder.path, 'data-pg') };
    try {
      const trained = await ci(['--train-base', '--json'], env);
      assert.equal(trained.code, 1, trained.stderr);
      const { report, branch } = JSON.parse(trained.stdout) as CiRun;
      assert.deepEqual([branch, report?.base.commit], ['forgetful', repository.git('rev-parse', 'main')]);
      assert.ok(report?.checks.some(({ part, verdict }) => part === 'comparison' && verdict === 'failed'));
    } finally {
      const client = new Client({ connectionString: postgres });
      await client.connect();
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.end();
    }
  });
});
