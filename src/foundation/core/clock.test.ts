import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { steadyMs, threadCpuMs } from './index.ts';

describe('the time that a thread has computed', () => {
  test('tells work of a millisecond from none, however coarsely the system counts', () => {
    const median = (of: () => number): number => Array.from({ length: 21 }, of).toSorted((one, other) => one - other)[10];
    const work = median(() => {
      const [before, began] = [threadCpuMs(), steadyMs()];
      while (steadyMs() - began < 1);
      return threadCpuMs() - before;
    });
    const none = median(() => {
      const before = threadCpuMs();
      return threadCpuMs() - before;
    });
    assert.ok(work > 2 * none, `${work} ms of work, ${none} ms of none`);
  });

  test('goes on, and never back', () => {
    let before = threadCpuMs();
    for (let look = 0; look < 1000; look++) {
      const now = threadCpuMs();
      assert.ok(now >= before);
      before = now;
    }
  });
});
