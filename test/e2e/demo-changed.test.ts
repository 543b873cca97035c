import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { QualityReport } from '#contract';
import { seeded } from '#core';
import { done, facts, gyre, type Place, temporaryFolder } from '../harness/gyre-fixture.ts';
import { narration } from '../harness/narration-fixture.ts';
import { copyOfExample, edit, fewTrials } from '../harness/projects-fixture.ts';

interface Audited {
  readonly items: readonly { readonly action: string }[];
}

const actionsOf = async (place: Place): Promise<readonly string[]> =>
  (await facts<Audited>(['audit', 'ls', '--limit', '500'], place)).items.map(({ action }) => action);

describe('gyre demo over a changed copy of the example', () => {
  test('with labels that say nothing stops at the gates of the test report, and releases nothing', async () => {
    await using folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    await edit(join(example.folder, 'data/telco-churn.csv'), shuffleLastColumn);
    const place: Place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    const ended = await gyre(['demo', '--exit', '-C', example.folder], place);
    assert.equal(ended.code, 3, `${ended.stdout}${ended.stderr}`);
    const told = narration(ended.stdout);
    const [auc] = told.figures('evaluation', /^ROC AUC ([\d.]+)/);
    assert.ok(auc > 0.4 && auc < 0.6, `chance: ${auc}`);
    assert.match(told.station('evaluation')[0], /gates failed: .*roc_auc.*0\.8/);
    assert.deepEqual(told.station('release'), []);
    assert.match(ended.stderr, /roc_auc|gate/);
    const actions = await actionsOf(place);
    assert.deepEqual(
      actions.filter((action) => /alias.*champion|alert|approval/.test(action)),
      [],
    );
  });

  test('without the rule of behaviour has nothing that a retraining could learn, and ends with 1', async () => {
    await using folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await edit(join(example.folder, 'drift.yaml'), (text) => text.replace(/^labels:[\s\S]*$/m, 'labels: []\n'));
    await fewTrials(example.folder);
    const place: Place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    const ended = await gyre(['demo', '--exit', '-C', example.folder], place);
    assert.equal(ended.code, 1, `${ended.stdout}${ended.stderr}`);
    const told = narration(ended.stdout);
    const [before] = told.figures('before', /^accuracy ([\d.]+)/);
    const [during] = told.figures('during', /^accuracy ([\d.]+)/);
    assert.ok(during > 0.9 * before, `the world did not change: ${before}, then ${during}`);
    assert.deepEqual(told.station('after'), []);
    assert.equal(told.station('release').length, 1);

    // the very rows whose later ones were the traffic: production is like them
    await edit(join(example.folder, 'gyre.yaml'), (text) =>
      text.replace('    target: Churn\n', '    target: Churn\n    quality: { production: 3650d }\n'),
    );
    const { items } = await facts<{ items: readonly { digest: string; part?: string }[] }>(
      ['data', 'ls', '--dataset', 'customers', '--limit', '200'],
      place,
    );
    const whole = items.findLast(({ part }) => part === undefined);
    assert.ok(whole !== undefined);
    const { characteristics } = JSON.parse(
      (await gyre(['data', 'quality', '--run', whole.digest, '--json'], place)).stdout,
    ) as QualityReport;
    const check = characteristics.flatMap(({ checks }) => checks).find(({ name }) => name === 'representative of production');
    assert.ok(check !== undefined && check.score !== null && (check.applied ?? 0) >= 15, check?.message ?? 'no such check');
  });

  test('with a limit that no plane meets measures the load three times, each on record, and certifies nothing', async () => {
    await using folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    await edit(join(example.folder, 'gyre.yaml'), (text) => text.replace('latencyP99Ms: 5000', 'latencyP99Ms: 0.0001'));
    const place: Place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    const ended = await gyre(['demo', '--exit', '-C', example.folder], place);
    assert.equal(ended.code, 3, `${ended.stdout}${ended.stderr}`);
    assert.match(ended.stderr, /refused: application tests .* failed: load: latency/);
    assert.equal(ended.stdout.match(/QA measures again/g)?.length, 2);
    const actions = await actionsOf(place);
    assert.equal(actions.filter((action) => action.includes('application_test.finished')).length, 3, actions.join(', '));
    assert.deepEqual(narration(ended.stdout).station('release'), []);
  });

  test('as a control run says that retraining does not help, and the champion stays', async () => {
    await using folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    const place: Place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    const told = narration(await done(['demo', '--exit', '--control', '-C', example.folder], place));
    assert.match(told.text, /Control run: /);
    assert.match(told.station('ALERT')[0], /drifted/);
    assert.match(told.station('verdict')[0], /retraining does not help: the champion stays/);
    assert.match(told.station('same rows')[0], /: (no evidence|worse)$/);
    assert.equal(told.station('release').length, 1);
    assert.deepEqual(told.station('after'), []);
    const { version } = await facts<{ readonly version: number }>(['model', 'show', 'churn@champion', '--data', '.gyre-control'], place);
    assert.equal(version, 1);
  });
});

/** The same labels on other rows: their share stays, and what they say about a row is gone. */
function shuffleLastColumn(text: string): string {
  const [header, ...lines] = text.trimEnd().split('\n');
  const cut = lines.map((line) => line.lastIndexOf(','));
  const labels = lines.map((line, at) => line.slice(cut[at]));
  seeded(5).shuffle(labels);
  return `${[header, ...lines.map((line, at) => line.slice(0, cut[at]) + labels[at])].join('\n')}\n`;
}
