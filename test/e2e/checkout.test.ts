import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ArtifactFile, Run, RunCheckout } from '#contract';
import { done, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { commitAll, edit, smallProject } from '../harness/projects-fixture.ts';

interface CheckedOut {
  readonly restored: readonly string[];
  readonly missing: readonly string[];
  readonly next: readonly string[];
}

describe('a run that is checked out', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project = '';
  let commit = '';
  let run = '';
  const git = (...words: string[]): string => execFileSync('git', ['-C', project, ...words], { encoding: 'utf8' }).trim();
  const modelOf = async (cwd: string): Promise<string | undefined> => {
    const { items } = await facts<{ items: Run[] }>(['runs', 'ls'], { cwd });
    const { id } = items.find(({ trainer }) => trainer === 'logistic') ?? { id: '' };
    const { artifacts } = await facts<{ artifacts: ArtifactFile[] }>(['runs', 'show', id], { cwd });
    return artifacts.find(({ path }) => path === 'model.onnx')?.digest;
  };

  before(async () => {
    folder = await temporaryFolder();
    project = await smallProject(folder.path);
    await writeFile(join(project, '.gitignore'), '.gyre\npeople.csv\n');
    commit = commitAll(project);
    await edit(join(project, 'gyre.yaml'), (text) => text.replace('Who cancels?', 'Who cancels, and when?'));
    await writeFile(join(project, 'helper.py'), 'print("not committed")\n');
    await done(['run'], { cwd: project });
    const { items } = await facts<{ items: Run[] }>(['runs', 'ls'], { cwd: project });
    run = items.find(({ trainer }) => trainer === 'logistic')?.id ?? '';
  });
  after(async () => folder[Symbol.asyncDispose]());

  test('has its commit, what was not committed, its data and parameters in a new folder, and trains the same bytes there', async () => {
    const then = join(folder.path, 'then');
    const made = await facts<CheckedOut>(['checkout', run, '--to', then], { cwd: project });
    assert.deepEqual(made.missing, []);
    assert.equal(execFileSync('git', ['-C', then, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(), commit);
    assert.match(await readFile(join(then, 'gyre.yaml'), 'utf8'), /and when\?/);
    assert.equal(await readFile(join(then, 'helper.py'), 'utf8'), 'print("not committed")\n');
    assert.equal(await readFile(join(then, 'people.csv'), 'utf8'), await readFile(join(project, 'people.csv'), 'utf8'));
    assert.deepEqual(Object.keys(JSON.parse(await readFile(join(then, '.gyre-run/parameters.json'), 'utf8')) as object), [
      'l2',
      'max_iterations',
    ]);
    assert.deepEqual(made.next, ['gyre run']);
    await done(['run'], { cwd: then });
    assert.equal(await modelOf(then), await modelOf(project));
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith('.gyre-run')),
      [],
    );
  });

  test('goes into no folder that holds something, and into no working folder with changes', async () => {
    const full = join(folder.path, 'full');
    await mkdir(full);
    await writeFile(join(full, 'mine'), 'mine');
    const refused = await gyre(['checkout', run, '--to', full], { cwd: project });
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /is not empty/);
    assert.deepEqual(await readdir(full), ['mine']);
    const dirty = await gyre(['checkout', run], { cwd: project });
    assert.equal(dirty.code, 3);
    assert.match(dirty.stderr, /changes that are not committed \(gyre\.yaml\)/);
    assert.equal(git('rev-parse', 'HEAD'), commit);
  });

  test('comes into the working folder where everything is committed, and data of other content are not replaced unasked', async () => {
    git('stash', '-u', '-q');
    await edit(join(project, '.gitignore'), (text) => `${text}*.tmp\n`);
    git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qam', 'later');
    const branch = git('rev-parse', '--abbrev-ref', 'HEAD');
    await edit(join(project, 'people.csv'), (text) => text.replace('c0001', 'c9001'));
    const changed = await readFile(join(project, 'people.csv'), 'utf8');
    const refused = await gyre(['checkout', run], { cwd: project });
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /people\.csv/);
    assert.equal(await readFile(join(project, 'people.csv'), 'utf8'), changed);
    assert.equal(git('rev-parse', '--abbrev-ref', 'HEAD'), branch);
    assert.equal(git('status', '--porcelain'), '');
    const made = await facts<CheckedOut>(['checkout', run, '--force'], { cwd: project });
    assert.equal(git('rev-parse', 'HEAD'), commit);
    assert.match(made.restored.join('\n'), new RegExp(`git switch ${branch}" goes back`));
    assert.equal(await readFile(join(project, 'people.csv'), 'utf8'), changed.replace('c9001', 'c0001'));
  });

  test('that a client logged has the files of its environment, and says what was never known', async () => {
    const there = await smallProject(join(folder.path, 'server'));
    await using server = await up({ cwd: there });
    const mlflow = async <T>(path: string, body: unknown): Promise<T> => {
      const response = await fetch(`${server.address}/api/2.0/mlflow/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()) as T;
    };
    const tags = Object.entries({
      'mlflow.source.git.commit': 'c0ffee0c0ffee0c0ffee0c0ffee0c0ffee0c0ffe',
      'mlflow.source.git.repoURL': 'https://user:secret@git.example/vision.git',
      'mlflow.source.name': '/home/kim/vision/train.py',
    }).map(([key, value]) => ({ key, value }));
    const { run: made } = await mlflow<{ run: { info: { run_id: string; experiment_id: string } } }>('runs/create', {
      experiment_id: '0',
      tags,
    });
    const id = made.info.run_id;
    const place = `${server.address}/api/2.0/mlflow-artifacts/artifacts/0/${id}/artifacts/model/requirements.txt`;
    assert.equal((await fetch(place, { method: 'PUT', body: 'scikit-learn==1.7.2\n' })).status, 200);
    await mlflow('runs/log-inputs', {
      run_id: id,
      datasets: [{ tags: [], dataset: { name: 'pictures', digest: 'abc', source_type: 'local', source: 'pictures.csv' } }],
    });
    const known = await server.get<RunCheckout>(`runs/${id}/checkout`);
    assert.equal(known.code.repository, 'https://git.example/vision.git');
    assert.deepEqual(
      known.missing.map((line) => line.replace(/:.*/s, '')),
      ['code', 'data', 'seed'],
    );
    assert.ok(known.commands.includes('pip install -r .gyre-run/environment/model/requirements.txt'), known.commands.join('\n'));
    assert.ok(known.commands.includes('python train.py'));
    const elsewhere = await gyre(['checkout', id, '--to', join(folder.path, 'foreign')], { cwd: there });
    assert.equal(elsewhere.code, 3);
    assert.match(elsewhere.stderr, /the run names https:\/\/git\.example\/vision\.git: name the repository/);
    const own = join(folder.path, 'repository');
    await mkdir(own);
    await writeFile(join(own, 'train.py'), 'print(1)\n');
    const commitOfIt = commitAll(own);
    await mlflow('runs/set-tag', { run_id: id, key: 'mlflow.source.git.commit', value: commitOfIt });
    const second = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id: '0',
      tags: [{ key: 'mlflow.source.git.commit', value: commitOfIt }],
    });
    const target = join(folder.path, 'foreign');
    const taken = await gyre(['checkout', second.run.info.run_id, '--to', target, '--repository', own], { cwd: there });
    assert.equal(taken.code, 1, taken.stderr);
    assert.match(taken.stdout, /missing\s+environment: no requirements\.txt/);
    assert.equal(await readFile(join(target, 'train.py'), 'utf8'), 'print(1)\n');
    await rm(target, { recursive: true });
  });
});
