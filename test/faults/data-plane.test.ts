import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { PredictAnswer, ReleaseManifest } from '#contract';
import { openFsBlobs } from '#blobs';
import { listSegments, putSample, readSegment, sampleManifest, samplePackage } from '#serving';
import { repository, temporaryFolder } from '../harness/gyre-fixture.ts';

const mebibyte = 1024 * 1024;
const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const isRoot = process.getuid?.() === 0;

interface DataPlane extends AsyncDisposable {
  readonly address: string;
  readonly child: ChildProcess;
}

describe('a data plane as a process', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const sample = samplePackage();
  before(async () => {
    folder = await temporaryFolder();
    await putSample(await openFsBlobs({ dir: join(folder.path, 'blobs') }), sample);
  });
  after(() => folder[Symbol.asyncDispose]());

  /** @param spool folder of its log @param before words of a shell that come before it is run */
  const start = async (changes: Partial<ReleaseManifest>, spool: string, before = ''): Promise<DataPlane> => {
    const manifest = join(folder.path, 'manifest.json');
    await writeFile(manifest, JSON.stringify(sampleManifest(sample, 1, changes)));
    const words = [
      '--manifest',
      manifest,
      '--blobs',
      join(folder.path, 'blobs'),
      '--unsigned',
      '--port',
      '0',
      '--spool',
      spool,
      '--control',
    ];
    const main = join(repository, 'src/app/inference-main.ts');
    const child = spawn('/bin/sh', ['-c', `${before} exec "$@"`, 'sh', process.execPath, main, ...words, '--log-level', 'fatal'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const [line] = (await once(lines, 'line')) as [string];
    const { address } = JSON.parse(line) as { readonly address: string };
    return {
      address,
      child,
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  };
  const predict = async (
    address: string,
  ): Promise<{ readonly status: number; readonly later: string | null; readonly ids: readonly string[]; readonly error: string }> => {
    const response = await fetch(`${address}/predict/churn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: Array.from({ length: 20 }, () => row) }),
    });
    const { predictions = [], error = '' } = (await response.json()) as Partial<PredictAnswer> & { readonly error?: string };
    return { status: response.status, later: response.headers.get('retry-after'), ids: predictions.map(({ id }) => id), error };
  };
  const loggedIn = async (dir: string): Promise<readonly string[]> => {
    const segments = await Promise.all((await listSegments(dir)).map((path) => readSegment(path)));
    assert.ok(
      segments.every(({ torn }) => !torn),
      'every finished segment is whole',
    );
    return segments.flatMap(({ predictions }) => predictions.map(({ id }) => id));
  };
  const metric = async (address: string, name: string): Promise<number> =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${address}/metrics`)).text())?.[1]);

  test(
    'on a full disk answers 503 what must be logged, tears no segment, and goes on when there is room',
    { skip: isRoot ? false : 'a small file system is mounted for this by root only' },
    async () => {
      const disk = join(folder.path, 'disk');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', disk]);
      try {
        const answered: string[] = [];
        {
          await using plane = await start({}, join(disk, 'log'));
          const ballast = join(disk, 'ballast');
          await writeFile(ballast, Buffer.alloc(mebibyte / 2, 1));
          let reply = await predict(plane.address);
          for (let k = 0; reply.status === 200 && k < 5000; k++) {
            answered.push(...reply.ids);
            reply = await predict(plane.address);
          }
          assert.equal(reply.status, 503);
          assert.match(reply.error, /must be logged.*(ENOSPC|no space)/i);
          assert.ok(Number(reply.later) >= 1, 'it says when to ask again');
          for (let k = 0; k < 5; k++) assert.equal((await predict(plane.address)).status, 503);
          assert.ok((await metric(plane.address, 'gyre_log_failures_total')) >= 6);
          await rm(ballast);
          for (let k = 0; k < 5; k++) {
            reply = await predict(plane.address);
            assert.equal(reply.status, 200, reply.error);
            answered.push(...reply.ids);
          }
          plane.child.stdin?.end();
          await once(plane.child, 'exit');
        }
        assert.deepEqual(await loggedIn(join(disk, 'log')), answered);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );

  test('whose log may drop the oldest answers on, keeps to its bound, and after kill -9 has told of each answer that it kept or dropped', async () => {
    const spool = join(folder.path, 'bounded');
    const answered: string[] = [];
    const requests = 500;
    let dropped = 0;
    {
      await using plane = await start({ log: { sample: 1, maxMib: 1, whenFull: 'drop_oldest' } }, spool);
      for (let k = 0; k < requests; k++) {
        const reply = await predict(plane.address);
        assert.equal(reply.status, 200, reply.error);
        answered.push(...reply.ids);
        // Small segments, as a minute of each would be.
        if (k % 10 === 9) plane.child.stdin?.write('{"op":"flush"}\n');
      }
      dropped = await metric(plane.address, 'gyre_log_dropped_requests_total');
    }
    assert.ok(dropped > 0);
    await using next = await start({}, spool);
    next.child.stdin?.end();
    await once(next.child, 'exit');
    const kept = await loggedIn(spool);
    assert.deepEqual(kept, answered.slice(-kept.length));
    assert.equal(answered.length - kept.length, dropped * 20);
    const sizes = await Promise.all((await readdir(spool)).map(async (name) => (await readFile(join(spool, name))).length));
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= mebibyte);
  });

  test('answers others while thousands of connections are idle, and holds little for each', async (t) => {
    const hard = Number(execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()) || Number.POSITIVE_INFINITY;
    const wanted = Math.min(10_000, hard - 1000);
    // Both ends of each connection are files, of two processes.
    await using plane = await start({ log: { sample: 0 } }, join(folder.path, 'idle'), 'ulimit -n "$(ulimit -Hn)";');
    const resident = async (): Promise<number> =>
      Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${plane.child.pid}/status`, 'utf8'))?.[1]) * 1024;
    await predict(plane.address);
    const emptyBytes = await resident();
    const port = Number(new URL(plane.address).port);
    const idle: Socket[] = [];
    const probe = 'GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const open = async (): Promise<void> => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(probe);
      await once(socket, 'data');
      idle.push(socket);
    };
    try {
      for (let k = 0; k < wanted; k += 100) await Promise.all(Array.from({ length: Math.min(100, wanted - k) }, open));
      assert.equal(idle.length, wanted);
      const each = ((await resident()) - emptyBytes) / wanted;
      const times: number[] = [];
      for (let k = 0; k < 50; k++) {
        const began = performance.now();
        assert.equal((await predict(plane.address)).status, 200);
        times.push(performance.now() - began);
      }
      times.sort((one, other) => one - other);
      t.diagnostic(
        `${wanted} idle connections: ${(each / 1024).toFixed(1)} KiB each; others answered in ${times[25].toFixed(1)} ms (median)`,
      );
      console.log(
        `${wanted} idle connections: ${(each / 1024).toFixed(1)} KiB each; others answered in ${times[25].toFixed(1)} ms (median)`,
      );
      assert.ok(each < 64 * 1024, `${Math.round(each / 1024)} KiB for each idle connection`);
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });
});
