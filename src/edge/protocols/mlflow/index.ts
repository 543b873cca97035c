export type { MlflowAnswer, MlflowCall, MlflowOptions, MountedRoute } from './port.ts';
export { describeError } from './errors.ts';
export { protocolRoutes } from './protocol-routes.ts';
export type { ProtocolRoute } from './protocol-routes.ts';
export { addressesOf, mlflowRoutes } from './routes.ts';
export { mlflowDescription } from './description.ts';
