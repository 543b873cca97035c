import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { JudgedVersion, PipelineRun, PredictAnswer, TestReport } from '#contract';
import { runCli } from '#cli';
import { done, facts, gyre, type Place, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { commitAll, edit, people } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

const customer = { age: 30, plan: 'basic', income: 52_000, newsletter: false, joined: '2025-01-20', spend: 71.5 };

describe('gyre with a table of one’s own', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let here: Place;

  before(async () => {
    folder = await temporaryFolder();
    here = { cwd: folder.path };
    await writeFile(join(folder.path, 'people.csv'), people(900));
  });
  after(() => folder[Symbol.asyncDispose]());

  test('init finds key and target, check is content, run builds, and what is released predicts', async () => {
    const made = await facts<{ readonly key?: string; readonly target?: string; readonly problems: readonly unknown[] }>(
      ['init', 'shop', '--from', 'people.csv'],
      here,
    );
    assert.deepEqual([made.key, made.target, made.problems], ['customer_id', 'cancelled', []]);
    const place: Place = { cwd: join(folder.path, 'shop') };
    await patientTests(place.cwd);
    commitAll(place.cwd);
    assert.match(await done(['check'], place), /^fine: gyre\.yaml/);
    const run = await facts<PipelineRun>(['run'], place);
    assert.equal(run.state, 'succeeded');
    const version = await facts<JudgedVersion>(['model', 'show', 'shop/1'], place);
    assert.deepEqual(
      [version.signature.task, version.signature.positive, [...version.signature.classes].sort()],
      ['binary', 'yes', ['no', 'yes']],
    );
    assert.match(await done(['run'], place), /cached register/);

    await using house = await up(place);
    await releaseVersion(house, 'shop', 1);
    await writeFile(join(place.cwd, 'row.json'), JSON.stringify(customer));
    const answer = await facts<PredictAnswer>(['predict', '--rows', 'row.json'], place);
    const [prediction] = answer.predictions;
    const { yes = Number.NaN, no = Number.NaN } = prediction.probabilities ?? {};
    assert.ok(Math.abs(yes + no - 1) < 1e-6 && yes > 0.5, JSON.stringify(prediction));
    await house.post('monitor/ingest', {});
    assert.match(await done(['label', prediction.id, 'yes'], place), /^1 joined/);
    const shown = await facts<{ readonly prediction: { readonly label: { readonly value: string } } }>(
      ['prediction', 'show', prediction.id],
      place,
    );
    assert.equal(shown.prediction.label.value, 'yes');
    const trace = await gyre(['trace', 'prediction', prediction.id], place);
    assert.equal(trace.code, 0, trace.stdout);
    assert.equal((await gyre(['reproduce', 'shop/1'], place)).code, 0);
  });

  test('a project for tracking alone needs no data: it is served, and logged to without a token', async () => {
    await done(['init', 'lab', '--tracking'], here);
    const place: Place = { cwd: join(folder.path, 'lab') };
    await done(['check'], place);
    await using house = await up(place);
    const answer = await fetch(`${house.address}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: '0', run_name: 'first' }),
    });
    assert.equal(answer.status, 200);
    const { items } = await house.get<{ readonly items: readonly { readonly name: string }[] }>('runs');
    assert.deepEqual(
      items.map(({ name }) => name),
      ['first'],
    );
    assert.equal((await gyre(['init', 'other', '--tracking', '--key', 'id'], here)).code, 2);
    assert.equal((await gyre(['init', 'other'], here)).code, 2);
  });

  test('a number as target makes a regression, with its own metrics, and predicts a number', async () => {
    const made = await facts<{ readonly target?: string }>(['init', 'spending', '--from', 'people.csv', '--target', 'spend'], here);
    assert.equal(made.target, 'spend');
    const place: Place = { cwd: join(folder.path, 'spending') };
    await patientTests(place.cwd);
    const run = await facts<PipelineRun>(['run'], place);
    assert.equal(run.state, 'succeeded', JSON.stringify(run.steps.map(({ step, error }) => [step, error])));
    const version = await facts<JudgedVersion>(['model', 'show', 'spending/1'], place);
    assert.equal(version.signature.task, 'regression');
    await using house = await up(place);
    const report = await house.get<TestReport>(`test-reports/${version.testReport}`);
    const r2 = report.metrics.find(({ name }) => name === 'r2')?.value;
    assert.ok(typeof r2 === 'number' && r2 > 0.8, `spend follows income and plan: R² ${r2}`);
    await releaseVersion(house, 'spending', 1);
    const { spend: _spend, ...inputs } = customer;
    await writeFile(join(place.cwd, 'row.json'), JSON.stringify({ ...inputs, cancelled: 'no' }));
    const answer = await facts<PredictAnswer>(['predict', '--rows', 'row.json'], place);
    const value = answer.predictions[0]?.value;
    // The table was made as 20 + income / 1000 with noise of 5.
    assert.ok(value !== undefined && Math.abs(value - 72) < 20, `${value}`);
  });

  test('what misses a gate is registered all the same, says so, and cannot be released', async () => {
    const place: Place = { cwd: join(folder.path, 'shop') };
    await edit(join(place.cwd, 'gyre.yaml'), (text) => text.replace('roc_auc: ">= 0.75"', 'roc_auc: ">= 0.999"'));
    const run = await gyre(['run'], place);
    assert.equal(run.code, 1, 'a gate said no');
    assert.match(run.stdout, /cached boosting/);
    assert.match(run.stdout, /register: shop version 2, .*its gates are not passed/);
    const version = await facts<JudgedVersion>(['model', 'show', 'shop/2'], place);
    assert.equal(version.testsPassed, false);
    const refused = await gyre(['release', 'roll', 'shop/2', 'production', '--reason', 'try'], place);
    assert.equal(refused.code, 3, `${refused.stdout}${refused.stderr}`);
    assert.match(refused.stderr, /did not pass the gates of its test report/);

    const compared = await facts<{
      sameRows: boolean;
      metrics: readonly { name: string; left: number; right: number; difference: number }[];
    }>(['model', 'compare', 'shop/1', 'shop/2'], place);
    assert.equal(compared.sameRows, true);
    const [auc] = compared.metrics.filter(({ name }) => name === 'roc_auc');
    assert.ok(auc.left > 0.75 && auc.difference === auc.right - auc.left, JSON.stringify(auc));
    assert.match((await gyre(['model', 'compare', 'shop/1', 'shop/2'], place)).stdout, /WHAT +SHOP\/1 +SHOP\/2/);
  });
});

describe('the command line', () => {
  test('explains every verb, and every explanation ends with 0', async () => {
    await using folder = await temporaryFolder();
    const seen: string[] = [];
    const walk = async (words: readonly string[]): Promise<void> => {
      const text = await helpOf(words);
      assert.match(text, /^Usage: gyre/, words.join(' '));
      seen.push(words.join(' '));
      const listed = words.length === 0 ? text : (/^Commands:\n((?: .*\n)+)/m.exec(text)?.[1] ?? '');
      const verbs = [...listed.matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm)].map(([, verb]) => verb);
      for (const verb of verbs.filter((name) => name !== 'gyre' && name !== 'help')) await walk([...words, verb]);
    };
    await walk([]);
    assert.equal((await gyre(['run', '--help'], { cwd: folder.path })).code, 0);
    for (const verb of [
      'demo',
      'up',
      'run',
      'init',
      'check',
      'trace',
      'reproduce',
      'audit verify',
      'data show',
      'release approve',
      'package verify',
      'monitor alerts',
    ])
      assert.ok(seen.includes(verb), `${verb} of ${seen.join(', ')}`);
  });

  test('tells the shell what happened', async () => {
    await using folder = await temporaryFolder();
    const place: Place = { cwd: folder.path };
    const code = async (...words: string[]): Promise<number | null> => (await gyre(words, place)).code;
    assert.equal(await code('--version'), 0);
    assert.equal(await code('fly'), 2, 'no such verb');
    assert.equal(await code('run', '--sideways'), 2, 'no such option');
    assert.equal(await code('check'), 2, 'no project');
    assert.equal(await code('init', 'x', '--from', 'nowhere.csv'), 4, 'no such file');
    assert.equal(await code('data', 'ls', '--server', 'http://127.0.0.1:1'), 5, 'nothing answers');
    const failed = await gyre(['data', 'ls', '--server', 'http://127.0.0.1:1', '--json'], place);
    const { error } = JSON.parse(failed.stderr) as { readonly error: { readonly code: string } };
    assert.equal(error.code, 'UNAVAILABLE');
    assert.equal(failed.stdout, '');
  });
});

/** Many verbs, one process: what `gyre WORDS --help` prints. */
async function helpOf(words: readonly string[]): Promise<string> {
  let text = '';
  const stdout = { write: (piece: string) => (text += piece) };
  const code = await runCli([...words, '--help'], {
    stdout,
    stderr: stdout,
    environment: {},
    folder: '/nowhere',
    today: () => '2026-01-01',
    readStdin: () => Promise.reject(new Error('help reads nothing')),
    app: () => Promise.reject(new Error('help opens nothing')),
    signal: new AbortController().signal,
    version: '0',
  });
  assert.equal(code, 0, `${words.join(' ')}: ${text}`);
  return text;
}

/** As on a machine that does other things, too. */
function patientTests(folder: string): Promise<void> {
  return edit(join(folder, 'gyre.yaml'), (text) =>
    text.replace('release:\n', 'release:\n  tests: { latencyP99Ms: 5000, requestsPerSecond: 20, durationMs: 300 }\n'),
  );
}
