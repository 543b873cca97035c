export { datatypeOf, protocolShape } from './datatypes.ts';
export { describeError, toStatus } from './errors.ts';
export { flatten, mostAxes, tensorOf } from './values.ts';
export type { Feeds, Tensor } from './values.ts';
export { oipMethods } from './rpc-methods.ts';
export { oipRoutes } from './routes.ts';
export type { OipOptions } from './routes.ts';
export { readInferRequest, writeInferResponse } from './messages.ts';
