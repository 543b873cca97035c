/** A model as somebody else's tools leave it, for the small project of `people`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attr, encodeModel, graphBuilder, mlDomain } from '#onnx';

/** Columns of `people` in the order in which the graph takes them. */
export const graphColumns = 'age,income';

/**
 * The ONNX graph of a classifier of one tensor [N, 2], whose classes are 0 and 1: the older, the likelier to cancel.
 * @param shift of the margin, so that two graphs differ
 */
export function foreignGraph(shift = 0): Uint8Array<ArrayBuffer> {
  const graph = graphBuilder({ name: 'theirs' });
  const x = graph.input('X', 'FLOAT', ['N', 2]);
  const [label, scores] = graph.node('LinearClassifier', [x], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      classlabels_ints: attr.ints([0, 1]),
      coefficients: attr.floats([-0.03, 0, 0.03, 0]),
      intercepts: attr.floats([1.4 - shift, -1.4 + shift]),
      post_transform: attr.string('SOFTMAX'),
      multi_class: attr.int(0),
    },
  });
  graph.output('label', 'INT64', ['N'], label);
  graph.output('probabilities', 'FLOAT', ['N', 2], scores);
  return encodeModel(graph);
}

/** The graph as a file. @returns its path */
export async function foreignModel(folder: string, shift = 0): Promise<string> {
  const file = join(folder, `theirs-${shift}.onnx`);
  await writeFile(file, foreignGraph(shift));
  return file;
}
