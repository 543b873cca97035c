import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { join } from 'node:path';
import { seeded } from '#core';
import { readCsv, takeRows, toRecords } from '#tables';
import type { Frame, TableRecord } from '#tables';
import { referenceOfColumn } from './column-reference.ts';
import { driftOf } from './drift.ts';
import type { DriftSubject } from './drift.ts';

const limits = { alpha: 0.01, psi: 0.1 };

/** The columns of a window beside their references, as the monitor makes them. */
function subjectsOf(reference: Frame, window: Frame): DriftSubject[] {
  const records = toRecords(window);
  return reference.schema.flatMap(({ name, type }): DriftSubject[] => {
    const made = name === 'customerID' ? undefined : referenceOfColumn(reference.column(name), type, name);
    if (made === undefined) return [];
    return [{ column: name, kind: type === 'string' ? 'text' : 'number', reference: made, values: records.map((record) => record[name]) }];
  });
}

describe('drift of a window', () => {
  const { frame } = readCsv(readFileSync(join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv')));
  const order = Int32Array.from({ length: frame.rows }, (_, row) => row);
  seeded(11).shuffle(order);
  const reference = takeRows(frame, order.slice(0, 2400));
  const rest = order.slice(2400);
  /** Rows that no reference holds, drawn anew each time. */
  const windowOf = (random: ReturnType<typeof seeded>, rows: number): Frame => {
    const drawn = rest.slice();
    random.shuffle(drawn);
    return takeRows(frame, drawn.slice(0, rows));
  };

  test('200 windows of 170 real customers without drift alarm no more often than alpha says', () => {
    const random = seeded(5);
    const subjects = subjectsOf(reference, reference);
    let alarms = 0;
    for (let draw = 0; draw < 200; draw++) {
      const records = toRecords(windowOf(random, 170));
      const drifts = driftOf(
        subjects.map((subject) => ({ ...subject, values: records.map((record) => record[subject.column]) })),
        limits,
      );
      if (drifts.some(({ drifted }) => drifted)) alarms++;
    }
    // Binomial(200, 0.01): more than 7 has a chance of 0.0009.
    assert.ok(alarms <= 7, `${alarms} of 200 windows without drift alarmed`);
  });

  test('the p-values themselves keep alpha too, before any least effect size', () => {
    const random = seeded(6);
    const subjects = subjectsOf(reference, reference);
    let alarms = 0;
    for (let draw = 0; draw < 200; draw++) {
      const records = toRecords(windowOf(random, 170));
      const drifts = driftOf(
        subjects.map((subject) => ({ ...subject, values: records.map((record) => record[subject.column]) })),
        { alpha: 0.05, psi: 0 },
      );
      if (drifts.some(({ drifted }) => drifted)) alarms++;
    }
    // Binomial(200, 0.05): more than 20 has a chance of 0.0013.
    assert.ok(alarms <= 20, `${alarms} of 200 windows without drift alarmed at alpha 0.05`);
  });

  test('a shift in two columns is found in nearly every window, and those two are named', () => {
    const random = seeded(7);
    const subjects = subjectsOf(reference, reference);
    let found = 0;
    for (let draw = 0; draw < 50; draw++) {
      const records = toRecords(windowOf(random, 170)).map((record, row): TableRecord => ({
        ...record,
        tenure: Math.max(0, Number(record['tenure']) - 20),
        Contract: row % 2 === 0 ? 'Month-to-month' : record['Contract'],
      }));
      const drifts = driftOf(
        subjects.map((subject) => ({ ...subject, values: records.map((record) => record[subject.column]) })),
        limits,
      );
      const named = drifts.filter(({ drifted }) => drifted).map(({ column }) => column);
      if (named.includes('tenure') && named.includes('Contract')) found++;
    }
    assert.ok(found >= 48, `found in ${found} of 50 windows`);
  });

  test('a column without a single value is left out, and so is one that the reference has no value of', () => {
    const [tenure] = subjectsOf(reference, reference).filter(({ column }) => column === 'tenure');
    assert.deepEqual(driftOf([{ ...tenure, values: [null, null] }], limits), []);
    const empty = referenceOfColumn({ kind: 'number', values: new Float64Array([NaN]) }, 'number', 'x');
    assert.ok(empty);
    assert.deepEqual(driftOf([{ column: 'x', kind: 'number', reference: empty, values: [1, 2] }], limits), []);
  });

  test('few distinct numbers are compared as categories, many as numbers, and times not at all', () => {
    assert.equal(referenceOfColumn({ kind: 'number', values: Float64Array.from([0, 1, 1, 0]) }, 'boolean', 'x')?.kind, 'categorical');
    assert.equal(referenceOfColumn(reference.column('tenure'), 'integer', 'tenure')?.kind, 'numeric');
    assert.equal(referenceOfColumn({ kind: 'instant', values: Float64Array.from([1, 2]) }, 'instant', 't'), undefined);
  });
});
