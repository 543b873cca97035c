import { seeded } from '#core';
import type { TaskKind } from '#stats';
import type { TrainingData } from './matrix.ts';

/** Tables for the tests of this room: a known rule with noise, columns of few and of many values, and missing ones. */
export function sampleTable(options: {
  readonly task: TaskKind;
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
  readonly classes?: number;
  readonly missingShare?: number;
  readonly weighted?: boolean;
}): TrainingData {
  const { task, rows, columns, seed, missingShare = 0, weighted = false } = options;
  const classes = task === 'regression' ? 0 : task === 'binary' ? 2 : (options.classes ?? 3);
  const random = seeded(seed);
  const values = new Float32Array(rows * columns);
  const targets = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = i * columns;
    // Every third column has a few values only, so that many rows lie exactly on a threshold.
    for (let c = 0; c < columns; c++) values[row + c] = c % 3 === 2 ? random.int(4) : random.normal() * (c + 1);
    const signal =
      values[row] - 0.5 * (values[row + 1] ?? 0) + (values[row] > 0.3 ? 1.5 : 0) * (values[row + 2] ?? 1) + 0.7 * random.normal();
    targets[i] = task === 'regression' ? 10 * signal : Math.max(0, Math.min(classes - 1, Math.floor(signal / 2 + classes / 2)));
    for (let c = 0; c < columns; c++) if (random.next() < missingShare) values[row + c] = NaN;
  }
  const weights = weighted ? Float64Array.from({ length: rows }, () => 0.5 + random.next()) : undefined;
  const featureNames = Array.from({ length: columns }, (_, c) => `f${c}`);
  return { task, classes, features: { rows, columns, values }, featureNames, targets, ...(weights && { weights }) };
}
