import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetComparison, DatasetIngestion, DatasetVersion } from '#contract';
import { done, facts, gyre, temporaryFolder, type Place } from '../harness/gyre-fixture.ts';
import { writeFiles } from '../harness/photos-fixture.ts';

interface Added {
  readonly version: DatasetVersion;
  readonly created: boolean;
  readonly ingestion: DatasetIngestion;
}

describe('a folder of files of any kind', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  const at = (...names: string[]): string => join(folder.path, ...names);
  const files = { 'a.pdf': '%PDF one', 'deep/er/b.json': '{"b":1}', 'sounds/c.wav': 'RIFF', LICENSE: '' };
  let first = '';

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    await writeFiles(at('contracts'), files);
    await writeFile(
      at('gyre.yaml'),
      'project: papers\ncharter: { problem: What do the contracts say?, owner: Ada }\ndata: { papers: { source: { files: contracts/ } } }\n',
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('is tracked, recorded without a copy, changed, refused until it is added, and compared', async () => {
    assert.equal((await gyre(['data', 'add', 'contracts/'], place)).code, 0);
    const added = await facts<Added>(['data', 'add', 'papers'], place);
    first = added.version.digest;
    assert.deepEqual([added.created, added.version.manifest.format, added.ingestion.kept], [true, 'files', 4]);
    await rename(at('contracts/a.pdf'), at('contracts/z.pdf'));
    await writeFile(at('contracts/deep/er/b.json'), '{"b":2}');
    const refused = await gyre(['data', 'add', 'papers'], place);
    assert.equal(refused.code, 3);
    assert.match(
      refused.stderr,
      /contracts has changed since contracts\.dvc was written \(1 changed, 1 renamed\): "gyre data add contracts\/"/,
    );
    assert.equal((await gyre(['data', 'add', 'contracts/'], place)).code, 0);
    const again = await facts<Added>(['data', 'add', 'papers'], place);
    assert.equal(again.created, true);
    const { files: changes } = await facts<DatasetComparison>(['data', 'compare', first, again.version.digest], place);
    assert.deepEqual(changes, {
      added: [],
      removed: [],
      modified: ['deep/er/b.json'],
      renamed: [{ from: 'a.pdf', to: 'z.pdf' }],
      count: 2,
    });
    const collected = await gyre(['data', 'gc'], place);
    assert.match(collected.stdout, /named by \.dvc files or dataset versions \(2 recorded paths\)/);
    const both = await done(['gc', '--what', 'data', '--grace', '1h', '--apply'], place);
    assert.match(both, /outcome +finished[^]*\(2 recorded paths\)/);
  });

  test('is checked out into a folder as any of its versions was, beside what is there', async () => {
    await writeFiles(at('then'), { 'notes.txt': 'mine', LICENSE: '' });
    const done = await facts<{ files: number; placed: number }>(['data', 'checkout', `papers@${first.slice(0, 8)}`, '--to', 'then'], place);
    assert.deepEqual([done.files, done.placed], [4, 3]);
    for (const [name, text] of Object.entries(files)) assert.equal(await readFile(at('then', name), 'utf8'), text);
    assert.equal(await readFile(at('then/notes.txt'), 'utf8'), 'mine');
    assert.deepEqual(
      (await readdir(at('then'))).filter((name) => name.startsWith('.')),
      [],
    );

    await writeFile(at('then/a.pdf'), 'changed');
    const refused = await gyre(['data', 'checkout', first, '--to', 'then'], place);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /1 file of other content is in .*then \(a\.pdf\): choose another folder, or give them up with --force/);
    assert.equal(await readFile(at('then/a.pdf'), 'utf8'), 'changed');
    await rm(at('then/deep'), { recursive: true });
    const forced = await facts<{ placed: number }>(['data', 'checkout', first, '--to', 'then', '--force'], place);
    assert.equal(forced.placed, 2, 'what stands as it was is not fetched again');
    assert.equal(await readFile(at('then/a.pdf'), 'utf8'), '%PDF one');
  });

  test('is not written through a link, and says which of its files are nowhere', async () => {
    await mkdir(at('elsewhere'));
    await mkdir(at('linked'));
    await symlink(at('elsewhere'), at('linked/deep'));
    const through = await gyre(['data', 'checkout', first, '--to', 'linked'], place);
    assert.notEqual(through.code, 0);
    assert.match(through.stderr, /deep\/er\/b\.json: .*is a link or a file: nothing is written through it/);
    assert.deepEqual(await readdir(at('elsewhere')), []);
    await rm(at('.dvc/cache/files'), { recursive: true, force: true });
    const lost = await gyre(['data', 'checkout', first, '--to', 'lost'], place);
    assert.equal(lost.code, 70);
    assert.match(lost.stderr, /4 files could not be had.*neither among the blobs nor in the workspace's cache.*gyre data pull/s);
    assert.equal((await gyre(['data', 'checkout', first, 'papers', '--to', 'x'], place)).code, 2);
  });
});
