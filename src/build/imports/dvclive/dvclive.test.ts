import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { Complaint, SourcePoint, SourceRun, TrackingSource } from '../source.ts';
import { writeFiles } from '../testing.ts';
import { openDvclive } from './folder.ts';

const live = {
  'params.yaml': 'lr: 0.1\nnested:\n  depth: 3\nlayers:\n- 1\n- 2\nnote: two words\n',
  'metrics.json': '{"train": {"loss": 0.5}, "acc": 0.9, "step": 1, "final": "nan", "verdict": "good"}',
  'plots/metrics/train/loss.tsv': 'step\tloss\n0\t1.0\n1\t0.5\n',
  'plots/metrics/acc.tsv': 'timestamp\tstep\tacc\n1767571200000\t0\t0.5\n1767571201000\t1\tinf\n176757',
  'plots/images/a.png': 'picture',
  'plots/sklearn/roc.json': '[]',
  'artifacts/model.bin': 'model',
  'artifacts/.gitignore': '/model.bin',
};

describe('folders of DVCLive', () => {
  let folder = '';
  let complaints: Complaint[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-dvclive-'));
    complaints = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (place = folder): Promise<TrackingSource> =>
    openDvclive({ folder: place, experiment: 'churn', complain: (complaint) => complaints.push(complaint) });
  const read = async (source: TrackingSource): Promise<readonly (readonly [SourceRun, readonly SourcePoint[], readonly string[]])[]> => {
    const found: [SourceRun, readonly SourcePoint[], readonly string[]][] = [];
    for await (const run of source.runs(''))
      found.push([
        run,
        (await Array.fromAsync(source.points('', run.id))).flat(),
        (await Array.fromAsync(source.files({ experiment: '', run: run.id }))).map(({ path }) => path),
      ]);
    return found;
  };

  test('are runs with parameters, every value, the summary and files', async () => {
    await writeFiles(join(folder, 'dvclive'), live);
    const [[run, points, files]] = await read(await open(join(folder, 'dvclive')));
    assert.deepEqual([run.name, run.status, run.startedAt], ['dvclive', 'FINISHED', 1767571200000]);
    assert.deepEqual(
      run.parameters.map(({ key, value }) => [key, value]),
      [
        ['lr', '0.1'],
        ['nested.depth', '3'],
        ['layers', '[1,2]'],
        ['note', 'two words'],
      ],
    );
    assert.deepEqual(run.tags, [{ key: 'verdict', value: 'good' }]);
    assert.deepEqual(
      points.map(({ key, value, step }) => [key, value, step]),
      [
        ['acc', 0.5, 0],
        ['acc', Infinity, 1],
        ['train/loss', 1, 0],
        ['train/loss', 0.5, 1],
        ['final', Number.NaN, 1],
      ],
    );
    assert.equal(points[1].timestamp, 1767571201000);
    assert.deepEqual(files, ['artifacts/model.bin', 'plots/images/a.png', 'plots/sklearn/roc.json']);
    assert.deepEqual(complaints, []);
  });

  test('are found below a folder; other parameters in the same one are another run', async () => {
    await writeFiles(join(folder, 'one', 'dvclive'), live);
    await writeFiles(join(folder, 'two'), { 'metrics.json': '{"acc": 1}', 'params.yaml': 'lr: 1\n' });
    await writeFiles(join(folder, '.git'), { 'metrics.json': '{}', 'params.yaml': '' });
    const before = (await read(await open())).map(([{ id, name }]) => ({ id, name }));
    assert.deepEqual(
      before.map(({ name }) => name),
      ['one/dvclive', 'two'],
    );
    assert.deepEqual(
      (await read(await open())).map(([{ id }]) => id),
      before.map(({ id }) => id),
    );
    await writeFiles(join(folder, 'two'), { 'params.yaml': 'lr: 2\n' });
    const after = (await read(await open())).map(([{ id }]) => id);
    assert.equal(after[0], before[0].id);
    assert.notEqual(after[1], before[1].id);
  });

  test('that cannot be read are said, and the others go on', async () => {
    await writeFiles(join(folder, 'one'), { 'metrics.json': '{"acc": 1}', 'params.yaml': 'lr: [\n' });
    await writeFiles(join(folder, 'two'), { 'metrics.json': '{"acc": 1}', 'params.yaml': 'lr: 1\n' });
    assert.deepEqual(
      (await read(await open())).map(([{ name }]) => name),
      ['two'],
    );
    assert.equal(complaints[0].what, 'one');
  });

  test('must be there', async () => {
    await assert.rejects(open(), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await assert.rejects(open(join(folder, 'none')), (error) => hasCode(error, 'NOT_FOUND'));
  });
});
