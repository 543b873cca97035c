import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CiRun, ModelVersion } from '#contract';
import { newRepository, type Repository, withoutVisits } from '../harness/ci-fixture.ts';
import { done, facts, gyre, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';

const gates = 'ci: { base: main, mayWorsen: { accuracy: 0.02 } }\n';

describe('a commit that is checked in its own checkout', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: Repository;
  const ci = (...words: readonly string[]) => gyre(['ci', ...words], { cwd: repository.checkout });

  before(async () => {
    folder = await temporaryFolder();
    repository = await newRepository(folder.path, gates);
  });
  after(() => folder[Symbol.asyncDispose]());

  test('is compared with nothing where nothing is on record, and says so', async () => {
    const { code, stdout, stderr } = await ci('--report', 'out/report.md', '--env', 'out/ci.env');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Compared with: main has no commit before this one: there is nothing to compare with/);
    assert.match(await readFile(join(repository.checkout, 'out/ci.env'), 'utf8'), /^GYRE_RELEASE=needed\nGYRE_MODEL_VERSION=shop\/1$/m);
    assert.match(await readFile(join(repository.checkout, 'out/report.md'), 'utf8'), /^## Gyre CI: passed/);
  });

  test('fails with 1 when a metric fell by more than it may, against the run of the commit where the branch left the base', async () => {
    const base = repository.git('rev-parse', 'HEAD');
    repository.branch('forgetful');
    await repository.commit('without visits', { 'gyre.yaml': withoutVisits });
    const { code, stdout } = await ci('--junit', 'out/junit.xml');
    assert.equal(code, 1, stdout);
    assert.match(stdout, new RegExp(`Compared with: main at ${base.slice(0, 12)}, its newest commit before this one`));
    assert.match(stdout, /cached split:customers/, 'what did not change is not done again');
    assert.match(stdout, /failed comparison: accuracy may worsen by 0\.02: 0\.\d+ against 0\.\d+: worse by 0\.\d+, beyond chance/);
    const junit = await readFile(join(repository.checkout, 'out/junit.xml'), 'utf8');
    assert.match(junit, /<testcase classname="gyre.comparison" name="accuracy may worsen by 0.02" time="0.000">\n\s+<failure message="0\./);
  });

  test('says by how much rows and columns of the data differ', async () => {
    repository.git('checkout', '-q', 'main');
    repository.branch('fewer-rows');
    await repository.commit('fewer rows', { 'customers.csv': (csv) => csv.split('\n').slice(0, 361).join('\n') });
    const run = JSON.parse((await ci('--json')).stdout) as CiRun;
    const [data] = run.report?.data ?? [];
    assert.deepEqual([data?.baseRows, data?.rows, data?.changes[0]], [400, 360, 'rows: 0 added, 40 removed']);
  });

  test('goes back along the base branch to the newest commit that was run, also by "gyre run"', async () => {
    repository.git('checkout', '-q', 'main');
    const ran = await repository.commit('a word', { 'notes.md': () => 'ran' });
    await done(['run'], { cwd: repository.checkout });
    await repository.commit('another word', { 'notes.md': () => 'did not run' });
    repository.branch('later');
    await repository.commit('a third word', { 'notes.md': () => 'a branch' });
    const { report } = await facts<CiRun>(['ci'], { cwd: repository.checkout });
    assert.equal(report?.base.commit, ran);
    assert.match(report?.base.says ?? '', /1 commit back: the later ones have no run on record$/);
    assert.equal(report?.base.sameReport, true, 'notes change no model');
  });

  test('runs the base first where it was never run and that is asked for', async () => {
    repository.git('checkout', '-q', '--orphan', 'fresh');
    await repository.commit('from nothing', {
      'gyre.yaml': (yaml) => yaml.replace('metric: accuracy', 'metric: accuracy, params: { l2: 3 }'),
    });
    repository.branch('feature');
    await repository.commit('a change', { 'gyre.yaml': (yaml) => yaml.replace('l2: 3', 'l2: 4') });
    const plain = await facts<CiRun>(['ci', '--base', 'fresh'], { cwd: repository.checkout });
    assert.match(plain.report?.base.says ?? '', /^commit [0-9a-f]{12}, all of fresh before this one, has no run on record: /);
    assert.equal(plain.report?.base.commit, undefined);
    const trained = await facts<CiRun>(['ci', '--base', 'fresh', '--train-base'], { cwd: repository.checkout });
    assert.equal(trained.report?.base.commit, repository.git('rev-parse', 'fresh'));
    assert.ok(trained.report?.parameters.some(({ name, base, here }) => name === 'l2' && base === '3' && here === '4'));
    assert.deepEqual(await readdir(join(repository.checkout, '.gyre/commits')), [], 'the base’s folder is taken away');
  });

  test('fails with what is wrong in its gyre.yaml, with line and column, where the metric is none', async () => {
    repository.git('checkout', '-q', 'main');
    const text = await readFile(join(repository.checkout, 'gyre.yaml'), 'utf8');
    await writeFile(join(repository.checkout, 'gyre.yaml'), text.replace('mayWorsen: { accuracy: 0.02 }', 'mayWorsen: { acuracy: 0.02 }'));
    const { code, stderr } = await ci();
    assert.equal(code, 2);
    assert.match(stderr, /gyre\.yaml:\d+:\d+ ci\.mayWorsen\.acuracy: "acuracy" is no metric; did you mean "accuracy"\?/);
    await writeFile(join(repository.checkout, 'gyre.yaml'), text);
  });
});

describe('a commit that a server checks', { timeout: 300_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: Repository;
  let house: Up;
  let env: Record<string, string>;
  const ci = (...words: readonly string[]) => gyre(['ci', ...words], { cwd: repository.checkout, env });

  before(async () => {
    folder = await temporaryFolder();
    repository = await newRepository(folder.path, gates);
    house = await up({ cwd: repository.project });
    const token = (await readFile(join(house.dataFolder, 'secrets/owner-token'), 'utf8')).trim();
    env = { GYRE_SERVER: house.address, GYRE_TOKEN: token };
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('comes from the origin of the project’s repository, and leaves the project’s folder as it is', async () => {
    assert.equal((await ci()).code, 0);
    repository.branch('feature');
    const commit = await repository.commit('without visits', { 'gyre.yaml': withoutVisits });
    repository.push();
    const { code, stdout, stderr } = await ci();
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /failed comparison: accuracy may worsen by 0\.02/);
    const [run] = (await house.get<{ items: readonly CiRun[] }>('ci-runs?branch=feature')).items;
    assert.equal(run?.commit, commit);
    const version = await house.get<ModelVersion>(`model-versions/${run?.report?.modelVersion?.id}`);
    const { code: trainedFrom } = await house.get<{ code: { commit: string; dirty: boolean } }>(`runs/${version.run}`);
    assert.deepEqual([trainedFrom.commit, trainedFrom.dirty], [commit, false], 'the run names the commit it was made from');
    assert.doesNotMatch(await readFile(join(repository.project, 'gyre.yaml'), 'utf8'), /id, visits/);
    assert.deepEqual(await readdir(join(house.dataFolder, 'commits')), []);
  });

  test('makes a candidate on the base branch alone', async () => {
    const candidate = await house.get<ModelVersion>('models/shop/versions/candidate');
    assert.equal(candidate.version, 1);
  });

  test('is refused where files differ from it, and where the origin has no such commit', async () => {
    await writeFile(join(repository.checkout, 'gyre.yaml'), `${await readFile(join(repository.checkout, 'gyre.yaml'), 'utf8')}# more\n`);
    const dirty = await ci();
    assert.equal(dirty.code, 3);
    assert.match(dirty.stderr, /files differ from the commit, and the server would not see that: commit them first/);
    await repository.commit('never pushed', {});
    const unknown = await ci();
    assert.equal(unknown.code, 1);
    assert.match(unknown.stdout, /is not in the repository of this project, and no branch of its origin has it/);
  });

  test('runs no code of its project file in the server', async () => {
    await repository.commit('code', { 'gyre.ts': () => "throw new Error('I ran')\n" });
    repository.push();
    const { code, stdout } = await ci();
    assert.equal(code, 1);
    assert.match(stdout, /has a gyre\.ts, whose code would run in the server: this project is written in gyre\.yaml/);
    assert.doesNotMatch(stdout, /I ran/);
  });

  test('needs somebody who may build', async () => {
    const { body } = await house.post<{ id: string }>('identities', { name: 'stan', roles: ['stakeholder'] });
    const { body: issued } = await house.post<{ secret: string }>(`identities/${body.id}/tokens`, { label: 'test' });
    const refused = await gyre(['ci'], { cwd: repository.checkout, env: { ...env, GYRE_TOKEN: issued.secret } });
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /permission "build" is needed/);
  });
});
