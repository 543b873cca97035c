import { GyreError } from '#core';
import type { Feeds, Session } from '#onnx';

const rowsPerRun = 4096;

/**
 * What a graph gives for many rows, some thousand at a time.
 * @param output a float output, of a row's values one after the other
 * @param part the tensors of the rows from the first up to, but without, the second
 * @param most rows of one run
 * @returns the values of all rows, flat
 * @throws GyreError FAILED_PRECONDITION when the graph gives no float output of this name
 */
export async function graphScores(
  session: Session,
  rows: number,
  output: string,
  part: (from: number, to: number) => Feeds | Promise<Feeds>,
  most = rowsPerRun,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let from = 0; from < rows; from += most) {
    const outputs = await session.run(await part(from, Math.min(rows, from + most)), { outputs: [output] });
    const given = outputs[output];
    if (given?.type !== 'FLOAT') throw new GyreError('FAILED_PRECONDITION', `the ONNX model gives no float output "${output}"`, { output });
    parts.push(given.data);
  }
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of parts) {
    all.set(values, at);
    at += values.length;
  }
  return all;
}
