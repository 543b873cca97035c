import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { foreignModel, graphColumns } from '../harness/brought-model-fixture.ts';
import { done, gyre, type Place, temporaryFolder } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

/** The first of these is while the store opens; each later one further, until a verb gets through. */
const nextPoint = (point: number): number => point * 2;

describe('a model from elsewhere, killed with -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project = '';
  let graph = '';
  before(async () => {
    folder = await temporaryFolder();
    project = await smallProject(folder.path, { rows: 200 });
    graph = await foreignModel(folder.path);
  });
  after(() => folder[Symbol.asyncDispose]());

  const placeOf = (data: string, fault?: string): Place => ({
    cwd: project,
    env: { GYRE_DATA: data, ...(fault === undefined ? {} : { GYRE_FAULT: fault }) },
  });
  const testing = ['model', 'test', 'shop/1', '--columns', graphColumns, '--classes', 'no,yes'];

  test('while it is added or tested is there whole or not at all, and the same words bring it to its end', async () => {
    const start = join(folder.path, 'start');
    await done(['data', 'add', 'people'], placeOf(start));
    await done(['data', 'split', 'people'], placeOf(start));

    let kills = 0;
    for (let point = 5, over = false; !over; point = nextPoint(point)) {
      const data = join(folder.path, `add-${point}`);
      await cp(start, data, { recursive: true });
      const ended = await gyre(['model', 'add', 'shop', graph], placeOf(data, `*:${point}`));
      over = ended.signal !== 'SIGKILL';
      kills += over ? 0 : 1;
      await checkStore(data);
      const left = Number(query(data, 'select count(*) from model_versions')[0]);
      assert.ok(over ? left === 1 : left <= 1);
      // What was not registered is registered when it is asked for again; what was is there as it came.
      if (left === 0) await done(['model', 'add', 'shop', graph], placeOf(data));
      assert.deepEqual(query(data, "select json_extract(value, '$.path') from model_versions, json_each(files)"), ['model.onnx']);
    }
    assert.ok(kills >= 3, `only ${kills} kills while it was added`);

    const added = join(folder.path, 'added');
    await cp(start, added, { recursive: true });
    await done(['model', 'add', 'shop', graph], placeOf(added));
    kills = 0;
    let expected: unknown;
    for (let point = 5, over = false; !over; point = nextPoint(point)) {
      const data = join(folder.path, `test-${point}`);
      await cp(added, data, { recursive: true });
      const ended = await gyre(testing, placeOf(data, `*:${point}`));
      over = ended.signal !== 'SIGKILL';
      kills += over ? 0 : 1;
      await checkStore(data);
      const [tested] = query(
        data,
        'select count(*) from model_versions where test_report is not null and brought is not null and charter is not null',
      );
      const [begun] = query(
        data,
        'select count(*) from model_versions where test_report is not null or brought is not null or charter is not null',
      );
      assert.equal(tested, begun, 'a version is tested or it is not');
      if (over) assert.equal(ended.code, 0, ended.stderr);
      if (tested === 0) await done(testing, placeOf(data));
      // The package of the same judgement is the same, but for when it was brought: that is one instant here.
      const [made] = query(data, 'select package from model_versions where tests_passed');
      expected ??= made;
      assert.equal(made, expected);
      await checkStore(data);
    }
    assert.ok(kills >= 3, `only ${kills} kills while it was tested`);
  });
});
