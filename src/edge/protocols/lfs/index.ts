export { describeError } from './errors.ts';
export { lfsRoutes } from './routes.ts';
export type { LfsAnswer, LfsCall, LfsRoute } from './port.ts';
