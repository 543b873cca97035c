export { describeError, toStatus } from './errors.ts';
export { oipMethods } from './rpc-methods.ts';
export { oipRoutes } from './routes.ts';
export type { OipOptions } from './routes.ts';
