import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { program } from '../harness/gyre-fixture.ts';
import { s3Missing, testBucket } from '../harness/s3-bucket-fixture.ts';
import type { TestBucket } from '../harness/s3-bucket-fixture.ts';

interface Ran {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
}

/** A folder with a workspace whose default remote is a bucket. */
interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly bucket: TestBucket;
  gyre(...words: string[]): Promise<Ran>;
  /** Ends the process without warning when this becomes true, looked at again and again. @returns whether it was still at work */
  killed(when: () => boolean | Promise<boolean>, ...words: string[]): Promise<boolean>;
  write(path: string, bytes: string | Buffer): void;
  /** The same `.dvc` files and configuration beside, without cache and data. */
  clone(): Place;
}

// Nothing of this machine's own settings of AWS.
const environment = {
  ...process.env,
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
};

function place(bucket: TestBucket, folder = realpathSync(mkdtempSync(join(tmpdir(), 'gyre-s3-remote-')))): Place {
  const start = (words: readonly string[]) =>
    spawn(process.execPath, [program, ...words], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const write = (path: string, bytes: string | Buffer): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  return {
    folder,
    bucket,
    write,
    gyre: async (...words) => {
      const child = start(words);
      let out = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (out += text));
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      return { code, signal, out };
    },
    killed: async (when, ...words) => {
      const child = start(words);
      const ended = once(child, 'exit');
      child.stdout.resume();
      child.stderr.resume();
      while (child.exitCode === null && !(await when())) await new Promise((again) => setTimeout(again, 1));
      child.kill('SIGKILL');
      await ended;
      return child.signalCode === 'SIGKILL';
    },
    clone: () => {
      const other = place(bucket);
      for (const name of [
        '.dvc/config',
        '.dvc/config.local',
        ...readdirSync(folder).filter((each) => each.endsWith('.dvc') && each !== '.dvc'),
      ]) {
        if (existsSync(join(folder, name))) cpSync(join(folder, name), join(other.folder, name));
      }
      return other;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function withBucket(settings: readonly string[] = [], endpoint?: string): Promise<Place> {
  const bucket = await testBucket();
  const here = place(bucket);
  const added = await here.gyre(
    'data',
    'remote',
    'add',
    '--default',
    'bucket',
    `s3://${bucket.bucket}/team/data`,
    '--set',
    `endpointurl=${endpoint ?? bucket.endpoint}`,
    '--set',
    `access_key_id=${bucket.accessKeyId}`,
    '--set',
    `secret_access_key=${bucket.secretAccessKey}`,
    ...settings.flatMap((each) => ['--set', each]),
  );
  assert.equal(added.code, 0, added.out);
  return here;
}

const md5Of = (bytes: string | Buffer): string => createHash('md5').update(bytes).digest('hex');
const keyOf = (md5: string): string => `team/data/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`;
const well = (ran: Ran): string => {
  assert.equal(ran.code, 0, ran.out);
  return ran.out;
};

/** Many small files and a large one that goes in parts. */
function writeData(here: Place, files: number, large: Buffer): void {
  for (let i = 0; i < files; i++) here.write(`data/${i % 10}/${i}`, `file ${i}`);
  here.write('data/large', large);
}

function requireData(there: Place, files: number, large: Buffer): void {
  for (let i = 0; i < files; i++) assert.equal(readFileSync(join(there.folder, `data/${i % 10}/${i}`), 'utf8'), `file ${i}`);
  assert.ok(readFileSync(join(there.folder, 'data/large')).equals(large));
}

/** Every object of the bucket has the bytes that it is named by, and every listing's files are there. */
async function requireSound({ bucket }: Place): Promise<number> {
  const keys = await bucket.keys();
  const names = new Set(keys.map((key) => key.replace('team/data/files/md5/', '').replace('/', '')));
  for (const name of names) {
    if (!name.endsWith('.dir')) continue;
    for (const { md5 } of JSON.parse(await bucket.ask('GET', keyOf(name))) as { md5: string }[])
      assert.ok(names.has(md5), `${md5} is not there`);
  }
  return names.size;
}

describe('a bucket as a remote', { skip: s3Missing }, () => {
  test('what is pushed there is pulled by a clone, byte for byte; credentials are not in what git sees', async () => {
    await using here = await withBucket();
    const large = randomBytes(40 * 1024 * 1024);
    writeData(here, 300, large);
    here.write('table.csv', 'a,b\n');
    here.write('empty', '');
    well(await here.gyre('data', 'add', 'data', 'table.csv', 'empty'));
    const before = await here.gyre('data', 'status', '--remote', '--json');
    assert.equal(before.code, 1);
    assert.deepEqual(
      (JSON.parse(before.out) as { path: string; toPush: string[] }[]).map(({ path, toPush }) => [path, toPush.length]),
      [
        ['data', 302],
        ['empty', 1],
        ['table.csv', 1],
      ],
    );
    assert.match(well(await here.gyre('data', 'push')), /304 objects pushed to "bucket"/);
    assert.match(well(await here.gyre('data', 'push')), /0 objects pushed .* 304 were there/);
    assert.match(well(await here.gyre('data', 'status', '--remote')), /as in "bucket"/);
    assert.equal(await requireSound(here), 304);
    assert.ok(!readFileSync(join(here.folder, '.dvc/config'), 'utf8').includes(here.bucket.secretAccessKey));
    await using there = here.clone();
    assert.match(well(await there.gyre('data', 'pull')), /301 files placed, 301 objects fetched/);
    requireData(there, 300, large);
    assert.equal(readFileSync(join(there.folder, 'empty'), 'utf8'), '');
    assert.match(well(await there.gyre('data', 'status')), /clean/);
    assert.deepEqual(
      readdirSync(join(there.folder, '.dvc/cache/gyre')).filter((name) => name === 'fetching'),
      [],
    );
  });

  test('missing and damaged objects of the cache are fetched again by checkout and pull; what the bucket lacks or holds damaged is named', async () => {
    await using here = await withBucket();
    here.write('data/x', 'one');
    here.write('data/y', 'two');
    here.write('data/z', 'three');
    well(await here.gyre('data', 'add', 'data'));
    well(await here.gyre('data', 'push'));
    const object = (text: string): string => join(here.folder, '.dvc/cache', keyOf(md5Of(text)).replace('team/data/', ''));
    rmSync(object('one'));
    rmSync(object('two'));
    writeFileSync(object('two'), 'owt', { mode: 0o444 });
    rmSync(join(here.folder, 'data'), { recursive: true });
    assert.match(well(await here.gyre('data', 'checkout')), /2 objects fetched/);
    assert.deepEqual(
      [readFileSync(join(here.folder, 'data/x'), 'utf8'), readFileSync(join(here.folder, 'data/y'), 'utf8')],
      ['one', 'two'],
    );
    rmSync(object('two'));
    assert.match(well(await here.gyre('data', 'pull')), /1 object fetched/);
    assert.equal(readFileSync(object('two'), 'utf8'), 'two');
    // A folder without its listing.
    rmSync(join(here.folder, '.dvc/cache/files'), { recursive: true });
    rmSync(join(here.folder, 'data'), { recursive: true });
    await here.bucket.ask('DELETE', keyOf(md5Of('one')));
    await here.bucket.ask('PUT', keyOf(md5Of('two')), '', 'owt');
    const pulled = await here.gyre('data', 'pull');
    assert.notEqual(pulled.code, 0);
    assert.match(pulled.out, /2 files are without a sound object/);
    assert.match(pulled.out, new RegExp(`data/x \\(${md5Of('one')}: missing in the cache, missing in the remote\\)`));
    assert.match(pulled.out, new RegExp(`data/y \\(${md5Of('two')}: missing in the cache, damaged in the remote\\)`));
    assert.equal(readFileSync(join(here.folder, 'data/z'), 'utf8'), 'three');
  });

  test('a damaged object of the cache is not spread, and holds back only the listing that names it', async () => {
    await using here = await withBucket();
    here.write('data/x', 'one');
    here.write('data/y', 'two');
    well(await here.gyre('data', 'add', 'data'));
    const object = join(here.folder, '.dvc/cache', keyOf(md5Of('one')).replace('team/data/', ''));
    rmSync(object);
    writeFileSync(object, 'eno', { mode: 0o444 });
    const pushed = await here.gyre('data', 'push');
    assert.match(pushed.out, new RegExp(`1 object could not be pushed.*${md5Of('one')} is damaged`));
    assert.deepEqual(await here.bucket.keys(), [keyOf(md5Of('two'))]);
  });

  test('killed while it pushes, again and again: the bucket names nothing that is not there, and the last push completes it', async () => {
    await using here = await withBucket();
    const large = randomBytes(64 * 1024 * 1024);
    writeData(here, 600, large);
    well(await here.gyre('data', 'add', 'data'));
    let hits = 0;
    for (const at of [1, 60, 300, 590]) {
      const wasAtWork = await here.killed(async () => (await here.bucket.keys()).length >= at, 'data', 'push');
      if (wasAtWork) hits += 1;
      await requireSound(here);
    }
    assert.ok(hits >= 2, `only ${hits} of 4 were killed at work`);
    well(await here.gyre('data', 'push'));
    assert.equal(await requireSound(here), 602);
    await using there = here.clone();
    const objects = (): number => {
      const folder = join(there.folder, '.dvc/cache/files/md5');
      return existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0;
    };
    for (const at of [1, 100, 400]) await there.killed(() => objects() >= at, 'data', 'pull');
    well(await there.gyre('data', 'pull'));
    requireData(there, 600, large);
    assert.match(well(await there.gyre('data', 'status')), /clean/);
  });

  test('says what is wrong with bucket, credentials and settings, and refuses what it would have to leave out', async () => {
    await using here = await withBucket();
    here.write('x', 'one');
    well(await here.gyre('data', 'add', 'x'));
    const set = async (url: string, ...settings: string[]): Promise<string> => {
      well(
        await here.gyre(
          'data',
          'remote',
          'add',
          '--default',
          '--force',
          'bucket',
          url,
          '--set',
          `endpointurl=${here.bucket.endpoint}`,
          ...settings.flatMap((each) => ['--set', each]),
        ),
      );
      const { code, out } = await here.gyre('data', 'push');
      assert.notEqual(code, 0, out);
      return out;
    };
    const keys = [`access_key_id=${here.bucket.accessKeyId}`, `secret_access_key=${here.bucket.secretAccessKey}`];
    assert.match(await set('s3://no-such-bucket-here/x', ...keys), /no-such-bucket-here/);
    const wrong = await set(`s3://${here.bucket.bucket}`, keys[0], 'secret_access_key=hush');
    assert.match(wrong, /AWS_SECRET_ACCESS_KEY|secret/);
    assert.ok(!wrong.includes('hush'));
    assert.match(await set(`s3://${here.bucket.bucket}`, ...keys, 'sse=aws:kms'), /sets sse, which Gyre does not carry out/);
    // A server that is not there, until somebody gives up.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    assert.ok(address !== null && typeof address === 'object');
    assert.match(await set(`s3://${here.bucket.bucket}`, ...keys, `endpointurl=http://127.0.0.1:${address.port}`), /nobody answers there/);
  });
});
