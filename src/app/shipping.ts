import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '#core';
import type { Monitoring } from '#monitoring';
import { readSegment } from '#serving';
import type { Logger, Metrics } from '#telemetry';

/**
 * Files finished segments of a prediction log into monitoring, then removes them. A segment's name is its id there:
 * a crash between the two leaves a file that the next shipping finds known and removes.
 */
export async function shipSegments(
  { monitoring, log, metrics }: { readonly monitoring: Pick<Monitoring, 'ingestSegment'>; readonly log: Logger; readonly metrics: Metrics },
  environment: string,
  paths: readonly string[],
): Promise<void> {
  const lost = metrics.counter({
    name: 'gyre_predictions_dropped_total',
    help: 'answered requests whose log a full data plane removed before it was shipped',
    labels: ['environment'],
  });
  for (const path of paths) {
    try {
      const { predictions, torn, dropped } = await readSegment(path);
      if (torn) log.warn({ path }, 'the tail of a segment was being written when its process died; its answer was never sent');
      await monitoring.ingestSegment({ environment, segment: basename(path), predictions });
      if (dropped.requests > 0) {
        lost.inc({ environment }, dropped.requests);
        log.error({ environment, ...dropped }, 'a data plane removed a part of its prediction log unread, for want of space');
      }
      await rm(path, { force: true });
    } catch (error) {
      // A log that is full gave way to newer segments: those say what is missing.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
      // The file stays: nothing is lost, and the next shipping tries again.
      log.error({ path, error: messageOf(error) }, 'a segment of the prediction log could not be filed');
    }
  }
}
