import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  absoluteTime,
  bytes,
  chosen,
  counted,
  decimalsFor,
  duration,
  measured,
  number,
  percent,
  relativeTime,
  shortId,
  signed,
} from './format.ts';

const thin = '\u202f';

describe('numbers on pages', () => {
  test('show as many decimals as two digits of their uncertainty', () => {
    assert.equal(decimalsFor(0.0103), 3);
    assert.equal(decimalsFor(0.234), 2);
    assert.equal(decimalsFor(12), 0);
    assert.equal(decimalsFor(0), 3);
    assert.equal(measured(0.84217, { low: 0.8321, high: 0.8523, level: 0.95 }), '0.842 ± 0.010');
    assert.equal(measured(1234.2, { low: 1200, high: 1268, level: 0.95 }), '1234 ± 34');
  });

  test('show both ends where the interval is uneven', () => {
    assert.equal(measured(0.887, { low: 0.829, high: 0.928, level: 0.95 }), '0.887 (0.829–0.928)');
  });

  test('say that a value was not measured', () => {
    assert.equal(measured(null), 'not measured');
    assert.equal(percent(undefined), 'not measured');
    assert.equal(number(Number.NaN), 'not a number');
  });

  test('group thousands thinly and carry a true minus sign', () => {
    assert.equal(number(1234567, 0), `1${thin}234${thin}567`);
    assert.equal(number(7043, 0), '7043');
    assert.equal(number(-0.25, 2), '−0.25');
    assert.equal(number(-0.0001, 2), '0.00');
    assert.equal(number(0.00000012), '1.2×10⁻⁷');
    assert.equal(signed(0.4131, 3), '+0.413');
    assert.equal(chosen(0.1), '0.1');
    assert.equal(chosen(10), '10');
  });

  test('carry their unit', () => {
    assert.equal(percent(0.2654), `26.5${thin}%`);
    assert.equal(percent(1), `100${thin}%`);
    assert.equal(bytes(970_457), '970 kB');
    assert.equal(bytes(1_430_000), '1.4 MB');
    assert.equal(bytes(12), '12 B');
    assert.equal(counted(1, 'row'), '1 row');
    assert.equal(counted(12, 'row'), '12 rows');
  });
});

describe('times on pages', () => {
  const now = Date.parse('2026-11-21T12:00:00.000Z');
  test('say how long ago, or until when', () => {
    assert.equal(relativeTime('2026-11-21T11:59:58.000Z', now), 'now');
    assert.equal(relativeTime('2026-11-21T11:56:00.000Z', now), '4 min ago');
    assert.equal(relativeTime('2026-11-23T12:00:00.000Z', now), 'in 2 d');
    assert.equal(relativeTime('2026-03-02T00:00:00.000Z', now), '2 Mar 2026');
    assert.equal(relativeTime('no instant', now), 'no instant');
  });

  test('name the instant in UTC', () => {
    assert.equal(absoluteTime('2026-11-21T11:15:27.123Z'), '21 Nov 2026, 11:15:27 UTC');
  });

  test('show lengths in their two largest units', () => {
    assert.equal(duration(0.4), '0.40 ms');
    assert.equal(duration(840), '840 ms');
    assert.equal(duration(2400), '2.4 s');
    assert.equal(duration(200_000), '3 min 20 s');
    assert.equal(duration(187_200_000), '2 d 4 h');
    assert.equal(duration(3_600_000), '1 h');
  });
});

test('the end of a time-ordered id is shown, where ids differ', () => {
  assert.equal(shortId('01a1fdf2-0428-74bb-aeec-a767c26ad3dc'), '…c26ad3dc');
  assert.equal(shortId('churn'), 'churn');
});
