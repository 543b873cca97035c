import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { GarbageSweep } from '#contract';
import { sha256 } from '#core';
import { ageAll, blobsOf } from '../harness/blob-files-fixture.ts';
import { done, facts, gyre, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { get, post, untilGone } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

const runs = 24;
/** More than go in one transaction, so that a kill comes between two pieces of one run. */
const manyPoints = 45_000;

interface LoggedRun {
  readonly id: string;
  readonly points: number;
  readonly file: string;
}

/** Logs a run with parameter, tag, points and a file of its own. */
async function logRun(address: string, experiment: string, points: number): Promise<LoggedRun> {
  const { run } = await post<{ run: { info: { run_id: string } } }>(address, 'runs/create', { experiment_id: experiment });
  const { run_id: id } = run.info;
  for (let at = 0; at < points; at += 900) {
    const metrics = Array.from({ length: Math.min(900, points - at) }, (_, k) => ({
      key: 'loss',
      value: at + k,
      timestamp: 1,
      step: at + k,
    }));
    await post(address, 'runs/log-batch', {
      run_id: id,
      metrics,
      params: [{ key: 'rate', value: '0.1' }],
      tags: [{ key: 'team', value: 'a' }],
    });
  }
  const file = `the file of ${id}`;
  const { status } = await untilGone(`${address}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${id}/artifacts/notes.txt`, {
    method: 'PUT',
    body: file,
  });
  assert.equal(status, 200);
  return { id, points, file };
}

describe('gyre gc --what runs killed with -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let data = '';
  const kept: LoggedRun[] = [];
  const deleted: LoggedRun[] = [];

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    data = `${place.cwd}/.gyre`;
    await done(['check'], place);
    await using house = await up(place);
    const { experiment_id: experiment } = await post<{ experiment_id: string }>(house.address, 'experiments/create', { name: 'old' });
    for (let at = 0; at < runs; at++) {
      const run = await logRun(house.address, experiment, at === 5 || at === 6 ? manyPoints : 200);
      if (at % 3 === 0) kept.push(run);
      else {
        deleted.push(run);
        await post(house.address, 'runs/delete', { run_id: run.id });
      }
    }
    assert.equal((await house.stop()).code, 0);
  });
  after(() => folder[Symbol.asyncDispose]());

  /** Rows about a run: its own, and one count for each table that speaks of it. */
  const rowsOf = ({ id }: LoggedRun): readonly number[] => {
    const own = `(select position from logged where public = '${id}')`;
    const [row] = query(
      data,
      `with logged as (select position, replace(id, '-', '') as public from runs)
       select json_array(
         (select count(*) from logged where public = '${id}'), (select count(*) from parameters where run = ${own}),
         (select count(*) from tags where run = ${own} and key = 'team'), (select count(*) from metric_latest where run = ${own}),
         (select count(*) from metric_points where run = ${own}), (select count(*) from artifacts where folder like '%/${id}/artifacts'))`,
    );
    return JSON.parse(String(row)) as number[];
  };
  const check = async (): Promise<number> => {
    await checkStore(data);
    for (const run of kept) assert.deepEqual(rowsOf(run), [1, 1, 1, 1, run.points, 1], `run ${run.id} was never deleted`);
    const left = deleted.filter((run) => rowsOf(run)[0] === 1);
    for (const run of deleted) {
      const whole = left.includes(run);
      assert.deepEqual(rowsOf(run), whole ? [1, 1, 1, 1, run.points, 1] : [0, 0, 0, 0, 0, 0], `run ${run.id} is there whole or not at all`);
    }
    const orphaned = 'select distinct run from metric_points where run not in (select position from runs)';
    assert.deepEqual(
      query(data, `${orphaned} and run not in (select position from erased_runs)`),
      [],
      'points that the next sweep would not clear',
    );
    return left.length;
  };
  const collect = ['gc', '--what', 'runs', '--older-than', '0s', '--apply'];

  test('at any COMMIT, again and again: no run that lives loses anything, and what goes goes whole', async () => {
    let cut = 0;
    let left = await check();
    assert.equal(left, deleted.length);
    for (let nth = 3; ; nth++) {
      const fault = `store.commit.${nth % 2 === 0 ? 'before' : 'after'}:${nth}`;
      const ended = await gyre(collect, { ...place, env: { GYRE_FAULT: fault } });
      left = await check();
      if (ended.signal === null) {
        assert.equal(ended.code, 0, ended.stderr);
        break;
      }
      assert.equal(ended.signal, 'SIGKILL');
      cut += 1;
    }
    assert.ok(cut > 3, `${cut} sweeps were cut off`);
    assert.equal(left, 0);
    const sweep = await facts<GarbageSweep>(collect, place);
    assert.deepEqual([sweep.state, sweep.garbage.count], ['finished', 0]);
    const empty = ['metric_points', 'metric_latest', 'parameters', 'tags'].map((table) => `select run from ${table}`).join(' union ');
    assert.deepEqual(
      query(data, `select run from (${empty}) where run not in (select position from runs)`),
      [],
      'nothing is left of what went',
    );

    await ageAll(data);
    const bytes = await facts<GarbageSweep>(['gc', '--apply'], place);
    assert.equal(bytes.deleted.count, deleted.length, 'their files, and no others');
    const blobs = new Set(await blobsOf(data));
    for (const { file } of kept) assert.ok(blobs.has(sha256(file)));
    for (const { file } of deleted) assert.ok(!blobs.has(sha256(file)));
    await using house = await up(place);
    for (const { id, points, file } of kept) {
      const { run } = await get<{ run: { info: { artifact_uri: string }; data: { metrics: readonly { value: number }[] } } }>(
        house.address,
        `runs/get?run_id=${id}`,
      );
      assert.equal(run.data.metrics[0].value, points - 1);
      const { body } = await untilGone(`${house.address}/get-artifact?run_uuid=${id}&path=notes.txt`);
      assert.equal(body.toString(), file);
    }
  });
});
