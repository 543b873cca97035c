import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { asSha256, hasCode } from '#core';
import { toRecords } from '#tables';
import { openWorkspace, openWorkspaceObjects } from '#workspace';
import { photo } from '../image-sets/testing.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import type { FilesIngestRequest } from './file-port.ts';

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const options = { signal: new AbortController().signal, threads: 1 };
const request = (path: string): FilesIngestRequest => ({ dataset: 'contracts', path, source: 'contracts', key: 'path', by: ada });

async function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await utimes(file, new Date('2025-06-01'), new Date('2025-06-01'));
  }
}

async function textOf(bench: Bench, version: string, digest: string): Promise<string> {
  const { bytes } = await bench.data.files.file(version, digest);
  return Buffer.concat(bytes instanceof Uint8Array ? [bytes] : await Array.fromAsync(bytes)).toString('utf8');
}

describe('a folder of files that is tracked', () => {
  let project: string;
  let bench: Bench;
  let contracts: string;
  before(async () => {
    project = await mkdtemp(join(tmpdir(), 'gyre-files-'));
    contracts = join(project, 'contracts');
    bench = await openBench('sqlite::memory:', 'gyre_files_test', { objects: openWorkspaceObjects(project) });
    await write(contracts, { 'a.pdf': 'one', '2025/b.json': '{}', 'same.txt': 'one', 'hat.jpg': photo('hat'), 'no extension': 'x' });
    await openWorkspace(project).add([contracts], options);
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(project, { recursive: true, force: true });
  });
  const object = (content: string): string => join(project, '.dvc/cache/files/md5', md5(content).slice(0, 2), md5(content).slice(2));
  let first = '';

  test('becomes a version with a row for each file, whose bytes stay in the cache and are not copied', async () => {
    const { version, created, ingestion } = await bench.data.ingestFiles(request(contracts));
    first = version.digest;
    assert.equal(created, true);
    assert.deepEqual([version.manifest.format, version.manifest.rows, version.manifest.files[0].path], ['files', 5, 'files.jsonl']);
    assert.deepEqual([ingestion.kind, ingestion.outcome, ingestion.kept, ingestion.found.files], ['folder', 'new', 5, 5]);
    const rows = toRecords(await bench.data.open(version.digest));
    assert.deepEqual(
      rows.map(({ path, folder, extension, size }) => [path, folder, extension, size]),
      [
        ['2025/b.json', '2025', '.json', 2],
        ['a.pdf', '.', '.pdf', 3],
        ['hat.jpg', '.', '.jpg', photo('hat').byteLength],
        ['no extension', '.', 'none', 1],
        ['same.txt', '.', '.txt', 3],
      ],
    );
    assert.deepEqual([rows[1].sha256, rows[1].md5], [sha256('one'), md5('one')]);
    for (const content of ['one', '{}', 'x']) assert.equal(await bench.blobs.has(asSha256(sha256(content))), false, content);
    assert.equal(await textOf(bench, first, sha256('{}')), '{}');
    const again = await bench.data.ingestFiles(request(contracts));
    assert.deepEqual([again.created, again.version.digest, again.ingestion.outcome], [false, first, 'unchanged']);
  });

  test('lists its files in pages, by extension and by what their paths hold, and makes pictures small', async () => {
    const list = await bench.data.files.list(first, { limit: 2 });
    assert.deepEqual([list.items.map(({ path }) => path), list.total, list.next], [['2025/b.json', 'a.pdf'], 5, '2']);
    assert.deepEqual(list.extensions[0], { extension: '.jpg', files: 1, bytes: photo('hat').byteLength });
    const paths = async (query: object): Promise<string[]> => (await bench.data.files.list(first, query)).items.map(({ path }) => path);
    assert.deepEqual(await paths({ limit: 2, after: '4' }), ['same.txt']);
    assert.deepEqual(await paths({ extension: 'none' }), ['no extension']);
    assert.deepEqual(await paths({ match: 'A' }), ['a.pdf', 'hat.jpg', 'same.txt']);
    await assert.rejects(bench.data.files.list(first, { match: 'a', masked: new Set(['path']) }), (error) =>
      hasCode(error, 'PERMISSION_DENIED'),
    );
    assert.deepEqual((await bench.data.files.list(first, { masked: new Set(['path']) })).items[0].path, '***');
    const jpeg = await bench.data.files.thumbnail(first, sha256(photo('hat')), 64);
    assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8]);
    await assert.rejects(bench.data.files.thumbnail(first, sha256('x'), 64), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await assert.rejects(bench.data.files.file(first, sha256('elsewhere')), (error) => hasCode(error, 'NOT_FOUND'));
  });

  test('that has changed since it was added is refused; added again it is another version, and the two are compared by file', async () => {
    await rename(join(contracts, 'a.pdf'), join(contracts, 'renamed.pdf'));
    await write(contracts, { '2025/b.json': '[]', 'new.txt': 'new' });
    await rm(join(contracts, 'no extension'));
    await assert.rejects(bench.data.ingestFiles(request(contracts)), {
      code: 'FAILED_PRECONDITION',
      message: /contracts has changed since contracts\.dvc/,
    });
    assert.equal((await bench.data.ingestions.list({ limit: 1 })).items[0].outcome, 'failed');
    const workspace = openWorkspace(project);
    await workspace.add([contracts], options);
    const { version, created } = await bench.data.ingestFiles(request(contracts));
    assert.equal(created, true);
    const { files } = await bench.data.compare(first, version.digest, { usualKey: 'path' });
    assert.deepEqual(files, {
      added: ['new.txt'],
      removed: ['no extension'],
      modified: ['2025/b.json'],
      renamed: [{ from: 'a.pdf', to: 'renamed.pdf' }],
      count: 4,
    });
    assert.equal((await bench.data.compare(first, version.digest, { usualKey: 'path', masked: new Set(['path']) })).files, undefined);
    // outside of git nothing but the version names what it held before
    const swept = await workspace.garbage({ ...options, apply: true, graceMs: -1000 });
    assert.deepEqual([swept.kept, swept.garbage], [2, []]);
    assert.equal(await textOf(bench, first, sha256('x')), 'x');
    assert.deepEqual(await bench.data.files.missing(first), { files: 5, missing: 0, paths: [] });
  });

  test('whose object is damaged or gone is told apart from what was recorded', async () => {
    await chmod(object('x'), 0o644);
    await writeFile(object('x'), 'y');
    await assert.rejects(textOf(bench, first, sha256('x')), { code: 'DATA_LOSS', message: /no extension is not what was recorded/ });
    await rm(object('x'));
    await assert.rejects(textOf(bench, first, sha256('x')), {
      code: 'DATA_LOSS',
      message: /neither among the blobs nor in the workspace's cache.*gyre data pull/,
    });
    assert.deepEqual(await bench.data.files.missing(first), { files: 5, missing: 1, paths: ['no extension'] });
    const report = await bench.data.quality(first, { by: ada, key: 'path' });
    const stored = report.characteristics.flatMap(({ checks }) => checks).find(({ message }) => message.includes('nowhere'));
    assert.match(stored?.message ?? '', /the bytes of 1 of 5 files are nowhere: no extension/);
  });
});

