import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualClock } from './clock.ts';
import { countingIds, uuidV7 } from './ids.ts';

const bytes =
  (...values: number[]) =>
  (): Uint8Array =>
    Uint8Array.from(values);

describe('an id', () => {
  test('is the UUIDv7 of RFC 9562’s own example', () => {
    // Appendix A.6: unix_ts_ms 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
    const random = bytes(0, 0, 0, 0, 0, 0, 0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f);
    assert.equal(uuidV7(manualClock(0x017f22e279b0), random)(), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  test('carries version 7 and the RFC’s variant whatever the random bytes are', () => {
    for (const value of [0x00, 0xff]) {
      const id = uuidV7(manualClock(1_700_000_000_000), (length) => new Uint8Array(length).fill(value))();
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  test('begins with the instant in milliseconds and follows the clock', () => {
    const clock = manualClock(1_732_184_852_123);
    const newId = uuidV7(clock, (length) => new Uint8Array(length));
    const instantOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    assert.equal(instantOf(newId()), 1_732_184_852_123);
    clock.advance(1);
    assert.equal(instantOf(newId()), 1_732_184_852_124);
    clock.set(2 ** 48 - 1);
    assert.equal(instantOf(newId()), 2 ** 48 - 1);
  });

  test('asks for fresh random bytes each time and does not write into those it got before', () => {
    const given: Uint8Array[] = [];
    const newId = uuidV7(manualClock(0), (length) => {
      const fresh = new Uint8Array(length).fill(given.length + 1);
      given.push(fresh);
      return fresh;
    });
    assert.notEqual(newId(), newId());
    assert.deepEqual(
      given.map(({ length }) => length),
      [16, 16],
    );
  });

  test('counts up in tests', () => {
    const newId = countingIds('run');
    assert.deepEqual([newId(), newId()], ['run-1', 'run-2']);
    assert.equal(countingIds('run')(), 'run-1');
  });
});
