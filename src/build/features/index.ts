export type {
  ApplyOptions,
  FeatureMatrix,
  Features,
  FeaturesDeps,
  FitRequest,
  Refitted,
  RowsSource,
  TransformQuery,
  WeightedVersion,
} from './port.ts';
export { openFeatures, trainingRows } from './features.ts';
export { featuresMigrations } from './migrations/index.ts';
export { fitTransform } from './fit.ts';
export { matrixOf } from './run-graph.ts';
export type { Description, FittedTransform } from './recipe.ts';
export { compileRecipe } from './recipe-graph.ts';
export { targetsOf } from './target.ts';
export type { TargetFacts } from './target.ts';
export { feeds } from './feeds.ts';
export { featuresBlobHolders } from './blob-holders.ts';