describe('a folder of files that nothing tracks', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    bench.clock.set(Date.UTC(2026, 0, 1));
  });
  after(() => bench[Symbol.asyncDispose]());
  const folder = (name: string): string => join(bench.folder, name);

  test('is copied into the blobs, and what stands as it stood is not read again', async () => {
    await write(folder('docs'), { 'a.txt': 'one', 'deep/b.txt': 'two', '.hidden': 'no' });
    await symlink('/etc/hostname', join(folder('docs'), 'link'));
    const { version, ingestion } = await bench.data.ingestFiles(request(folder('docs')));
    assert.deepEqual([version.manifest.rows, ingestion.newRows, ingestion.kept], [2, 2, undefined]);
    assert.equal(await textOf(bench, version.digest, sha256('two')), 'two');
    assert.equal(await bench.blobs.has(asSha256(sha256('one'))), true);
    await write(folder('docs'), { 'c.txt': 'three' });
    const more = await bench.data.ingestFiles(request(folder('docs')));
    assert.deepEqual([more.created, more.version.manifest.rows, more.ingestion.newRows], [true, 3, 1]);
    const where = await bench.data.ingestFiles({ ...request(folder('docs')), where: "folder = 'deep'" });
    assert.deepEqual(where.version.manifest.derivedFrom?.parents, [more.version.digest]);
    assert.deepEqual(
      (await bench.data.files.list(where.version.digest, {})).items.map(({ path }) => path),
      ['deep/b.txt'],
    );
  });

  test('is the same version as one that is tracked, and so is one file', async () => {
    const project = await mkdtemp(join(tmpdir(), 'gyre-files-'));
    try {
      const tracked = join(project, 'contracts');
      await write(tracked, { 'z.txt': 'z', 'ünï/a b.txt': 'a' });
      await openWorkspace(project).add([tracked], options);
      await using other = await openBench('sqlite::memory:', 'gyre_files_other', { objects: openWorkspaceObjects(project) });
      const kept = await other.data.ingestFiles(request(tracked));
      const copied = await bench.data.ingestFiles(request(tracked));
      assert.equal(kept.version.digest, copied.version.digest);
      const one = await bench.data.ingestFiles({ ...request(join(tracked, 'z.txt')), dataset: 'one' });
      assert.deepEqual(
        (await bench.data.files.list(one.version.digest, {})).items.map(({ path }) => path),
        ['z.txt'],
      );
    } finally {
      await rm(project, { recursive: true, force: true });
    }
  });

  test('that is empty, not there or no folder of files is refused with what would be right', async () => {
    await mkdir(folder('empty'));
    await assert.rejects(bench.data.ingestFiles(request(folder('empty'))), { code: 'FAILED_PRECONDITION', message: /holds no file/ });
    await assert.rejects(bench.data.ingestFiles(request(folder('nowhere'))), { code: 'NOT_FOUND', message: /there is nothing at/ });
    const table = await bench.data.ingest({ dataset: 't', path: await bench.file('t.csv', 'a\n1\n'), by: ada });
    await assert.rejects(bench.data.files.list(table.version.digest, {}), {
      code: 'FAILED_PRECONDITION',
      message: /is a table, not made of files/,
    });
  });
});
