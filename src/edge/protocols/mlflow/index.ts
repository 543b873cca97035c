export type { MlflowAnswer, MlflowCall, MlflowOptions, MlflowRoute } from './port.ts';
export { describeError } from './errors.ts';
export { addressesOf, mlflowRoutes } from './routes.ts';
