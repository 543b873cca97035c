export { describeError, toStatus } from './errors.ts';
export { oipRoutes } from './routes.ts';
export type { OipOptions } from './routes.ts';
