export { Relay } from './relay.ts';
export { serveRelay } from './server.ts';
export { Upstream } from './upstream.ts';
export { statusPairs } from './status.ts';
export type { RelayStatus } from './status.ts';
