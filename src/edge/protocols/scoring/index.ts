import type { Plane, Route } from '#serving';
import { invocationRoutes } from './invocations.ts';
import { tfServingRoutes } from './tf-serving.ts';
import { torchServeRoutes } from './torchserve.ts';

/** The same models under the routes of TensorFlow Serving, TorchServe and MLflow. @param options.version Gyre's */
export function scoringRoutes(options: { readonly plane: Plane; readonly version: string }): readonly Route[] {
  return [...tfServingRoutes(options.plane), ...torchServeRoutes(options.plane), ...invocationRoutes(options)];
}
