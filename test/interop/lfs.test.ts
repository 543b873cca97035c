import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seeded, sha256 } from '#core';
import type { LfsRepository } from '#contract';
import { done, eventually, facts, peakBytes, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { GitPlace, gitLfsMissing } from './git-repository.ts';

const mebibyte = 1024 * 1024;

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

describe('the real git lfs', { skip: gitLfsMissing, timeout: 600_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project: Place;
  let place: GitPlace;
  let server: Up;

  before(async () => {
    folder = await temporaryFolder();
    project = { cwd: await smallProject(folder.path) };
    place = await GitPlace.open(folder.path);
    server = await up(project);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** A repository that is connected by the verb, as its user does it. */
  const connected = async (name: string): Promise<string> => {
    const path = await place.repository(name);
    await done(['lfs', 'connect', name, '--project', project.cwd], { cwd: path });
    return path;
  };
  const stored = async (name: string): Promise<LfsRepository | undefined> =>
    (await server.get<{ items: readonly LfsRepository[] }>('lfs-repositories')).items.find(({ repository }) => repository === name);

  test('pushes, clones and pulls; what is there already is not sent again', async () => {
    await connected('vision');
    const images = {
      'cat.bin': randomBytes(300_000),
      'deep/ünïcode näme.bin': randomBytes(5_000),
      'readme.md': 'small text stays in git\n',
    };
    await place.commit('vision', images);
    await place.git('vision', 'push', 'origin', 'main');
    assert.deepEqual([(await stored('vision'))?.objects, (await stored('vision'))?.bytes], [2, 305_000]);

    await place.git('.', 'clone', '--quiet', 'vision.git', 'vision-clone');
    for (const [path, content] of Object.entries(images)) {
      assert.deepEqual(await readFile(join(folder.path, 'vision-clone', path)), Buffer.from(content), path);
    }
    await place.commit('vision', { 'dog.bin': randomBytes(1_000), 'copy of cat.bin': images['cat.bin'] });
    const { said } = await place.try('vision', ['push', 'origin', 'main'], { GIT_TRACE: '1' });
    assert.equal([...said.matchAll(/HTTP: PUT /g)].length, 1, 'only what is new');
    await place.git('vision-clone', 'pull', '--quiet');
    assert.equal((await readFile(join(folder.path, 'vision-clone/dog.bin'))).length, 1_000);
    await place.git('vision-clone', 'lfs', 'fsck');

    const listed = await facts<{ items: readonly LfsRepository[] }>(['lfs', 'ls'], project);
    assert.equal(listed.items[0].objects, 3);
  });

  test('finds nothing of one repository in another, whose pointers are the same', async () => {
    await connected('closed');
    await place.commit('closed', { 'secret.bin': 'the bytes of one repository' });
    await place.git('closed', 'push', 'origin', 'main');
    await connected('curious');
    const oid = sha256('the bytes of one repository');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 27\n`;
    // Committed as if it had come from git-lfs: without its filter.
    await writeFile(join(folder.path, 'curious', 'secret.bin'), pointer);
    await place.git(
      'curious',
      '-c',
      'filter.lfs.process=',
      '-c',
      'filter.lfs.clean=cat',
      '-c',
      'filter.lfs.required=false',
      'add',
      '--all',
    );
    await place.git('curious', 'commit', '--quiet', '--message', 'a pointer alone');
    const pulled = await place.try('curious', ['lfs', 'pull']);
    assert.notEqual(pulled.code, 0);
    assert.match(pulled.said, /the repository "curious" has no object|missing object|404/);
    const pushed = await place.try('curious', ['push', 'origin', 'main']);
    assert.notEqual(pushed.code, 0, 'nor can it be pushed without the bytes');
    assert.equal(await stored('curious'), undefined);
  });

  test('resumes a download where it was cut', async () => {
    await connected('resumed');
    const bytes = randomBytes(3 * mebibyte);
    await place.commit('resumed', { 'big.bin': bytes });
    await place.git('resumed', 'push', 'origin', 'main');
    const { code } = await place.try('.', ['clone', '--quiet', 'resumed.git', 'resumed-clone'], { GIT_LFS_SKIP_SMUDGE: '1' });
    assert.equal(code, 0);
    const incomplete = join(folder.path, 'resumed-clone/.git/lfs/incomplete');
    execFileSync('mkdir', ['-p', incomplete]);
    await writeFile(join(incomplete, `${sha256(bytes)}.part`), bytes.subarray(0, 2 * mebibyte));
    const { said } = await place.try('resumed-clone', ['lfs', 'pull'], { GIT_TRACE: '1', GIT_CURL_VERBOSE: '1' });
    assert.match(said, new RegExp(`Range: bytes=${2 * mebibyte}-${3 * mebibyte - 1}`), 'it asked for the rest');
    assert.match(said, /206 Partial Content/);
    assert.deepEqual(await readFile(join(folder.path, 'resumed-clone/big.bin')), bytes);
  });

  test('is refused with a wrong token, and with one that may only read', async () => {
    const path = await place.repository('refused');
    await place.git('refused', 'config', 'lfs.url', `${server.address}/lfs/refused`);
    await place.commit('refused', { 'a.bin': 'a' });
    const pushAs = async (token: string) => {
      await writeFile(join(path, '.git', 'helper'), `#!/bin/sh\nprintf 'username=x\\npassword=%s\\n' '${token}'\n`, { mode: 0o755 });
      await place.git('refused', 'config', 'credential.helper', `!${join(path, '.git', 'helper')}`);
      return place.try('refused', ['push', 'origin', 'main']);
    };
    const wrong = await pushAs(`gyre_${'A'.repeat(43)}`);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.said, /the token is not accepted/);
    await done(['identity', 'add', 'reader', '--role', 'stakeholder'], project);
    const { secret } = await facts<{ secret: string }>(['identity', 'token', 'reader', '--label', 'test'], project);
    const reading = await pushAs(secret);
    assert.notEqual(reading.code, 0);
    assert.match(reading.said, /permission "build" is needed/);
    assert.equal(await stored('refused'), undefined);
  });

  test('pushes three thousand small objects and clones them', async () => {
    await connected('many');
    const random = seeded(3);
    const files = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, i) => [`images/${i % 100}/${i}.bin`, `image ${i} ${'x'.repeat(random.int(2_000))}`]),
    );
    await place.commit('many', files);
    await place.git('many', 'push', 'origin', 'main');
    assert.equal((await stored('many'))?.objects, 3_000);
    await place.git('.', 'clone', '--quiet', 'many.git', 'many-clone');
    for (const [path, content] of Object.entries(files)) {
      assert.equal(await readFile(join(folder.path, 'many-clone', path), 'utf8'), content);
    }
  });

  test('pushes and clones an object that is larger than the memory it may cost', async () => {
    const size = 512 * mebibyte;
    const path = await connected('large');
    const file = await open(join(path, 'large.bin'), 'w');
    for (let at = 0; at < size; at += 4 * mebibyte) await file.write(randomBytes(4 * mebibyte));
    await file.close();
    await place.commit('large', {});
    const before = await peakBytes(server.running.pid);
    await place.git('large', 'push', 'origin', 'main');
    await place.git('.', 'clone', '--quiet', 'large.git', 'large-clone');
    const grown = (await peakBytes(server.running.pid)) - before;
    // Measured for 2.2 GB: 6 MB. What a buffered object would cost is more than five times the bound.
    assert.ok(grown < 96 * mebibyte, `the server's memory grew by ${Math.round(grown / mebibyte)} MiB`);
    assert.equal(await digestOfFile(join(folder.path, 'large-clone/large.bin')), await digestOfFile(join(path, 'large.bin')));
    await rm(join(folder.path, 'large-clone'), { recursive: true });
  });

  test('is told when the disk is full, nothing half-written stays, and once there is room the push completes', async () => {
    await connected('full');
    const bytes = randomBytes(24 * mebibyte);
    await place.commit('full', { 'a.bin': bytes });
    const limit = (value: string): Buffer => execFileSync('prlimit', [`--fsize=${value}`, '--pid', String(server.running.pid)]);
    // A bound on the size of a file stands for the full disk: both fail the write.
    limit(`${16 * mebibyte}:unlimited`);
    const full = await place.try('full', ['-c', 'lfs.transfer.maxretries=1', 'push', 'origin', 'main']);
    limit('unlimited:unlimited');
    assert.notEqual(full.code, 0);
    assert.match(full.said, /the file would be larger than is allowed here/);
    assert.deepEqual(await readdir(join(server.dataFolder, 'blobs/incoming')), []);
    await place.git('full', 'push', 'origin', 'main');
    assert.equal((await stored('full'))?.bytes, bytes.length);
  });

  test('locks a file, is told of it by a second clone, and unlocks it', async () => {
    await connected('locked');
    await place.commit('locked', { 'shared.bin': 'shared' });
    await place.git('locked', 'push', 'origin', 'main');
    assert.match(await place.git('locked', 'lfs', 'lock', 'shared.bin'), /Locked shared\.bin/);
    assert.match(await place.git('locked', 'lfs', 'locks'), /shared\.bin\s+owner/);
    const again = await place.try('locked', ['lfs', 'lock', 'shared.bin']);
    assert.notEqual(again.code, 0);
    assert.match(again.said, /is locked by owner/i);

    await done(['identity', 'add', 'second', '--role', 'data-scientist'], project);
    const { secret } = await facts<{ secret: string }>(['identity', 'token', 'second', '--label', 'test'], project);
    await place.git('.', 'clone', '--quiet', 'locked.git', 'locked-clone');
    const helper = join(folder.path, 'locked-clone/.git/helper');
    await writeFile(helper, `#!/bin/sh\nprintf 'username=x\\npassword=%s\\n' '${secret}'\n`, { mode: 0o755 });
    await place.git('locked-clone', 'config', 'credential.helper', `!${helper}`);
    await place.git('locked-clone', 'config', `lfs.${server.address}/lfs/locked.locksverify`, 'true');
    await place.commit('locked-clone', { 'shared.bin': 'changed by somebody else' });
    const pushed = await place.try('locked-clone', ['push', 'origin', 'main']);
    assert.notEqual(pushed.code, 0, 'git-lfs keeps from pushing what another has locked');
    assert.match(pushed.said, /shared\.bin/);
    const foreign = await place.try('locked-clone', ['lfs', 'unlock', 'shared.bin', '--force']);
    assert.notEqual(foreign.code, 0);

    assert.match(await place.git('locked', 'lfs', 'unlock', 'shared.bin'), /Unlocked shared\.bin/);
    await place.git('locked-clone', 'push', 'origin', 'main');
  });

  test('completes a push that a kill -9 of the server cut off: what was acknowledged is not sent again', async () => {
    await connected('killed');
    const files = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${i}.bin`, `object ${i} ${'y'.repeat(i * 20)}`]));
    await place.commit('killed', files);
    const pushing = place.try('killed', ['push', 'origin', 'main']);
    await eventually('some objects have arrived', async () => ((await stored('killed'))?.objects ?? 0) > 50, 60_000);
    server.running.kill('SIGKILL');
    await server.running.ended;
    const cut = await pushing;
    assert.notEqual(cut.code, 0, 'the push must not have ended before');

    server = await up(project);
    const kept = (await stored('killed'))?.objects ?? 0;
    assert.ok(kept > 50 && kept < 600, `${kept} objects were there`);
    assert.deepEqual(await readdir(join(server.dataFolder, 'blobs/incoming')), []);
    await done(['lfs', 'connect', 'killed', '--project', project.cwd], { cwd: join(folder.path, 'killed') });
    await place.commit('killed', {});
    const again = await place.try('killed', ['push', 'origin', 'main'], { GIT_TRACE: '1' });
    assert.equal(again.code, 0, again.said);
    // git-lfs may send one twice, when the first of its connections is asked for the token.
    const sent = new Set([...again.said.matchAll(/HTTP: PUT \S+\/objects\/([0-9a-f]+)/g)].map(([, oid]) => oid));
    assert.equal(sent.size, 600 - kept);
    await place.git('.', 'clone', '--quiet', 'killed.git', 'killed-clone');
    for (const [path, content] of Object.entries(files)) {
      assert.equal(await readFile(join(folder.path, 'killed-clone', path), 'utf8'), content);
    }
  });
});
