import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '#core';
import type { Monitoring } from '#monitoring';
import { readSegment } from '#serving';
import type { Logger } from '#telemetry';

/**
 * Files finished segments of a prediction log into monitoring, then removes them. A segment's name is its id there:
 * a crash between the two leaves a file that the next shipping finds known and removes.
 */
export async function shipSegments(monitoring: Monitoring, environment: string, paths: readonly string[], log: Logger): Promise<void> {
  for (const path of paths) {
    try {
      const { predictions, torn } = await readSegment(path);
      if (torn) log.warn({ path }, 'the tail of a segment was being written when its process died; its answer was never sent');
      await monitoring.ingestSegment({ environment, segment: basename(path), predictions });
      await rm(path, { force: true });
    } catch (error) {
      // The file stays: nothing is lost, and the next shipping tries again.
      log.error({ path, error: messageOf(error) }, 'a segment of the prediction log could not be filed');
    }
  }
}
