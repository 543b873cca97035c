import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryBudget } from './memory-budget.ts';
import type { MemoryUser } from './memory-budget.ts';

class Sleeper implements MemoryUser {
  memoryBytes: number;
  readonly lastUsedMs: number;
  readonly isIdle: boolean;

  constructor(memoryBytes: number, lastUsedMs: number, isIdle = true) {
    this.memoryBytes = memoryBytes;
    this.lastUsedMs = lastUsedMs;
    this.isIdle = isIdle;
  }

  sleep(): Promise<void> {
    this.memoryBytes = 0;
    return Promise.resolve();
  }
}

describe('the memory of models', () => {
  test('puts the least recently used to sleep until the rest fits, never one that is busy or for which room is made', async () => {
    const budget = new MemoryBudget();
    const [oldest, busy, newer, newest] = [new Sleeper(40, 1), new Sleeper(30, 0, false), new Sleeper(20, 2), new Sleeper(50, 3)];
    for (const user of [newest, busy, oldest, newer]) budget.add(user);
    await budget.settle();
    assert.equal(budget.used, 140);
    budget.limit = 105;
    await budget.settle(newest);
    assert.deepEqual([oldest.memoryBytes, busy.memoryBytes, newer.memoryBytes, newest.memoryBytes], [0, 30, 20, 50]);
    budget.limit = 10;
    await budget.settle(newest);
    assert.deepEqual([busy.memoryBytes, newer.memoryBytes, newest.memoryBytes], [30, 0, 50]);
    budget.remove(busy);
    assert.equal(budget.used, 50);
    assert.ok(!budget.allows(1));
    budget.limit = 60;
    assert.ok(budget.allows(10) && !budget.allows(11));
  });
});
