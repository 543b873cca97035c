import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { samplePackage, writeSampleFolder } from '#serving';
import { done, eventually, facts, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { freePort, infer, openContainer, run, statusOf, whyNot } from './containers.ts';

interface Written {
  readonly archive: { readonly file: string; readonly bytes: number; readonly folder: string; readonly unit: string };
  readonly containerfile: { readonly folder: string; readonly files: readonly string[] };
}

const withoutBuildah = await whyNot(['buildah']);
const withoutSystemd = await whyNot(['systemd-analyze']);

describe('a model with what serves it, for another computer', () => {
  let stack: AsyncDisposableStack;
  let cwd = '';
  let written: Written;
  let own: unknown;
  before(async () => {
    stack = new AsyncDisposableStack();
    cwd = stack.use(await temporaryFolder()).path;
    await writeSampleFolder(join(cwd, 'churn'), samplePackage());
    written = await facts<Written>(['package', 'churn', '--archive', 'churn.tar.gz', '--containerfile', 'build'], { cwd });
    await run('tar', ['xzf', 'churn.tar.gz'], { cwd });
    await using here = start(['serve', '--model', 'churn', '--port', '0', '--grpc-port', 'off'], { cwd });
    const [, address = ''] = await here.line(/at (http:\S+)/);
    own = await infer(address);
  });
  after(() => stack.disposeAsync());

  test('is built by its Containerfile, and answers in the container as here', { skip: withoutBuildah }, async () => {
    assert.deepEqual(await readdir(join(cwd, 'build')).then((names) => names.sort()), [...written.containerfile.files].sort());
    await using container = await openContainer(cwd, { context: written.containerfile.folder });
    const running = await container.start(await container.entrypoint());
    assert.deepEqual(await infer(running.address), own);
    const { users, code, output } = await running.stop();
    assert.deepEqual(users, [65_532]);
    assert.equal(code, 0, output);
  });

  test('replaces a folder of its own, and none that holds anything else', async () => {
    await mkdir(join(cwd, 'mine'));
    await writeFile(join(cwd, 'mine/Containerfile'), 'FROM debian\n');
    const refused = await gyre(['package', 'churn', '--containerfile', 'mine'], { cwd });
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /mine holds a Containerfile that is not as it was written here: name a folder that is empty or not there/);
    assert.equal(await readFile(join(cwd, 'mine/Containerfile'), 'utf8'), 'FROM debian\n');
    await done(['package', 'churn', '--containerfile', 'build'], { cwd });
    await writeFile(join(cwd, 'build/ca.pem'), 'mine');
    const added = await gyre(['package', 'churn', '--containerfile', 'build'], { cwd });
    assert.match(added.stderr, /build holds other files \(ca\.pem\)/);
    assert.equal(await readFile(join(cwd, 'build/ca.pem'), 'utf8'), 'mine');
    await rm(join(cwd, 'build/ca.pem'));
    const text = await readFile(join(cwd, 'build/Containerfile'), 'utf8');
    await writeFile(join(cwd, 'build/Containerfile'), `${text}ENV MINE=1\n`);
    const edited = await gyre(['package', 'churn', '--containerfile', 'build'], { cwd });
    assert.match(edited.stderr, /build holds a Containerfile that is not as it was written here/);
    await writeFile(join(cwd, 'build/Containerfile'), text);
    assert.deepEqual(
      (await readdir(cwd)).filter((name) => name.endsWith('.new')),
      [],
    );
  });

  test('has the same bytes when it is made again', async () => {
    const digest = async (file: string): Promise<string> => createHash('sha256').update(await readFile(join(cwd, file))).digest('hex'); // prettier-ignore
    const first = await digest('churn.tar.gz');
    await done(['package', 'churn', '--archive', 'churn.tar.gz'], { cwd });
    assert.equal(await digest('churn.tar.gz'), first);
  });

  test('starts by its script, keeps its log, and ends when it is told to', async () => {
    const port = await freePort();
    const child = spawn(join(cwd, written.archive.folder, 'serve'), [
      '--port',
      String(port),
      '--grpc-port',
      'off',
      '--spool',
      join(cwd, 'spool'),
    ]);
    const ended = once(child, 'exit');
    const address = `http://127.0.0.1:${port}`;
    await eventually('the script’s data plane answers', async () => (await statusOf(`${address}/v2/health/ready`)) === 200, 60_000);
    assert.deepEqual(await infer(address), own);
    child.kill('SIGTERM');
    assert.deepEqual((await ended).slice(0, 1), [0]);
    assert.ok((await readdir(join(cwd, 'spool'))).length > 0);
  });

  test(
    'needs nothing of the computer: it answers where there is no other file',
    { skip: process.getuid?.() !== 0 && 'only root changes the root folder' },
    async () => {
      const script = await readFile(join(cwd, written.archive.folder, 'serve'), 'utf8');
      // The script itself wants a shell; what it starts wants none.
      const [, command = ''] = /^exec ([\s\S]*?) "\$@"$/m.exec(script) ?? [];
      const words = command
        .replaceAll(/\\\n\s*/g, '')
        .replaceAll('$here', '')
        .replaceAll('"', '')
        .split(' ');
      const port = await freePort();
      const root = join(cwd, written.archive.folder);
      await mkdir(join(root, 'proc'));
      // Every system has this one, and memory is read there.
      const mounted = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
      const serve = [...words.filter((word) => word !== ''), '--port', String(port), '--grpc-port', 'off'];
      const child = spawn('unshare', ['--mount', 'sh', '-c', mounted, root, ...serve], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      await eventually('it answers', async () => (await statusOf(`http://127.0.0.1:${port}/v2/health/ready`)) === 200, 60_000);
      assert.deepEqual(await infer(`http://127.0.0.1:${port}`), own);
      child.kill('SIGTERM');
      await ended;
    },
  );

  test('has a unit that systemd reads, and that keeps to itself', { skip: withoutSystemd }, async () => {
    const unit = await readFile(join(cwd, written.archive.folder, written.archive.unit), 'utf8');
    const placed = join(cwd, written.archive.unit);
    // Where it is looked at the archive does not lie in /opt.
    await writeFile(placed, unit.replaceAll('/opt/', `${cwd}/`));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', placed]);
    assert.equal(`${stdout}${stderr}`, '');
    const security = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', placed]);
    const [, exposure = '10'] = /exposure level for \S+: ([\d.]+)/.exec(security.stdout) ?? [];
    assert.ok(Number(exposure) < 4, security.stdout);
  });
});
