import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { archiveOf, type ArchiveEntry } from './tar.ts';

const run = promisify(execFile);

describe('an archive', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-tar-'));
  });
  after(() => rm(folder, { recursive: true }));

  const bytesOf = async (entries: readonly ArchiveEntry[]): Promise<Buffer> => Buffer.concat(await Array.fromAsync(archiveOf(entries)));
  const text = (path: string, content: string): ArchiveEntry => ({ path, content: Buffer.from(content) });

  test('is read by tar: files, rights, folders, and names of any length and script', async () => {
    const long = `models/${'a-rather-long-name/'.repeat(12)}größe.json`;
    const archive = join(folder, 'all.tar');
    await writeFile(join(folder, 'on-disk'), 'x'.repeat(1000));
    await writeFile(
      archive,
      await bytesOf([
        text(long, '{"size": 3}'),
        { path: 'bin/node', content: { file: join(folder, 'on-disk') }, mode: 0o755 },
        text('empty', ''),
        { path: 'tmp', folder: true, mode: 0o1777 },
      ]),
    );
    await run('tar', ['-xf', archive, '-C', folder, '--no-same-owner']);
    assert.equal(await readFile(join(folder, long), 'utf8'), '{"size": 3}');
    assert.equal((await readFile(join(folder, 'bin/node'))).length, 1000);
    const { stdout } = await run('tar', ['-tvf', archive, '--numeric-owner', '--utc', '--quoting-style=literal']);
    assert.match(stdout, /^-rwxr-xr-x 0\/0 +1000 1970-01-01 00:00 bin\/node$/m);
    assert.match(stdout, /^drwxrwxrwt 0\/0 +0 1970-01-01 00:00 tmp\/$/m);
    assert.match(stdout, /^-rw-r--r-- 0\/0 +0 1970-01-01 00:00 empty$/m);
    assert.ok(stdout.includes(`${long}\n`));
  });

  test('has the same bytes whatever the order of its entries and the times of its files', async () => {
    const file = join(folder, 'dated');
    await writeFile(file, 'dated');
    const entries: ArchiveEntry[] = [text('b/z', '1'), text('b/a', '2'), { path: 'a', content: { file } }, text('b.txt', '3')];
    const first = await bytesOf(entries);
    await utimes(file, 1_000_000, 1_000_000);
    assert.ok(first.equals(await bytesOf(entries.toReversed())));
    assert.ok(!first.equals(await bytesOf([...entries, text('c', '')])));
  });
});
