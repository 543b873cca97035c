import type { Evidence } from '#contract';
import { GyreError } from '#core';
import type { ScoringModel } from '#evaluation';
import { openSession } from '#onnx';
import type { Feeds, Session, Tensor } from '#onnx';
import { sliceRows } from '#tables';
import type { Frame } from '#tables';
import { withoutZipMaps } from './foreign-graph.ts';
import type { ForeignGraph, TakenTensor } from './foreign-graph.ts';
import { numberTensor } from './number-tensor.ts';
import type { Wiring } from './settle-wiring.ts';

/** The wired graph runs the very operations of the one that was brought: only the last bit of a sum may depend on how rows are put together. */
const tolerance = 1e-6;
const mostRows = 2000;

/**
 * Holds what a wired graph gives for the rows of a test against the graph as it was brought, which is fed by hand.
 * @throws GyreError FAILED_PRECONDITION naming the row and the difference when they disagree
 */
export async function requireWiringParity(
  graph: ForeignGraph,
  wiring: Wiring,
  wired: Pick<ScoringModel, 'probabilities'>,
  rows: Frame,
): Promise<NonNullable<Evidence['parity']>> {
  const frame = rows.rows > mostRows ? sliceRows(rows, 0, mostRows) : rows;
  await using session = await openSession(withoutZipMaps(graph.bytes));
  const own = await handFed(session, wiring, frame);
  const given = await wired.probabilities(frame);
  const scale = wiring.task === 'regression' ? own.reduce((most, value) => Math.max(most, Math.abs(value)), 1) : 1;
  let greatest = 0;
  for (let at = 0; at < given.length; at++) {
    const difference = Math.abs(own[at] - given[at]);
    if (!(difference <= tolerance * scale))
      throw new GyreError(
        'FAILED_PRECONDITION',
        `behind named columns the graph gives ${given[at]} where it gave ${own[at]} before, in row ${Math.floor(at / (given.length / frame.rows))}: it cannot be put to test`,
      );
    greatest = Math.max(greatest, difference);
  }
  return { rows: frame.rows, maxDifference: greatest, tolerance: tolerance * scale };
}

async function handFed(session: Session, wiring: Wiring, frame: Frame): Promise<Float64Array> {
  const { scores, order, task } = wiring;
  const feeds: Record<string, Tensor> = {};
  for (const { tensor, columns } of wiring.tensors) feeds[tensor.name] = byHand(tensor, columns, frame);
  const { [scores.name]: given } = await session.run(feeds satisfies Feeds, { outputs: [scores.name] });
  const width = given.data.length / frame.rows;
  if (task === 'regression') return Float64Array.from(given.data, Number);
  const all = new Float64Array(frame.rows * order.length);
  for (let row = 0; row < frame.rows; row++)
    order.forEach((column, k) => {
      all[row * order.length + k] = column === null ? 1 - Number(given.data[row]) : Number(given.data[row * width + column]);
    });
  return all;
}

function byHand({ type, isFlat }: TakenTensor, names: readonly string[], frame: Frame): Tensor {
  const shape = isFlat ? [frame.rows] : [frame.rows, names.length];
  const size = frame.rows * names.length;
  if (type === 'STRING') {
    const columns = names.map((name) => frame.column(name));
    const data = Array.from({ length: size }, (_, at) => {
      const column = columns[at % names.length];
      const row = Math.floor(at / names.length);
      return column.kind === 'text' && column.codes[row] >= 0 ? column.dictionary[column.codes[row]] : '';
    });
    return { type, shape, data };
  }
  const columns = names.map((name) => frame.column(name));
  const numbers = Array.from({ length: size }, (_, at) => {
    const column = columns[at % names.length];
    return column.kind === 'text' ? Number.NaN : column.values[Math.floor(at / names.length)];
  });
  return numberTensor(type, shape, numbers);
}
