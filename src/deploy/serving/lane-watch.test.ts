import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LaneWatch } from './lane-watch.ts';
import type { Advice } from './lane-watch.ts';
import type { Lane } from './execution-settings.ts';

/** What is advised, all in all, after runs of these times. */
function advised(lane: Lane, maxRows: number, rows: number, times: Iterable<number>): readonly Advice[] {
  const watch = new LaneWatch();
  const advice: Advice[] = [];
  for (const ms of times) {
    const one = watch.note(lane, maxRows, rows, ms);
    if (one !== undefined) advice.push(one);
  }
  return advice;
}

const runs = (count: number, ms: (at: number) => number): number[] => Array.from({ length: count }, (_, at) => ms(at));

describe('the watch over a model’s lane', () => {
  test('moves a model that is slower than it was measured to workers, and a fast one to the HTTP thread', () => {
    assert.deepEqual(
      advised(
        'inline',
        256,
        1,
        runs(64, () => 1.2),
      ),
      ['to-workers'],
    );
    assert.deepEqual(
      advised(
        'workers',
        64,
        1,
        runs(64, () => 0.1),
      ),
      ['to-inline'],
    );
    assert.deepEqual(
      advised(
        'inline',
        256,
        1,
        runs(63, () => 1.2),
      ),
      [],
    );
  });

  test('leaves one where it is whose runs are slow only now and then, or lie between', () => {
    assert.deepEqual(
      advised(
        'inline',
        256,
        1,
        runs(256, (at) => (at % 8 === 0 ? 0.2 : 40)),
      ),
      [],
    );
    assert.deepEqual(
      advised(
        'workers',
        64,
        1,
        runs(256, () => 0.4),
      ),
      [],
    );
  });

  test('lowers the rows of a run that takes too long, and raises them where there is time', () => {
    assert.deepEqual(
      advised(
        'inline',
        64,
        64,
        runs(64, () => 5),
      ),
      ['fewer-rows'],
    );
    assert.deepEqual(
      advised(
        'inline',
        64,
        64,
        runs(64, () => 0.3),
      ),
      ['more-rows'],
    );
    assert.deepEqual(
      advised(
        'inline',
        256,
        256,
        runs(64, () => 0.3),
      ),
      [],
    );
    // Runs that are not full say nothing about full ones.
    assert.deepEqual(
      advised(
        'inline',
        64,
        2,
        runs(64, () => 0.05),
      ),
      [],
    );
  });

  test('goes on to more rows only while each of them costs less by it', () => {
    const watch = new LaneWatch();
    const after = (maxRows: number, ms: number): Advice | undefined => {
      let advice: Advice | undefined;
      for (let run = 0; run < 64; run++) advice = watch.note('workers', maxRows, maxRows, ms) ?? advice;
      return advice;
    };
    // 1.5 ms a row, then 1.2, then 1.2 again: twice as many in a run make all of them wait, for nothing.
    assert.equal(after(1, 2), 'more-rows');
    assert.equal(after(2, 3), 'more-rows');
    assert.equal(after(4, 4.8), 'more-rows');
    assert.equal(after(8, 9.6), 'fewer-rows');
    for (let time = 0; time < 49; time++) assert.equal(after(4, 4.8), undefined);
    // Once in a while it is tried again.
    assert.equal(after(4, 4.8), 'more-rows');
  });
});
