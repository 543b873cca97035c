import { metricsContentType } from '#telemetry';
import type { Route } from './http-exchange.ts';
import type { Plane } from './plane.ts';

/** `GET /metrics`, for Prometheus. */
export function metricsRoute(plane: Plane): Route {
  return {
    name: 'metrics',
    method: 'GET',
    path: '/metrics',
    handle: async () => ({ status: 200, type: metricsContentType, body: await plane.metricsText() }),
  };
}
