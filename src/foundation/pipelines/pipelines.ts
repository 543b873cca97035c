import { GyreError } from '#core';
import type { Pipelines, PipelinesOptions } from './port.ts';

/** Opens the room over a migrated store. */
export function openPipelines(options: PipelinesOptions): Pipelines {
  throw new GyreError('UNIMPLEMENTED', `no pipelines of ${options.owner} yet`);
}
