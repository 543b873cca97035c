import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHash } from 'node:crypto';
import { seeded } from '#core';
import { AdmissionLedger, ledgerMemory } from './admission-ledger.ts';

const rate = { perSecond: 10, burst: 5 };
const hashOf = (name: string): string => createHash('sha256').update(name).digest('hex');

/** A bucket of tokens, as RFC 2697 has it, in thousandths of them: the reference that the ledger's one number is held against. */
class Bucket {
  #left = 1000 * rate.burst;
  #atMs = 0;

  takes(nowMs: number): boolean {
    this.#left = Math.min(1000 * rate.burst, this.#left + (nowMs - this.#atMs) * rate.perSecond);
    this.#atMs = nowMs;
    if (this.#left < 1000) return false;
    this.#left -= 1000;
    return true;
  }
}

describe('a ledger of who is let in', () => {
  test('lets through what a bucket of tokens does, whichever of those that share its memory is asked', () => {
    const memory = ledgerMemory();
    const ledgers = [new AdmissionLedger(memory), new AdmissionLedger(memory), new AdmissionLedger(memory)];
    const random = seeded(4);
    const caller = hashOf('one');
    const bucket = new Bucket();
    let nowMs = 1000;
    let letIn = 0;
    for (let request = 0; request < 20_000; request++) {
      // Whole milliseconds: neither side rounds an instant.
      nowMs += random.int(request % 7 === 0 ? 400 : 120);
      const isIn = ledgers[random.int(3)].take(caller, rate, nowMs) === 0;
      assert.equal(isIn, bucket.takes(nowMs), `request ${request} at ${nowMs}`);
      if (isIn) letIn += 1;
    }
    assert.ok(letIn > 1000 && letIn < 20_000);
  });

  test('says when the next request is due, also where clocks begin at different moments', () => {
    const memory = ledgerMemory();
    const [here, ahead] = [new AdmissionLedger(memory), new AdmissionLedger(memory, -5000)];
    for (let request = 0; request < rate.burst; request++) assert.equal(here.take('', rate, 1000), 0);
    assert.equal(here.take('', rate, 1000), 100);
    assert.equal(ahead.take('', rate, 6040), 60);
    assert.equal(ahead.take('', rate, 6100), 0);
  });

  test('keeps many callers apart, and takes places over from those who have all of their rate again', () => {
    const ledger = new AdmissionLedger();
    const callers = Array.from({ length: 2000 }, (_, at) => hashOf(`caller ${at}`));
    for (const caller of callers) for (let request = 0; request < rate.burst; request++) assert.equal(ledger.take(caller, rate, 1000), 0);
    for (const caller of callers) assert.ok(ledger.take(caller, rate, 1000) > 0);
    const others = Array.from({ length: 2000 }, (_, at) => hashOf(`other ${at}`));
    for (const [names, nowMs] of [
      [others, 2000],
      [callers, 3000],
    ] as const)
      for (const caller of names) for (let request = 0; request < rate.burst; request++) assert.equal(ledger.take(caller, rate, nowMs), 0);
  });

  test('counts who is inside, and who has left, for all that share it', () => {
    const memory = ledgerMemory();
    const [one, other] = [new AdmissionLedger(memory), new AdmissionLedger(memory)];
    assert.deepEqual([one.enter(2), other.enter(2), one.enter(2), other.enter(undefined)], [true, true, false, true]);
    assert.deepEqual([one.inside, other.inside, one.left], [3, 3, 0]);
    one.leave();
    other.leave();
    assert.deepEqual([one.inside, one.left, other.left, one.enter(2)], [1, 2, 2, true]);
  });
});
