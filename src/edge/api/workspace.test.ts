import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import type { TSchema, Static } from 'typebox';
import { WorkspaceDiff, WorkspaceJob, WorkspaceStatus, WorkspaceVersions, WorkspaceView } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';
import { git, writeFiles } from './testing-workspace.ts';

describe('the data files of the project over HTTP', () => {
  let bench: Bench;
  let folder: string;
  before(async () => {
    bench = await openBench();
    ({ folder } = bench.deps.project.current());
    git(bench, 'init', '-q', '-b', 'main');
  });
  after(() => bench[Symbol.asyncDispose]());

  async function get<S extends TSchema>(path: string, schema: S): Promise<Static<S>> {
    const response = await bench.ask(`/api/v1/workspace${path}`, { token: bench.tokens.stakeholder });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return Value.Parse(schema, JSON.parse(text));
  }
  const begin = (body: object, token = bench.tokens['data-scientist']): Promise<Response> =>
    bench.ask('/api/v1/workspace/jobs', { method: 'POST', token, body });
  async function done(body: object): Promise<WorkspaceJob> {
    const response = await begin(body);
    assert.equal(response.status, 202, await response.clone().text());
    const { id } = Value.Parse(WorkspaceJob, await response.json());
    await bench.deps.workspace.wait(id);
    return get(`/jobs/${id}`, WorkspaceJob);
  }

  test('files are added, compared, pushed, lost, pulled and looked up in history', async () => {
    assert.deepEqual(await get('', WorkspaceView), { tracked: [], remotes: [] });
    assert.deepEqual(await get('/status', WorkspaceStatus), { items: [] });
    await writeFiles(bench, { 'images/a.txt': 'one', 'images/b.txt': 'two' });
    const added = await done({ verb: 'add', paths: ['images'] });
    assert.deepEqual(
      [added.state, added.by.name, added.results],
      ['finished', 'the-data-scientist', [{ path: 'images', counts: { files: 2, bytes: 6, read: 2, stored: 2 } }]],
    );
    git(bench, 'add', 'images.dvc');
    git(bench, 'commit', '-q', '-m', 'two images');
    writeFileSync(
      join(folder, '.dvc/config'),
      `[core]\n    remote = store\n['remote "store"']\n    url = ../../remote\n    secret_access_key = hush\n`,
    );
    const { tracked, remotes } = await get('', WorkspaceView);
    assert.deepEqual([tracked[0].path, tracked[0].isFolder, tracked[0].files], ['images', true, 2]);
    assert.deepEqual(remotes, [{ name: 'store', url: '../../remote', isDefault: true }]);
    assert.deepEqual((await done({ verb: 'push', paths: [] })).results, [{ path: 'store', counts: { pushed: 3, present: 0, bytes: 136 } }]);

    await writeFiles(bench, { 'images/c.txt': 'three' });
    rmSync(join(folder, 'images/a.txt'));
    const [status] = (await get('/status', WorkspaceStatus)).items;
    assert.deepEqual(
      [status.state, status.changes.added, status.changes.removed, status.changes.count],
      ['modified', ['c.txt'], ['a.txt'], 2],
    );
    const [diff] = (await get('/diff?from=HEAD', WorkspaceDiff)).items;
    assert.deepEqual([diff.path, diff.change, diff.changes.added], ['images', 'modified', ['c.txt']]);
    const refused = await done({ verb: 'checkout', paths: [] });
    assert.equal(refused.state, 'failed');
    assert.match(refused.error ?? '', /images\/c\.txt would be lost/);
    rmSync(join(folder, '.dvc/cache'), { recursive: true });
    assert.equal((await done({ verb: 'pull', paths: ['images'], force: true })).state, 'finished');
    assert.deepEqual([readFileSync(join(folder, 'images/a.txt'), 'utf8'), existsSync(join(folder, 'images/c.txt'))], ['one', false]);
    const versions = (await get('/log?path=images', WorkspaceVersions)).items;
    assert.deepEqual(
      versions.map(({ subject, author, files }) => [subject, author, files]),
      [['two images', 'Ada', 2]],
    );
    assert.equal((await get('/status', WorkspaceStatus)).items[0].state, 'clean');
  });

  test('nothing outside of the project’s folder is touched, by steps or by links', async () => {
    await writeFiles(bench, { '../beside/secret.txt': 'not of this project' });
    symlinkSync(join(folder, '../beside'), join(folder, 'link'));
    for (const path of ['../beside/secret.txt', '/etc/hostname', 'link/secret.txt', 'images/../../beside', '.', 'a\0b']) {
      const response = await begin({ verb: 'add', paths: [path] });
      assert.equal(response.status, 403, `${path}: ${await response.text()}`);
      assert.equal(
        (await bench.ask(`/api/v1/workspace/log?path=${encodeURIComponent(path)}`, { token: bench.tokens.admin })).status,
        403,
        path,
      );
    }
    assert.ok(!existsSync(join(folder, '../beside/secret.txt.dvc')));
    assert.equal((await bench.ask('/api/v1/workspace/diff?from=--output=x', { token: bench.tokens.admin })).status, 400);
  });

  test('whoever may only read starts and stops no job', async () => {
    assert.equal((await begin({ verb: 'push', paths: [] }, bench.tokens.stakeholder)).status, 403);
    const { id } = await done({ verb: 'checkout', paths: [] });
    const stop = (token: string): Promise<Response> => bench.ask(`/api/v1/workspace/jobs/${id}`, { method: 'DELETE', token });
    assert.deepEqual([(await stop(bench.tokens.stakeholder)).status, (await stop(bench.tokens['ml-engineer'])).status], [403, 200]);
    assert.equal((await bench.ask('/api/v1/workspace/jobs/none', { token: bench.tokens.admin })).status, 404);
    assert.equal((await begin({ verb: 'add', paths: [] })).status, 400);
  });
});
