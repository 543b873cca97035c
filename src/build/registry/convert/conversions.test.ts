import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { Actor, ModelConversion } from '#contract';
import { GyreError } from '#core';
import { openRegistry } from '../registry.ts';
import type { Registry, RegistryDeps } from '../port.ts';
import { openRooms } from '../testing.ts';
import type { Rooms } from '../testing.ts';

const by: Actor = { identity: 'ada', name: 'Ada' };

/** What happens around a conversion; that converters convert is shown with the real ones (test/interop). */
describe('conversions on the platform', () => {
  let rooms: Rooms;
  let deps: RegistryDeps;
  let registry: Registry;
  let folder: string;
  let isAllowed = true;

  /** A program in the place of Python, with children of its own. */
  const interpreter = async (name: string, script: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-conversions-'));
    rooms = await openRooms();
    const endless = await interpreter(
      'endless',
      `(sleep 600; touch ${join(folder, 'survived')}) & echo $! > ${join(folder, 'child')}; echo "loading the model" >&2; wait`,
    );
    const failing = await interpreter('failing', 'echo "one line" >&2; echo "it has no classes" >&2; exit 1');
    deps = {
      ...rooms.deps,
      owner: folder,
      kept: {
        filesAt: async ({ source }) => {
          const path = source.split('/').at(-1) ?? '';
          const { digest, size } = await rooms.deps.blobs.put(Buffer.from(path));
          return { files: [{ path, digest, size }] };
        },
      },
      python: {
        isAllowed: () => isAllowed,
        open: () => Promise.reject(new GyreError('UNIMPLEMENTED', 'nothing is loaded here')),
        converter: async (model) => ({ python: model.includes('gyre-version') ? (isFailing ? failing : endless) : '', limits: {} }),
      },
    };
    registry = openRegistry(deps);
    for (const [model, file] of [
      ['pickled', 'model.pkl'],
      ['graph', 'model.onnx'],
      ['notes', 'notes.md'],
    ] as const)
      await registry.registerVersion({ model, makesModel: true, source: `mlflow-artifacts:/somewhere/${file}`, by });
  });
  after(async () => {
    await registry.conversions[Symbol.asyncDispose]();
    await rooms[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  let isFailing = false;
  const start = (model = 'pickled'): Promise<ModelConversion> => registry.conversions.start({ model, version: 1, rows: [{ age: 3 }], by });
  const saying = async (id: string): Promise<ModelConversion> => {
    for (;;) {
      const one = await registry.conversions.get(id);
      if (one.said.length > 0 || one.finishedAt !== undefined) return one;
      await sleep(5);
    }
  };
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test('begin only of what only Python can load, where that is allowed', async () => {
    await assert.rejects(start('graph'), /has an ONNX graph already/);
    await assert.rejects(start('notes'), /has neither an MLmodel file nor one file of a model by itself \(\.pkl/);
    isAllowed = false;
    await assert.rejects(start(), /executes code from its files, which is not allowed here/);
    isAllowed = true;
    assert.deepEqual((await registry.conversions.list()).items, []);
  });

  test('say what they are at, go one at a time, and are stopped with all that their process has started', async () => {
    const [first, second] = [await start(), await start()];
    const running = await saying(first.id);
    assert.deepEqual([running.state, running.stage, running.said], ['running', 'converting and comparing', ['loading the model']]);
    const { items } = await registry.conversions.list({ model: 'pickled' });
    assert.deepEqual(items.map(({ id, state }) => [id, state]), [[second.id, 'queued'], [first.id, 'running']]); // prettier-ignore
    const child = Number(await readFile(join(folder, 'child'), 'utf8'));
    assert.ok(isAlive(child));
    const stopped = await registry.conversions.cancel(first.id);
    assert.deepEqual([stopped.state, stopped.stage, stopped.code], ['cancelled', undefined, 'CANCELLED']);
    while (isAlive(child)) await sleep(5);
    assert.equal((await saying(second.id)).state, 'running');
    await registry.conversions.cancel(second.id);
    assert.equal((await registry.getModel('pickled')).latest, 1);
  });

  test('that fail keep the converter’s words, and what began and ended is told by events', async () => {
    isFailing = true;
    const failed = await registry.conversions.wait((await start()).id);
    isFailing = false;
    assert.deepEqual([failed.state, failed.code, failed.said], ['failed', 'FAILED_PRECONDITION', ['one line', 'it has no classes']]);
    assert.match(failed.error ?? '', /cannot be converted: it has no classes/);
    const told = (await rooms.events.read({ after: 0 })).filter(({ type }) => type.includes('model_conversion'));
    assert.deepEqual(
      told.slice(-2).map(({ type, data, actor }) => [type, 'state' in data ? data.state : undefined, actor]),
      [
        ['dev.gyre.model_conversion.started.v1', undefined, 'ada'],
        ['dev.gyre.model_conversion.finished.v1', 'failed', 'ada'],
      ],
    );
  });

  test('that a process left have failed, which only that one’s successor says', async () => {
    const begun = await start();
    await saying(begun.id);
    const elsewhere = openRegistry({ ...deps, owner: `${folder}/other` });
    assert.equal(await elsewhere.conversions.endLeft(), 0);
    assert.equal(await registry.conversions.endLeft(), 0, 'its own goes on');
    // As the next process finds it: it knows nothing of what runs here.
    const successor = openRegistry(deps);
    assert.equal(await successor.conversions.endLeft(), 1);
    const left = await successor.conversions.get(begun.id);
    assert.deepEqual([left.state, left.code], ['failed', 'ABORTED']);
    assert.match(left.error ?? '', /the platform ended while it was converted; convert it again/);
    await registry.conversions.cancel(begun.id);
  });
});
