import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { done, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { dvcMissing, openRepository } from './dvc.ts';
import { pythonMissing, runPython } from './python.ts';

const notebook = join(import.meta.dirname, '../../examples/notebooks/open-a-version.ipynb');

interface Seen {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly spend: number;
  readonly joined: string;
  readonly newsletter: string;
  readonly some: readonly number[];
  readonly age: readonly [string, number];
  readonly now: number;
  readonly before: string;
  readonly files: readonly string[];
}

describe('the notebook of the examples', { skip: pythonMissing || dvcMissing }, () => {
  test('opens a version by pandas, polars and pyarrow, and files that gyre data add versioned by dvc.api', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-notebook-'));
    await using repository = await openRepository();
    try {
      const commit = async (table: string): Promise<void> => {
        writeFileSync(join(repository.folder, 'table.csv'), table);
        assert.equal((await repository.gyre('data', 'add', 'table.csv', 'folder')).code, 0);
        await repository.git('add', '-A');
        assert.equal((await repository.git('commit', '-q', '-m', 'data')).code, 0);
      };
      mkdirSync(join(repository.folder, 'folder'));
      writeFileSync(join(repository.folder, 'folder/a.txt'), 'a');
      await commit('x\n1\n');
      await commit('x\n1\n2\n');

      const project = await smallProject(folder);
      await using server = await up({ cwd: project });
      await done(['data', 'ls'], { cwd: project });
      assert.equal((await server.post('datasets', { dataset: 'people' })).status, 200);
      const token = readFileSync(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
      const values = {
        rows: 'len(frame)',
        columns: 'list(frame.columns)',
        spend: 'float(frame.spend.sum())',
        joined: 'str(frame.joined.dtype)',
        newsletter: 'str(frame.newsletter.dtype)',
        some: 'some.to_series().to_list()',
        age: '[str(table.schema.field("age").type), table.num_rows]',
        now: 'len(now)',
        before: 'before',
        files: 'files',
      };
      const env = { GYRE_SERVER: server.address, GYRE_TOKEN: token, GYRE_DATASET: 'people', GYRE_REPOSITORY: repository.folder };
      const seen = await runPython<Seen>('notebook_peer.py', { notebook, values }, { env });

      const [header, ...lines] = readFileSync(join(project, 'people.csv'), 'utf8').trimEnd().split('\n');
      const cells = lines.map((line) => line.split(','));
      assert.deepEqual([seen.rows, seen.columns], [lines.length, header.split(',')]);
      const spend = cells.reduce((sum, row) => sum + Number(row[6]), 0);
      assert.ok(Math.abs(seen.spend - spend) < 1e-6, 'the same numbers, added up in another order');
      assert.match(seen.joined, /^datetime64\[ms/);
      assert.equal(seen.newsletter, 'bool');
      assert.deepEqual(
        seen.some,
        cells.slice(0, 5).map((row) => Number(row[1])),
      );
      assert.deepEqual(seen.age, ['int64', lines.length]);
      assert.deepEqual([seen.now, seen.before, seen.files], [2, 'x\n1\n', ['/folder/a.txt']]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
