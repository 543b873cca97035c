import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cron } from 'croner';
import { cronOf, cronWords, recurrenceOf } from './index.ts';
import type { Recurrence } from './index.ts';

const recurrences: readonly (readonly [Recurrence, string, string])[] = [
  [{ every: 'hour', at: '00:15' }, 'every hour at :15', '2026-11-30T08:15:00Z'],
  [{ every: 'day', at: '06:00' }, 'every day at 06:00', '2026-12-01T06:00:00Z'],
  [{ every: 'weekday', at: '18:05' }, 'Monday to Friday at 18:05', '2026-11-30T18:05:00Z'],
  [{ every: 'week', at: '23:59', day: 0 }, 'every Sunday at 23:59', '2026-12-06T23:59:00Z'],
  [{ every: 'month', at: '07:30', day: 15 }, 'on day 15 of every month at 07:30', '2026-12-15T07:30:00Z'],
];

describe('a recurrence', () => {
  for (const [recurrence, words, next] of recurrences)
    test(`${words} is a pattern that is due then, and reads back as itself`, () => {
      const cron = cronOf(recurrence) ?? assert.fail('no pattern');
      // a Monday
      const due = new Cron(cron, { timezone: 'UTC', paused: true }).nextRun(new Date('2026-11-30T07:30:00Z'));
      assert.equal(due?.toISOString(), new Date(next).toISOString());
      assert.deepEqual(recurrenceOf(cron), recurrence);
      assert.equal(cronWords(cron), words);
    });

  test('of a time or a day that is none is no pattern, and any other pattern stands for itself', () => {
    for (const at of ['24:00', '6', '06:60', '']) assert.equal(cronOf({ every: 'day', at }), undefined, at);
    assert.equal(cronOf({ every: 'week', at: '06:00', day: 7 }), undefined);
    assert.equal(cronOf({ every: 'month', at: '06:00', day: 0 }), undefined);
    assert.equal(cronWords('*/15 8-18 * * 1-5'), '*/15 8-18 * * 1-5');
  });
});
