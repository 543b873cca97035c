import type { InputColumn } from '#contract';
import { GyreError } from '#core';
import { openSession } from '#onnx';
import type { Session } from '#onnx';
import { takeRows } from '#tables';
import type { Frame } from '#tables';
import { feeds } from './feeds.ts';
import { encodeRecipe } from './recipe-graph.ts';
import type { ApplyOptions, FeatureMatrix } from './port.ts';
import type { Description, FittedTransform, Recipe } from './recipe.ts';
import { clipRows, foldsOf } from './training-rows.ts';

/** Runs a graph that is used once. @returns the values of its one output */
export async function runOnce(
  bytes: Uint8Array,
  inputs: readonly InputColumn[],
  frame: Frame,
  output: string,
): Promise<Float64Array | Float32Array> {
  await using session = await openSession(bytes);
  return await runSession(session, inputs, frame, output);
}

/** Runs a loaded graph over a frame. @returns the output's values, row-major */
export async function runSession(
  session: Session,
  inputs: readonly InputColumn[],
  frame: Frame,
  output: string,
): Promise<Float64Array | Float32Array> {
  const { [output]: result } = await session.run(feeds(inputs, frame), { outputs: [output] });
  if (result.type === 'FLOAT' || result.type === 'DOUBLE') return result.data;
  throw new GyreError('INTERNAL', `output "${output}" of a transform graph is of type ${result.type}`);
}

/** The feature values of rows in general, float32 row-major. */
export async function featureValues(session: Session, description: Description, frame: Frame): Promise<Float32Array> {
  return Float32Array.from(await runSession(session, description.recipe.inputs, frame, 'features'));
}

/**
 * The feature values of the training rows: outliers clipped before the graph, and each fold run through a graph whose target encodings
 * come from the other folds.
 */
export async function trainingValues(session: Session, description: Description, frame: Frame): Promise<Float32Array> {
  const { recipe, trainingOnly, rows, features } = description;
  const clipped = clipRows(frame, trainingOnly.clip);
  if (trainingOnly.folds.length === 0) return featureValues(session, description, clipped);
  if (frame.rows !== rows) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the transform was fitted on ${rows} rows and has target encodings: their training values exist for these rows alone, not for ${frame.rows} others`,
      { rows, given: frame.rows },
    );
  }
  const { foldOf } = foldsOf(rows);
  const values = new Float32Array(rows * features.length);
  for (const [fold, tables] of trainingOnly.folds.entries()) {
    const positions = foldOf.reduce<number[]>((kept, rowFold, row) => {
      if (rowFold === fold) kept.push(row);
      return kept;
    }, []);
    const part = await runOnce(
      encodeRecipe(withTables(recipe, tables)),
      recipe.inputs,
      takeRows(clipped, Int32Array.from(positions)),
      'features',
    );
    positions.forEach((row, at) => values.set(part.subarray(at * features.length, (at + 1) * features.length), row * features.length));
  }
  return values;
}

function withTables(recipe: Recipe, tables: Description['trainingOnly']['folds'][number]): Recipe {
  let next = 0;
  return { ...recipe, categories: recipe.categories.map((plan) => (plan.encode === 'target' ? { ...plan, table: tables[next++] } : plan)) };
}

/** The features of rows by a transform that was just fitted and is not kept anywhere. Errors as `Features.apply`. */
export async function matrixOf(
  { description, graph }: FittedTransform,
  frame: Frame,
  { forTraining = false }: ApplyOptions = {},
): Promise<FeatureMatrix> {
  await using session = await openSession(graph);
  const values = await (forTraining ? trainingValues : featureValues)(session, description, frame);
  const names = description.features.map((feature) => feature.name);
  return { rows: frame.rows, columns: names.length, names, values };
}
