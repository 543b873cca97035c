import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Run } from '#contract';
import { by, code, environment, filesOf, openRooms, smallStudy } from './testing.ts';
import type { Rooms } from './testing.ts';
import { publicRunId } from './tracking/words.ts';

describe('a clone of a run', () => {
  let rooms: Rooms;
  let source: Run;
  before(async () => {
    rooms = await openRooms();
    source = (await smallStudy(rooms, () => undefined)).best;
  });
  after(() => rooms[Symbol.asyncDispose]());

  const modelOf = async (run: Run): Promise<string | undefined> =>
    (await filesOf(rooms, run)).find(({ path }) => path === 'model.onnx')?.digest;

  test('without changes has the same bytes, and names its source', async () => {
    const lines: string[] = [];
    const clone = await rooms.training.cloneRun({ run: source.id, code, environment, by, onLine: (line) => lines.push(line) });
    assert.notEqual(clone.id, source.id);
    assert.equal(await modelOf(clone), await modelOf(source));
    assert.deepEqual(
      [clone.parameters, clone.seed, clone.inputs, clone.metrics],
      [source.parameters, source.seed, source.inputs, source.metrics],
    );
    assert.equal(clone.tags['gyre.cloned_from'], publicRunId(source.id));
    assert.equal(clone.experiment, source.experiment);
    assert.match(lines.join('\n'), /points-0-clone: logistic with seed/);
  });

  test('with a change differs in what follows from it', async () => {
    const clone = await rooms.training.cloneRun({ run: source.id, parameters: { l2: 50 }, name: 'softer', code, environment, by });
    assert.deepEqual(clone.parameters, { ...source.parameters, l2: 50 });
    assert.equal(clone.name, 'softer');
    assert.notEqual(await modelOf(clone), await modelOf(source));
  });

  test('is refused for parameters that the trainer does not have, and for a run that no trainer of ours made', async () => {
    const { training } = rooms;
    await assert.rejects(training.clonePlan(source.id, { parameters: { nope: 1 } }), {
      code: 'INVALID_ARGUMENT',
      message: /no parameter "nope"/,
    });
    await assert.rejects(training.clonePlan(source.id, { parameters: { l2: 'much' } }), {
      code: 'INVALID_ARGUMENT',
      message: /a number is needed/,
    });
    const foreign = await training.startRun({ code, environment, by });
    await assert.rejects(training.clonePlan(foreign.id, {}), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(training.clonePlan('nobody', {}), { code: 'NOT_FOUND' });
  });

  test('that was stopped is on record as such', async () => {
    const request = { run: source.id, name: 'stopped', code, environment, by, signal: AbortSignal.abort() };
    await assert.rejects(rooms.training.cloneRun(request), { code: 'CANCELLED' });
    const { items } = await rooms.training.listRuns({ limit: 1 });
    assert.deepEqual([items[0].name, items[0].status], ['stopped', 'KILLED']);
  });
});
