import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { Complaint, SourcePoint, SourceRun, TrackingSource } from '../source.ts';
import { openWandb } from './folder.ts';
import { changeRecord, datastore, exitRecord, historyRecord, runRecord } from './testing.ts';

const begun = Date.UTC(2026, 0, 5);
const first = { id: 'abc', project: 'churn', name: 'first', at: begun };

describe('runs that wandb wrote to a folder', () => {
  let folder = '';
  let complaints: Complaint[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-wandb-'));
    complaints = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    const place = join(folder, 'wandb', name);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'run-abc.wandb'), bytes);
    return place;
  };
  const open = (more: { readonly artifacts?: string; readonly experiment?: string } = {}): Promise<TrackingSource> =>
    openWandb({ folder, complain: (complaint) => complaints.push(complaint), ...more });
  const read = async (source: TrackingSource): Promise<readonly (readonly [string, SourceRun, readonly SourcePoint[]])[]> => {
    const found: [string, SourceRun, readonly SourcePoint[]][] = [];
    for await (const { id, name } of source.experiments())
      for await (const run of source.runs(id)) found.push([name, run, (await Array.fromAsync(source.points(id, run.id))).flat()]);
    return found;
  };

  test('have parameters, points and a summary, with numbers that JSON cannot say', async () => {
    const records = [
      runRecord(first),
      changeRecord(5, { lr: '0.1', nested: '{"depth":3,"w":[1,2]}', name: '"x"', _wandb: '{}' }),
      historyRecord(0, { loss: '1', nan: 'NaN', both: '{"a":Infinity,"b":-Infinity,"c":"NaN"}', ok: 'true', _timestamp: '1767571201.5' }),
      historyRecord(7, { loss: '0.5', picture: '{"_type":"image-file","size":3}', said: '"hello"' }),
      historyRecord(7, { 'table.size': '9', 'table._type': '"table-file"', 'table.path': '"media/table/a.json"' }),
      changeRecord(3, { loss: '0.5', best: '0.25', verdict: '"good"', _step: '7' }),
      exitRecord(0),
    ];
    await write('offline-run-1-abc', datastore(records));
    const [[experiment, run, points]] = await read(await open());
    assert.deepEqual([experiment, run.name, run.status, run.startedAt, run.endedAt], ['churn', 'first', 'FINISHED', begun, begun + 5000]);
    assert.deepEqual(
      run.parameters.map(({ key, value }) => [key, value]),
      [
        ['lr', '0.1'],
        ['nested.depth', '3'],
        ['nested.w', '[1,2]'],
        ['name', 'x'],
      ],
    );
    assert.deepEqual(
      run.tags.map(({ key, value }) => [key, value]),
      [
        ['wandb.run_id', 'abc'],
        ['both.c', 'NaN'],
        ['said', 'hello'],
        ['verdict', 'good'],
      ],
    );
    assert.deepEqual(
      points.map(({ key, value, step }) => [key, value, step]),
      [
        ['loss', 1, 0],
        ['nan', Number.NaN, 0],
        ['both.a', Infinity, 0],
        ['both.b', -Infinity, 0],
        ['ok', 1, 0],
        ['loss', 0.5, 7],
        ['best', 0.25, 7],
      ],
    );
    assert.equal(points[0].timestamp, 1767571201500);
  });

  test('are read over the borders of blocks, up to a record that is cut off; who does not say how it ended was killed', async () => {
    const long = JSON.stringify('x'.repeat(70_000));
    const many = Array.from({ length: 3000 }, (_, step) => historyRecord(step, { loss: String(step) }));
    const bytes = datastore([runRecord(first), changeRecord(5, { long }), ...many, historyRecord(3000, { loss: '3000' })]);
    await write('offline-run-1-abc', bytes.subarray(0, bytes.length - 3));
    const [[, run, points]] = await read(await open());
    assert.deepEqual([run.status, run.parameters[0].value.length], ['KILLED', 70_000]);
    assert.deepEqual(
      points.map(({ step }) => step),
      many.map((_, step) => step),
    );
    assert.deepEqual(complaints, []);
  });

  test('that are damaged give what is in the other blocks, and say so', async () => {
    const many = Array.from({ length: 5000 }, (_, step) => historyRecord(step, { loss: String(step) }));
    const bytes = datastore([runRecord(first), ...many]);
    bytes[32 * 1024 + 100] ^= 1;
    await write('offline-run-1-abc', bytes);
    const [[, , points]] = await read(await open());
    assert.ok(points.length > 3000 && points.length < 5000, String(points.length));
    assert.equal(points.at(-1)?.step, 4999);
    assert.match(complaints[0].why, /damaged at byte/);
  });

  test('in several parts are one run, and links to the newest are not read twice', async () => {
    await write('offline-run-1-abc', datastore([runRecord(first), historyRecord(0, { loss: '1' })]));
    const second = await write('run-2-abc', datastore([runRecord(first), historyRecord(1, { loss: '2' }), exitRecord(1)]));
    await symlink(second, join(folder, 'wandb', 'latest-run'));
    const found = await read(await open({ experiment: 'mine' }));
    assert.equal(found.length, 1);
    const [[experiment, run, points]] = found;
    assert.deepEqual([experiment, run.status, points.map(({ step }) => step)], ['mine', 'FAILED', [0, 1]]);
  });

  test('bring the files of their folder along, and links only to folders that were named', async () => {
    const place = await write('offline-run-1-abc', datastore([runRecord(first), exitRecord(0)]));
    await mkdir(join(place, 'files', 'media'), { recursive: true });
    await writeFile(join(place, 'files', 'media', 'a.png'), 'picture');
    await writeFile(join(folder, 'saved.txt'), 'saved');
    await symlink(join(folder, 'saved.txt'), join(place, 'files', 'saved.txt'));
    const filesOf = async (source: TrackingSource): Promise<readonly string[]> => {
      const [[experiment, { id }]] = await read(source);
      return (await Array.fromAsync(source.files({ experiment, run: id }))).map(({ path }) => path);
    };
    assert.deepEqual(await filesOf(await open()), ['media/a.png']);
    assert.match(complaints[0].why, /--artifacts/);
    assert.deepEqual(await filesOf(await open({ artifacts: folder })), ['media/a.png', 'saved.txt']);
  });

  test('must be there, and be wandb’s', async () => {
    await assert.rejects(open(), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await write('run-1-abc', Buffer.from('something else'));
    assert.deepEqual(await read(await open()), []);
    assert.match(complaints[0].why, /no run of wandb/);
  });
});
