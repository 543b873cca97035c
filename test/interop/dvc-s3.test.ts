import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { s3Missing, testBucket } from '../harness/s3-bucket-fixture.ts';
import type { TestBucket } from '../harness/s3-bucket-fixture.ts';
import { dvcMissing, openRepository } from './dvc.ts';
import type { Ran, Repository } from './dvc.ts';

const files: Readonly<Record<string, string>> = {
  'data/a.txt': 'hi\n',
  'data/empty': '',
  'data/caf\u00e9.txt': 'nfc',
  'data/sub/deep/x': 'x',
  'data/large': 'large '.repeat(4_000_000),
  'table.csv': 'a,b\n',
};

function write(repository: Repository, texts: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(repository.folder, path)), { recursive: true });
    writeFileSync(join(repository.folder, path), text);
  }
}

function requireFiles(repository: Repository, texts: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(texts)) assert.ok(readFileSync(join(repository.folder, path), 'utf8') === text, path);
}

const well = (ran: Ran): string => {
  assert.equal(ran.code, 0, ran.out);
  return ran.out;
};

/** Writes a remote with dvc's own verbs, credentials to config.local, so that Gyre reads what dvc wrote. */
async function remoteByDvc(theirs: Repository, { bucket, endpoint, accessKeyId, secretAccessKey }: TestBucket): Promise<void> {
  well(await theirs.dvc('remote', 'add', '-f', '-d', 'bucket', `s3://${bucket}/deep/prefix`));
  well(await theirs.dvc('remote', 'modify', 'bucket', 'endpointurl', endpoint));
  well(await theirs.dvc('remote', 'modify', '--local', 'bucket', 'access_key_id', accessKeyId));
  well(await theirs.dvc('remote', 'modify', '--local', 'bucket', 'secret_access_key', secretAccessKey));
}

async function clone(from: Repository): Promise<Repository> {
  well(await from.git('add', '-A'));
  well(await from.git('commit', '-q', '-m', 'data'));
  const made = await from.clone();
  writeFileSync(join(made.folder, '.dvc/config.local'), readFileSync(join(from.folder, '.dvc/config.local')));
  return made;
}

describe('the real dvc with a bucket', { skip: dvcMissing || s3Missing }, () => {
  test('pulls what gyre pushed, and finds the remote in sync', async () => {
    const bucket = await testBucket();
    await using ours = await openRepository();
    write(ours, files);
    well(await ours.gyre('data', 'add', 'data', 'table.csv'));
    well(
      await ours.gyre(
        'data',
        'remote',
        'add',
        '--default',
        'bucket',
        `s3://${bucket.bucket}/deep/prefix`,
        '--set',
        `endpointurl=${bucket.endpoint}`,
        '--set',
        `access_key_id=${bucket.accessKeyId}`,
        '--set',
        `secret_access_key=${bucket.secretAccessKey}`,
      ),
    );
    well(await ours.gyre('data', 'push'));
    assert.match(well(await ours.dvc('status', '-c')), /in sync/);
    await using there = await clone(ours);
    well(await there.dvc('pull', '-q'));
    requireFiles(there, files);
    assert.match(well(await there.dvc('status')), /up to date/);
    assert.match(well(await there.gyre('data', 'status')), /clean/);
  });

  test('pushes what gyre pulls', async () => {
    const bucket = await testBucket();
    await using theirs = await openRepository();
    well(await theirs.dvc('init', '-q'));
    write(theirs, files);
    well(await theirs.dvc('add', '-q', 'data', 'table.csv'));
    await remoteByDvc(theirs, bucket);
    well(await theirs.dvc('push', '-q'));
    assert.match(well(await theirs.gyre('data', 'status', '--remote')), /as in "bucket"/);
    assert.match(well(await theirs.gyre('data', 'push')), /0 objects pushed/);
    await using here = await clone(theirs);
    well(await here.gyre('data', 'pull'));
    requireFiles(here, files);
    assert.match(well(await here.dvc('status')), /up to date/);
    // Changed here, pushed by Gyre, and pulled there by dvc again.
    write(here, { 'data/new': 'new' });
    rmSync(join(here.folder, 'data/empty'));
    well(await here.gyre('data', 'add', 'data'));
    well(await here.gyre('data', 'push'));
    writeFileSync(join(theirs.folder, 'data.dvc'), readFileSync(join(here.folder, 'data.dvc')));
    well(await theirs.dvc('pull', '-q'));
    requireFiles(theirs, { 'data/new': 'new', 'data/a.txt': 'hi\n' });
    assert.match(well(await theirs.dvc('status')), /up to date/);
  });
});
