import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import type { Random } from '#core';
import { openSession, tensor } from '#onnx';
import type { Feeds } from '#onnx';
import { pythonMissing, runPython } from './python.ts';

describe('graphs of scikit-learn, LightGBM and XGBoost', { skip: pythonMissing }, () => {
  test('are computed without the runtime, to the very values that it gives, for one row and for thousands', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-direct-'));
    try {
      const { tables, columns } = await runPython<{ tables: string[]; columns: string[] }>('direct_peer.py', { folder });
      assert.ok(tables.length > 20 && columns.length === 2);
      for (const name of [...tables, ...columns]) {
        const graph = await readFile(join(folder, `${name}.onnx`));
        await using runtime = await openSession(graph);
        await using direct = await openSession(graph, { direct: true });
        assert.ok(direct.runNow, `${name} is left to the runtime`);
        const random = seeded(9);
        for (const rows of [1, 2, 63, 4000]) {
          const feeds = tables.includes(name) ? { X: tensor('FLOAT', [rows, 8], numbers(random, 8 * rows)) } : columnFeeds(random, rows);
          assert.deepEqual(direct.runNow(feeds), await runtime.run(feeds), `${name}, ${rows} rows`);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Most like those that the models learned from, some missing, some far off. */
function numbers(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => (random.int(20) === 0 ? [NaN, 0, 1e9, -1e9][random.int(4)] : random.normal()));
}

function columnFeeds(random: Random, rows: number): Feeds {
  const texts = Array.from({ length: rows }, () => ['a', 'b', 'c', 'd', ''][random.int(5)]);
  const of = (): Feeds[string] => tensor('FLOAT', [rows, 1], numbers(random, rows));
  return { p: of(), q: of(), r: of(), t: tensor('STRING', [rows, 1], texts) };
}
