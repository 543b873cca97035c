import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { seeded } from '#core';
import { fitLearner, predictProbabilities } from '#learners';
import { suspectLabels } from '#stats';
import { readCsv } from '#tables';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../harness/gyre-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Case {
  readonly labels: readonly number[];
  readonly probabilities: readonly (readonly number[])[];
}
interface Peer {
  readonly mask: readonly boolean[];
  readonly ranked: readonly number[];
  readonly thresholds: readonly number[];
  readonly joint: readonly (readonly number[])[];
}

const random = seeded(9);
/** Labels of which some are wrong, and probabilities that follow what is right, more or less; rounded, so that many are equal. */
function made(rows: number, classes: number, noise: number, digits: number): Case {
  const probabilities: number[][] = [];
  const labels = Array.from({ length: rows }, () => {
    const right = random.int(classes);
    const raw = Array.from({ length: classes }, (_, each) => Math.exp(random.normal() + (each === right ? 1.8 : 0)));
    const sum = raw.reduce((total, each) => total + each);
    const rounded = raw.map((each) => Number((each / sum).toFixed(digits)));
    rounded[0] += 1 - rounded.reduce((total, each) => total + each);
    probabilities.push(rounded);
    return random.next() < noise ? random.int(classes) : right;
  });
  return { labels, probabilities };
}

/** What a model says of the example's customers out of fold. */
async function customers(): Promise<Case> {
  const { frame } = readCsv(await readFile(join(repository, 'examples/churn/data/telco-churn.csv')));
  const names = frame.names.filter((name) => name !== 'customerID' && name !== 'Churn');
  const labels = [...frame.texts('Churn').codes];
  const columns = names.map((name) => {
    const column = frame.column(name);
    return column.kind === 'text' ? column.codes : column.values;
  });
  const matrixOf = (rows: readonly number[]) => ({
    rows: rows.length,
    columns: names.length,
    values: Float32Array.from(rows.flatMap((row) => columns.map((values) => values[row]))),
  });
  const probabilities: number[][] = [];
  for (let fold = 0; fold < 2; fold++) {
    const [inside, outside] = [0, 1].map((part) => labels.flatMap((_, row) => (row % 2 === (fold + part) % 2 ? [row] : [])));
    assert.ok(inside !== undefined && outside !== undefined);
    const model = await fitLearner(
      'gbdt',
      {
        task: 'binary',
        classes: 2,
        featureNames: names,
        features: matrixOf(outside),
        targets: Float64Array.from(outside, (row) => labels[row] ?? 0),
      },
      { iterations: 40, learning_rate: 0.1 },
      { random: seeded(1) },
    );
    const shares = predictProbabilities(model, matrixOf(inside));
    inside.forEach((row, at) => {
      probabilities[row] = [...shares.subarray(at * 2, at * 2 + 2)];
    });
  }
  return { labels, probabilities };
}

describe('confident learning', { skip: pythonMissing }, () => {
  let cases: readonly Case[];
  let peers: readonly Peer[];
  before(async () => {
    cases = [made(2000, 2, 0.1, 2), made(3000, 5, 0.2, 3), made(500, 3, 0, 1), made(400, 8, 0.5, 6), await customers()];
    peers = await runPython<readonly Peer[]>('labels_peer.py', cases);
  });

  test('suspects the rows that cleanlab suspects, in its order, from the same thresholds and counts', () => {
    for (const [index, { labels, probabilities }] of cases.entries()) {
      const peer = peers[index];
      assert.ok(peer !== undefined);
      const classes = probabilities[0]?.length ?? 0;
      const found = suspectLabels(labels, Float64Array.from(probabilities.flat()), classes);
      assert.deepEqual(
        Array.from(found.suspected, (each) => each === 1),
        peer.mask,
        `case ${index}`,
      );
      assert.ok(peer.ranked.length > 3, `case ${index}: ${peer.ranked.length} suspected`);
      const own = (row: number): number => probabilities[row]?.[labels[row] ?? 0] ?? NaN;
      assert.deepEqual(
        peer.ranked.map(own),
        peer.ranked.map(own).sort((left, right) => left - right),
        'by the probability of the own label, as ours are',
      );
      for (const [each, threshold] of found.thresholds.entries())
        assert.ok(Math.abs(threshold - (peer.thresholds[each] ?? NaN)) < 1e-12, `threshold ${each}`);
      // theirs has at least one on the diagonal
      const joint = peer.joint.flat();
      for (const [at, count] of found.joint.entries()) assert.equal(at % (classes + 1) === 0 ? Math.max(1, count) : count, joint[at]);
    }
  });
});
