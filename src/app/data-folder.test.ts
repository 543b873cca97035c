import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { hasCode, manualClock } from '#core';
import { holdDataFolder, readServerInfo, signingKey } from './data-folder.ts';

const clock = manualClock(Date.parse('2026-01-05T10:00:00Z'));
const module = new URL('./data-folder.ts', import.meta.url).href;

/** Another process that holds the folder until it is killed. */
async function holder(path: string): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const program = `const { holdDataFolder } = await import(${JSON.stringify(module)});
    const folder = holdDataFolder(${JSON.stringify(path)}, { now: () => 0 });
    folder.announce({ address: 'http://127.0.0.1:7070', version: '0.1.0' });
    console.log('held');
    setInterval(() => folder, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await once(createInterface({ input: child.stdout }), 'line');
  return {
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('the data folder', () => {
  const root = mkdtempSync(join(tmpdir(), 'gyre-folder-'));
  let count = 0;
  const fresh = (): string => join(root, `data-${++count}`);
  after(() => rmSync(root, { recursive: true, force: true }));

  test('is refused to a second process, which is told the first one’s pid and address', async () => {
    const path = fresh();
    const first = await holder(path);
    try {
      assert.throws(
        () => holdDataFolder(path, clock),
        (error) => {
          assert.ok(hasCode(error, 'ALREADY_EXISTS'));
          assert.equal(
            error.message,
            `gyre (process ${first.pid}) is using ${path} and serves http://127.0.0.1:7070; stop it, or give another folder with --data DIR`,
          );
          return true;
        },
      );
      assert.deepEqual(readServerInfo(path), {
        pid: first.pid,
        startedAt: '1970-01-01T00:00:00.000Z',
        address: 'http://127.0.0.1:7070',
        version: '0.1.0',
      });
    } finally {
      await first.kill();
    }
  });

  test('is free at once when its holder was killed: nothing stale is left, and nobody is said to serve', async () => {
    const path = fresh();
    await (await holder(path)).kill();
    assert.ok(existsSync(join(path, 'server.json')), 'the dead process could not remove it');
    assert.equal(readServerInfo(path), undefined);
    using folder = holdDataFolder(path, clock);
    assert.equal(existsSync(join(path, 'server.json')), false);
    folder.announce({ address: 'http://127.0.0.1:1', version: '0.1.0' });
    assert.equal(readServerInfo(path)?.pid, process.pid);
  });

  test('is held once in one process too, and free again when it was let go', () => {
    const path = fresh();
    {
      using _folder = holdDataFolder(path, clock);
      assert.throws(
        () => holdDataFolder(path, clock),
        (error) => hasCode(error, 'ALREADY_EXISTS') && error.message.includes('another gyre process is using'),
      );
    }
    assert.equal(readServerInfo(path), undefined);
    using _again = holdDataFolder(path, clock);
  });

  test('that cannot be made or written is said to be so', () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    for (const path of [join(file, 'data'), join(file, 'data', 'deeper'), '/proc/gyre/data']) {
      assert.throws(
        () => holdDataFolder(path, clock),
        (error) => hasCode(error, 'PERMISSION_DENIED') && error.message.includes(`cannot write the data folder ${path}`),
      );
    }
  });

  test('keeps secrets that nobody else can read', () => {
    const path = fresh();
    using folder = holdDataFolder(path, clock);
    assert.equal(folder.readSecret('owner-token'), undefined);
    folder.writeSecret('owner-token', 'gyre_secret');
    signingKey(folder);
    assert.equal(folder.readSecret('owner-token'), 'gyre_secret');
    const mode = (...name: string[]): number => statSync(join(path, ...name)).mode & 0o777;
    assert.equal(mode(), 0o700);
    assert.equal(mode('secrets'), 0o700);
    for (const name of ['owner-token', 'manifest-key.pem', 'manifest-key.pub.pem']) assert.equal(mode('secrets', name), 0o600, name);
    folder.announce({ address: 'http://127.0.0.1:1', version: '0.1.0' });
    assert.equal(mode('server.json'), 0o600);
  });

  test('keeps one signing key, whose public half is made again when it is lost', () => {
    const path = fresh();
    using folder = holdDataFolder(path, clock);
    const keys = signingKey(folder);
    assert.deepEqual(signingKey(folder), keys);
    const publicFile = join(path, 'secrets', 'manifest-key.pub.pem');
    unlinkSync(publicFile);
    assert.deepEqual(signingKey(folder), keys);
    assert.equal(readFileSync(publicFile, 'utf8'), keys.publicKey);
  });

  test('begins with an empty place for temporary files', () => {
    const path = fresh();
    {
      using folder = holdDataFolder(path, clock);
      writeFileSync(join(folder.temporary, 'half'), 'of a file');
    }
    using folder = holdDataFolder(path, clock);
    assert.equal(existsSync(join(folder.temporary, 'half')), false);
  });
});
