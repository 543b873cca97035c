export type { MlflowAnswer, MlflowCall, MlflowOptions, MountedRoute } from './port.ts';
export { describeError } from './errors.ts';
export { addressesOf, mlflowRoutes } from './routes.ts';
