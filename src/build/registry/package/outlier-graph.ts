import type { InputColumn, OutlierSpec, PackageOutliers } from '#contract';
import { GyreError, seedOf, seeded } from '#core';
import { feeds } from '#features';
import { appendIsolationForest, appendMahalanobis, fitIsolationForest, fitMahalanobis } from '#learners';
import { attr, encodeModel, graphBuilder, mlDomain, openSession, tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { median, quantile } from '#stats';
import type { Column, Frame, TextColumn } from '#tables';
import { fewestRows, sampleOf } from './typical-rows.ts';

const mostRows = 20_000;
/** Texts of a column whose share is known; others count as ones that nobody has. */
const mostTexts = 1000;

/** Of a package: how far a row lies from those that the model learned from. */
export interface PackedOutliers {
  /** The same inputs as the model; one output `outlier_score`, [N, 1], float64. */
  readonly graph: Uint8Array;
  readonly facts: PackageOutliers;
}

/**
 * Fits outlier scores to rows: an isolation forest on numbers (missing ones at their median) and on how common each text is, or Mahalanobis distances of the
 * numbers. The threshold is the score that the given share of the rows stays at or below.
 * @returns undefined where nothing is to be fitted: by the setting, or for a table of too few rows
 * @throws GyreError INVALID_ARGUMENT when the method does not fit the columns
 */
export async function fitOutliers(
  inputs: readonly InputColumn[],
  rows: Frame,
  { method, quantile: share }: OutlierSpec,
  of: Readonly<{ dataset?: string }>,
  seed: number,
): Promise<PackedOutliers | undefined> {
  const frame = sampleOf(rows, seed, mostRows);
  if (method === 'none' || frame.rows < 2 * fewestRows) return undefined;
  const graph = graphBuilder({ name: 'gyre_outliers' });
  for (const { name, datatype } of inputs) graph.input(name, datatype === 'BYTES' ? 'STRING' : 'DOUBLE', ['N', 1]);
  const used = inputs.filter(({ datatype }) => method === 'isolation_forest' || datatype === 'FP64');
  if (used.length === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'serve.outliers: mahalanobis measures numbers, and the model takes none; choose isolation_forest or none',
    );
  const values = used.map((input) => prepared(graph, input, frame.column(input.name)));
  const matrix = new Float64Array(frame.rows * used.length);
  values.forEach((column, c) => column.data.forEach((value, row) => (matrix[row * used.length + c] = value)));
  const joined = graph.op('Concat', values.map(({ value }) => value), { attributes: { axis: attr.int(1) } }); // prettier-ignore
  graph.output('outlier_score', 'DOUBLE', ['N', 1], scored(graph, joined, method, matrix, frame.rows, used.length, seed));
  const bytes = encodeModel(graph);
  await using session = await openSession(bytes);
  const answered = await session.run(feeds(inputs, frame));
  const scores = Float64Array.from<unknown>(answered['outlier_score'].data, Number);
  return {
    graph: bytes,
    facts: {
      format: 'gyre.outliers.v1',
      method,
      quantile: share,
      threshold: quantile(scores, share),
      columns: used.map(({ name }) => name),
      of: { rows: rows.rows, ...of },
    },
  };
}

function scored(
  graph: GraphBuilder,
  joined: string,
  method: 'isolation_forest' | 'mahalanobis',
  matrix: Float64Array,
  rows: number,
  columns: number,
  seed: number,
): string {
  if (method === 'mahalanobis') return appendMahalanobis(graph, joined, fitMahalanobis(matrix, rows, columns));
  const features = graph.op('Cast', [joined], { attributes: { to: attr.int(1) } });
  const random = seeded(seedOf(seed, 'outliers'));
  return appendIsolationForest(graph, features, fitIsolationForest({ rows, columns, values: Float32Array.from(matrix) }, { random }));
}

interface PreparedColumn {
  /** float64 [N, 1] */
  readonly value: string;
  readonly data: Float64Array;
}

/** Numbers stay within float32, so that sums and comparisons stay finite. */
const largest = 1e30;

function prepared(graph: GraphBuilder, { name }: InputColumn, column: Column): PreparedColumn {
  if (column.kind === 'text') return commonness(graph, name, column);
  const present = column.values.filter((value) => Number.isFinite(value));
  const usual = present.length === 0 ? 0 : median(present);
  const fill = graph.initializer('usual', tensor('DOUBLE', [1], Float64Array.of(usual)));
  const limit = (value: number): string => graph.initializer('limit', tensor('DOUBLE', [], Float64Array.of(value)));
  const whole = graph.op('Where', [graph.op('IsNaN', [name]), fill, name]);
  return {
    value: graph.op('Clip', [whole, limit(-largest), limit(largest)]),
    data: Float64Array.from(column.values, (value) => (Number.isNaN(value) ? usual : Math.max(-largest, Math.min(largest, value)))),
  };
}

/** The share of rows that have the same text; 0 for one that (almost) nobody has. */
function commonness(graph: GraphBuilder, name: string, { codes, dictionary }: TextColumn): PreparedColumn {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  const kept = [...counts]
    .filter(([, count]) => count >= fewestRows)
    .toSorted(([a, left], [b, right]) => right - left || a - b)
    .slice(0, mostTexts);
  const shares = new Map(kept.map(([code, count]) => [code, Math.fround(count / codes.length)]));
  if (shares.size === 0) shares.set(-1, 0);
  const share = graph.op('LabelEncoder', [name], {
    domain: mlDomain,
    attributes: {
      keys_strings: attr.strings([...shares.keys()].map((code) => (code < 0 ? '' : dictionary[code]))),
      values_floats: attr.floats([...shares.values()]),
      default_float: attr.float(0),
    },
  });
  return {
    value: graph.op('Cast', [share], { attributes: { to: attr.int(11) } }),
    data: Float64Array.from(codes, (code) => shares.get(code) ?? 0),
  };
}
