import type { Features, FeaturesDeps } from './port.ts';

export type {
  ApplyOptions,
  FeatureMatrix,
  Features,
  FeaturesDeps,
  FitRequest,
  RowsSource,
  TransformQuery,
  WeightedVersion,
} from './port.ts';
export { feeds } from './feeds.ts';

export declare function openFeatures(deps: FeaturesDeps): Features;
