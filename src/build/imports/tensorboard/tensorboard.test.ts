import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { Complaint, SourcePoint, TrackingSource } from '../source.ts';
import { openTensorboard } from './folder.ts';
import { crc32c, readRecords } from './records.ts';
import { scalarRecord } from './testing.ts';

const file = 'events.out.tfevents.1.host';

describe('event files of TensorBoard', () => {
  let folder = '';
  let complaints: Complaint[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-board-'));
    complaints = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (live = false): Promise<TrackingSource> =>
    openTensorboard({ folder, live, complain: (complaint) => complaints.push(complaint) });
  const read = async (source: TrackingSource): Promise<Readonly<Record<string, readonly SourcePoint[]>>> => {
    const found: Record<string, readonly SourcePoint[]> = {};
    for await (const { id, name } of source.runs('')) found[name] = (await Array.fromAsync(source.points('', id))).flat();
    return found;
  };
  const steps = (points: readonly SourcePoint[] = []): readonly number[] => points.map(({ step }) => step);

  test('are framed with the CRC-32C of RFC 3720', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.deepEqual(readRecords(scalarRecord('a', 1, 0, 1)).damaged, false);
  });

  test('are runs by their folders, with the values of each scalar', async () => {
    await mkdir(join(folder, 'one', 'deep'), { recursive: true });
    await writeFile(join(folder, 'one', file), Buffer.concat([0, 1, 2].map((step) => scalarRecord('loss', step / 2, step, 1000 + step))));
    await writeFile(join(folder, 'one', 'deep', file), scalarRecord('loss', -1, 7, 5000));
    await writeFile(join(folder, 'one', 'notes.txt'), 'no events');
    await using source = await open();
    assert.deepEqual(await read(source), {
      one: [
        { key: 'loss', value: 0, step: 0, timestamp: 1000 },
        { key: 'loss', value: 0.5, step: 1, timestamp: 1001 },
        { key: 'loss', value: 1, step: 2, timestamp: 1002 },
      ],
      'one/deep': [{ key: 'loss', value: -1, step: 7, timestamp: 5000 }],
    });
  });

  test('that grow are read on from where reading ended, a record that was half written included', async () => {
    const path = join(folder, file);
    const last = scalarRecord('loss', 2, 2, 3);
    await using source = await open(true);
    assert.deepEqual(await read(source), {}, 'nothing is there yet');
    await writeFile(path, Buffer.concat([scalarRecord('loss', 0, 0, 1), scalarRecord('loss', 1, 1, 2), last.subarray(0, 20)]));
    assert.deepEqual(Object.values(await read(source)).map(steps), [[0, 1]]);
    assert.deepEqual(await read(source), {}, 'nothing grew');
    await appendFile(path, last.subarray(20));
    assert.deepEqual(Object.values(await read(source)).map(steps), [[2]]);
    assert.deepEqual(complaints, []);
  });

  test('that are damaged give what is before the damage, and say so', async () => {
    const bytes = Buffer.concat([0, 1, 2].map((step) => scalarRecord('loss', step, step, 1 + step)));
    bytes[scalarRecord('loss', 0, 0, 1).length + 15] ^= 1;
    await writeFile(join(folder, file), bytes);
    await using source = await open();
    assert.deepEqual(Object.values(await read(source)).map(steps), [[0]]);
    assert.match(complaints[0].why, /checksum/);
  });

  test('must be there', async () => {
    await assert.rejects(open(), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });
});
