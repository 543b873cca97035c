import type { Route } from '#serving';
import { invocationRoutes } from './invocations.ts';
import type { ScoringOptions } from './invocations.ts';
import { tfServingRoutes } from './tf-serving.ts';
import { torchServeRoutes } from './torchserve.ts';
import { vertexRoutes } from './vertex.ts';

export type { Container } from './invocations.ts';

/**
 * The same models under the routes of TensorFlow Serving, TorchServe and MLflow, and of the platform that runs this as a container of its own.
 * Vertex AI's come first: it names its paths as it likes, and may name one that another server has.
 */
export function scoringRoutes(options: ScoringOptions): readonly Route[] {
  const { plane, container } = options;
  return [
    ...(typeof container === 'object' ? vertexRoutes(plane, container) : []),
    ...tfServingRoutes(plane),
    ...torchServeRoutes(plane),
    ...invocationRoutes(options),
  ];
}
