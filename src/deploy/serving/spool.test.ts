import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, manualClock, seeded, uuidV7 } from '#core';
import { readSegment } from './segment.ts';
import { Spool } from './spool.ts';

const shared = {
  environment: 'production',
  endpoint: 'churn',
  generation: 3,
  package: 'ab'.repeat(32),
  model: 'churn-model',
  version: '3',
  servedAt: '2026-01-01T00:00:00.000Z',
  latencyMs: 1.5,
};
const request = (...ids: string[]): string =>
  JSON.stringify({ ...shared, rows: ids.map((id) => ({ id, inputs: { city: 'Köln', n: 1 }, outputs: { value: 2 } })) });
const random = seeded(5);
const newId = uuidV7(manualClock(1_767_225_600_000), (length) => Uint8Array.from({ length }, () => random.int(256)));

describe('the prediction log', () => {
  let root = '';
  let count = 0;
  const fresh = (): string => join(root, String(count++));
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-spool-'));
  });
  after(() => rm(root, { recursive: true, force: true }));
  const idsIn = async (path: string): Promise<string[]> => (await readSegment(path)).predictions.map(({ id }) => id);

  test('gives back each row of each request as a prediction, in order', async () => {
    await using spool = await Spool.open({ dir: fresh(), newId });
    await Promise.all([spool.append(request('a', 'b')), spool.append(request('c'))]);
    const [path] = await spool.flush();
    const { predictions, torn } = await readSegment(path);
    assert.deepEqual(predictions[1], { ...shared, id: 'b', inputs: { city: 'Köln', n: 1 }, outputs: { value: 2 } });
    assert.deepEqual(await idsIn(path), ['a', 'b', 'c']);
    assert.equal(torn, false);
    assert.equal(spool.figures.frames, 2);
  });

  test('has the bytes in the file before append resolves', async () => {
    const dir = fresh();
    await using spool = await Spool.open({ dir, newId });
    await spool.append(request('now'));
    const [open] = await readdir(dir);
    assert.match(open, /\.open$/);
    assert.deepEqual(await idsIn(join(dir, open)), ['now']);
  });

  test('tells everybody of a write, whatever one of them does with it', async () => {
    await using spool = await Spool.open({ dir: fresh(), newId });
    const told: string[] = [];
    spool.appendSoon(request('a'), () => {
      throw new TypeError('a fault of its own');
    });
    spool.appendSoon(request('b'), (fault) => told.push(`b ${fault === undefined}`));
    await assert.rejects(spool.flush(), /a fault of its own/);
    assert.deepEqual(told, ['b true']);
    assert.deepEqual(await idsIn((await spool.flush())[0]), ['a', 'b']);
  });

  test('finishes a segment when it is full, and flush names all finished ones, oldest first', async () => {
    await using spool = await Spool.open({ dir: fresh(), newId, maxSegmentBytes: 400 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) await spool.append(request(id));
    const paths = await spool.flush();
    assert.ok(paths.length >= 2, `${paths.length} segments`);
    const ids = (await Promise.all(paths.map(idsIn))).flat();
    assert.deepEqual(ids.sort(), ['a', 'b', 'c', 'd', 'e']);
  });

  test('finishes a segment when it is old', async () => {
    const dir = fresh();
    await using spool = await Spool.open({ dir, newId, maxSegmentMs: 5 });
    await spool.append(request('a'));
    while (!(await readdir(dir)).some((name) => name.endsWith('.seg'))) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(spool.figures.segments, 1);
  });

  test('leaves no file behind when nothing was logged', async () => {
    const dir = fresh();
    await using spool = await Spool.open({ dir, newId });
    assert.deepEqual(await spool.flush(), []);
    assert.deepEqual(await readdir(dir), []);
  });

  test('finishes what a dead process left open, without its torn tail', async () => {
    const dir = fresh();
    {
      await using spool = await Spool.open({ dir, newId });
      await spool.append(request('kept-1'));
      await spool.append(request('kept-2'));
      const [whole] = await spool.flush();
      const bytes = await readFile(whole);
      await rm(whole);
      // 4194304 is beyond the largest process id of Linux: nobody has it.
      await writeFile(join(dir, 'left.4194304-1.open'), Buffer.concat([bytes, bytes.subarray(8, 40)]));
      await writeFile(join(dir, 'empty.4194304-1.open'), bytes.subarray(0, 5));
    }
    await using next = await Spool.open({ dir, newId });
    assert.deepEqual(await next.flush(), [join(dir, 'left.seg')]);
    const { predictions, torn } = await readSegment(join(dir, 'left.seg'));
    assert.deepEqual(
      predictions.map(({ id }) => id),
      ['kept-1', 'kept-2'],
    );
    assert.equal(torn, false);
    assert.deepEqual(await readdir(dir), ['left.seg']);
  });

  test('reports what it found left open by processes that died', async () => {
    const dir = fresh();
    let whole: Buffer;
    {
      await using spool = await Spool.open({ dir, newId });
      await spool.append(request('a', 'b'));
      await spool.append(request('c'));
      const [path] = await spool.flush();
      whole = await readFile(path);
      await rm(path);
    }
    await writeFile(join(dir, 'one.4194304-1.open'), Buffer.concat([whole, whole.subarray(8, 40)]));
    await writeFile(join(dir, 'two.4194304-1.open'), whole.subarray(0, whole.length - 1));
    await using next = await Spool.open({ dir, newId });
    const { recovered } = next.figures;
    assert.deepEqual([recovered.segments, recovered.requests], [2, 3]);
    const left = (await Promise.all((await next.finished()).map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);
    assert.equal(recovered.cutBytes, whole.length + 32 + (whole.length - 1) - left);
  });

  test('refuses beyond its bound, goes on when segments are taken away, and loses nothing that it took', async () => {
    const dir = fresh();
    let tick = 1_767_225_600_000;
    const ordered = uuidV7({ now: () => tick++ }, (length) => new Uint8Array(length));
    await using spool = await Spool.open({ dir, newId: ordered, maxSegmentBytes: 1000 });
    spool.bound = { maxBytes: 4000, whenFull: 'refuse' };
    const taken: string[] = [];
    const fill = async (): Promise<void> => {
      for (let k = 0; ; k++) {
        const id = `${taken.length}-${k}`;
        try {
          await spool.append(request(id));
        } catch (error) {
          assert.ok(hasCode(error, 'RESOURCE_EXHAUSTED'), String(error));
          assert.match(error.message, /4000 bytes, which is all that it may/);
          return;
        }
        taken.push(id);
      }
    };
    await fill();
    assert.ok(spool.figures.diskBytes <= 4000);
    const paths = await spool.finished();
    assert.equal((await readdir(dir)).length, paths.length, 'what was open is finished, to be taken away');
    const shipped = (await Promise.all(paths.map(idsIn))).flat();
    assert.deepEqual(shipped, taken);
    for (const path of paths) await rm(path);
    // How long a full log waits before it looks again is its own business.
    while (
      !(await spool.append(request('room')).then(
        () => true,
        () => false,
      ))
    )
      await sleep(10);
    taken.push('room');
    await fill();
    assert.deepEqual([...shipped, ...(await Promise.all((await spool.finished()).map(idsIn))).flat()], taken);
    assert.deepEqual(spool.figures.dropped, { segments: 0, requests: 0, bytes: 0 });
  });

  test('drops the oldest segments where it is told to, counts what was in them, and says so in the log itself', async () => {
    const dir = fresh();
    let tick = 1_767_225_600_000;
    const ordered = uuidV7({ now: () => tick++ }, (length) => new Uint8Array(length));
    const ids = Array.from({ length: 60 }, (_, k) => `id-${String(k).padStart(2, '0')}`);
    {
      await using before = await Spool.open({ dir, newId: ordered, maxSegmentBytes: 1000 });
      for (const id of ids.slice(0, 20)) await before.append(request(id));
    }
    await using spool = await Spool.open({ dir, newId: ordered, maxSegmentBytes: 1000 });
    spool.bound = { maxBytes: 4000, whenFull: 'drop_oldest' };
    for (const id of ids.slice(20)) await spool.append(request(id));
    const segments = await Promise.all((await spool.flush()).map((path) => readSegment(path)));
    const kept = segments.flatMap(({ predictions }) => predictions.map(({ id }) => id));
    const { dropped, diskBytes } = spool.figures;
    assert.ok(diskBytes <= 4000 && kept.length > 5, `${diskBytes} bytes, ${kept.length} kept`);
    assert.deepEqual(kept, ids.slice(-kept.length), 'the newest');
    assert.equal(dropped.requests, ids.length - kept.length);
    const said = segments.reduce((sum, segment) => sum + segment.dropped.requests, 0);
    assert.equal(said, dropped.requests, 'also what was said in segments that were dropped themselves');
  });

  test('leaves the open segment of a living process alone, and takes one whose process id was given to another', async () => {
    const dir = fresh();
    await using mine = await Spool.open({ dir, newId });
    await mine.append(request('mine'));
    const [open] = await readdir(dir);
    await using _other = await Spool.open({ dir, newId });
    assert.deepEqual(await readdir(dir), [open]);
    const reused = open.replace(/-\d+\.open$/, '-1.open');
    await writeFile(join(dir, `x${reused}`), await readFile(join(dir, open)));
    await using _third = await Spool.open({ dir, newId });
    assert.deepEqual((await readdir(dir)).filter((name) => name.endsWith('.seg')).length, 1);
  });

  for (const fault of ['none', 'file.write:7', 'file.write:150', 'file.rename:1', 'file.rename:4']) {
    test(`loses nothing that was acknowledged when the process is killed, ${fault === 'none' ? 'from outside' : `at ${fault}`}`, async () => {
      const dir = fresh();
      const script = `
      import { Spool } from ${JSON.stringify(join(import.meta.dirname, 'spool.ts'))};
      import { faultAt, noFaults } from ${JSON.stringify(import.meta.resolve('#core'))};
      let n = 0;
      const spec = process.argv[2];
      const faults = spec === 'none' ? noFaults : faultAt(spec, () => process.kill(process.pid, 'SIGKILL'));
      const spool = await Spool.open({ dir: process.argv[1], newId: () => 'segment-' + n++, maxSegmentBytes: 2000, faults });
      for (let i = 0; ; i++) { await spool.append(JSON.stringify({ rows: [{ id: String(i) }] })); process.stdout.write(i + '\\n'); }`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir, fault], { stdio: ['ignore', 'pipe', 'inherit'] });
      // Its pipe closes a moment before the process is gone, and an open segment is left alone for as long as its process lives.
      const gone = once(child, 'exit');
      let acknowledged = '';
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        acknowledged += chunk;
        if (acknowledged.length > 2000) child.kill('SIGKILL');
      }
      await gone;
      assert.equal(child.signalCode, 'SIGKILL');
      const said = acknowledged.split('\n').slice(0, -1);
      await using spool = await Spool.open({ dir, newId });
      const kept = new Set((await Promise.all((await spool.flush()).map(idsIn))).flat());
      if (fault === 'none') assert.ok(said.length > 100);
      assert.deepEqual(
        said.filter((id) => !kept.has(id)),
        [],
      );
    });
  }

  test('stops at a frame whose checksum does not hold, and says so', async () => {
    await using spool = await Spool.open({ dir: fresh(), newId });
    await spool.append(request('good'));
    const [path] = await spool.flush();
    const { size } = { size: (await readFile(path)).length };
    await appendFile(path, (await readFile(path)).subarray(8));
    const bytes = await readFile(path);
    bytes[bytes.length - 5] ^= 1;
    await writeFile(path, bytes);
    const segment = await readSegment(path);
    assert.deepEqual([segment.predictions.length, segment.soundBytes, segment.torn], [1, size, true]);
    await truncate(path, 3);
    const { predictions, soundBytes, torn } = await readSegment(path);
    assert.deepEqual([predictions.length, soundBytes, torn], [0, 0, true]);
    await writeFile(path, 'something else');
    await assert.rejects(readSegment(path), { code: 'DATA_LOSS' });
  });

  test('refuses a folder that cannot be used', async () => {
    const file = join(root, 'a-file');
    await writeFile(file, '');
    await assert.rejects(Spool.open({ dir: join(file, 'below'), newId }), { code: 'PERMISSION_DENIED' });
  });

  test(
    'undoes a write that came short, as on a full disk: what was acknowledged stays readable',
    { skip: process.platform === 'win32' },
    async () => {
      const dir = fresh();
      const script = `
      import { Spool } from ${JSON.stringify(join(import.meta.dirname, 'spool.ts'))};
      const spool = await Spool.open({ dir: process.argv[1], newId: () => 'segment' });
      const answers = [];
      for (let i = 0; i < 100; i++) {
        answers.push(await spool.append(JSON.stringify({ rows: [{ id: String(i), inputs: 'x'.repeat(90) }] })).then(() => 'kept', (error) => error.code));
      }
      await spool.flush();
      console.log(JSON.stringify(answers));`;
      // No file may grow beyond 4 KiB: the write that would pass it stops there, the next one fails.
      const limited = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"`;
      const child = spawn('sh', ['-c', limited, process.execPath, script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      const answers = JSON.parse((await child.stdout.setEncoding('utf8').toArray()).join('')) as string[];
      const kept = answers.filter((answer) => answer === 'kept').length;
      assert.ok(kept > 10 && kept < 40, `${kept} were kept`);
      assert.deepEqual(new Set(answers.slice(kept)), new Set(['UNAVAILABLE']));
      const { predictions, torn } = await readSegment(join(dir, 'segment.seg'));
      assert.deepEqual([predictions.length, torn], [kept, false]);
    },
  );
});
